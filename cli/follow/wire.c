#include "config.h"

#include "follow/wire.h"

#include "clock.h"
#include "output.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)256 << 10)

struct head {
    uint32_t kind, length;
};

int wire_begin(struct wire *wire, int in, int out)
{
    *wire = (struct wire){.in = in, .out = out, .patience = -1, .sent = clock_seconds()};
    wire->buffer = malloc(BUFFER_BYTES);
    wire->message = malloc(WIRE_MOST + 1);
    return wire->buffer && wire->message ? 0 : -ENOMEM;
}

void wire_end(struct wire *wire)
{
    free(wire->buffer);
    free(wire->message);
}

int wire_flush(struct wire *wire)
{
    int error = output_write(wire->out, wire->buffer, wire->used);

    wire->used = 0;
    wire->sent = clock_seconds();
    return error;
}

static int put(struct wire *wire, const void *bytes, size_t length)
{
    int error = 0;

    if (length > BUFFER_BYTES - wire->used)
        error = wire_flush(wire);
    if (!error && length > BUFFER_BYTES)
        return output_write(wire->out, bytes, length);
    if (!error && length) {
        memcpy(wire->buffer + wire->used, bytes, length);
        wire->used += length;
    }
    return error;
}

int wire_send_parts(struct wire *wire, enum wire_kind kind, const struct wire_part *parts, size_t count)
{
    struct head head = {.kind = kind};
    size_t length = 0;
    int error;

    for (size_t i = 0; i < count; i++)
        length += parts[i].length;
    if (length > WIRE_MOST)
        return -E2BIG;
    head.length = (uint32_t)length;
    error = put(wire, &head, sizeof head);
    for (size_t i = 0; i < count && !error; i++)
        error = put(wire, parts[i].bytes, parts[i].length);
    return error;
}

int wire_send(struct wire *wire, enum wire_kind kind, const void *bytes, size_t length)
{
    return wire_send_parts(wire, kind, &(struct wire_part){bytes, length}, 1);
}

int wire_ping(struct wire *wire)
{
    int error = 0;

    if (clock_seconds() < wire->sent + WIRE_PING_SECONDS)
        return 0;
    error = wire_send(wire, WIRE_PING, NULL, 0);
    return error ? error : wire_flush(wire);
}

/* 1: all of it; 0: the end, before any of it. */
static int read_all(struct wire *wire, void *bytes, size_t length)
{
    size_t done = 0;

    while (done < length) {
        struct pollfd wait = {.fd = wire->in, .events = POLLIN};
        int ready = poll(&wait, 1, wire->patience);
        ssize_t n = ready > 0 ? read(wire->in, (char *)bytes + done, length - done) : -1;

        if (ready == 0)
            return -ETIMEDOUT;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return done ? -EPROTO : 0;
        done += n > 0 ? (size_t)n : 0;
    }
    return 1;
}

int wire_receive(struct wire *wire, size_t *length)
{
    struct head head;
    int result = wire_flush(wire);

    if (!result)
        result = read_all(wire, &head, sizeof head);
    if (result != 1)
        return result;
    if (head.kind < WIRE_HELLO || head.kind > WIRE_PING || head.length > WIRE_MOST)
        return -EPROTO;
    result = head.length ? read_all(wire, wire->message, head.length) : 1;
    wire->message[head.length] = '\0';
    *length = head.length;
    return result == 1 ? (int)head.kind : result == 0 ? -EPROTO : result;
}

int wire_expect(struct wire *wire, enum wire_kind kind, void *bytes, size_t length)
{
    size_t got;
    int result = wire_receive(wire, &got);

    if (result <= 0)
        return result ? result : -EPIPE;
    if (result != (int)kind || got != length)
        return -EPROTO;
    memcpy(bytes, wire->message, length);
    return 0;
}
