#include "config.h"

#include "cache/place.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/damage.h"
#include "log.h"

static uint32_t folder_of(uint64_t place)
{
    return place >> 32;
}

static uint32_t head_of(uint64_t place)
{
    return place;
}

static void free_cells(struct inode_table *table, uint32_t cell)
{
    for (uint32_t next; cell; cell = next) {
        next = table->arena->names[cell].next;
        slots_give(&table->names, cell);
    }
}

/* Returns the first cell; 0 where there are not enough. */
static uint32_t write_name(struct inode_table *table, const char *name)
{
    size_t length = strlen(name), done = 0;
    uint32_t head = 0, *link = &head;

    while (done < length) {
        size_t part = length - done < NAME_CELL_TEXT ? length - done : NAME_CELL_TEXT;
        uint32_t cell = slots_take(&table->names);

        *link = cell;
        if (!cell) {
            free_cells(table, head);
            return 0;
        }
        table->arena->names[cell] = (struct name){0};
        memcpy(table->arena->names[cell].text, name + done, part);
        link = &table->arena->names[cell].next;
        done += part;
    }
    return head;
}

bool place_is(const struct inode_table *table, uint32_t slot, uint32_t folder, const char *name)
{
    uint64_t place = table->arena->inodes[slot].place;
    uint32_t cell = head_of(place);

    if (!place || folder_of(place) != folder)
        return false;
    while (cell && !strncmp(table->arena->names[cell].text, name, NAME_CELL_TEXT)) {
        size_t length = strnlen(name, NAME_CELL_TEXT);

        name += length;
        cell = table->arena->names[cell].next;
        if (!*name || !cell)
            return !*name && !cell;
    }
    return false;
}

static uint32_t change(struct inode_table *table, uint32_t slot, uint64_t place)
{
    uint64_t before = atomic_exchange(&table->arena->inodes[slot].place, place);

    free_cells(table, head_of(before));
    return folder_of(before);
}

uint32_t place_set(struct inode_table *table, uint32_t slot, uint32_t folder, const char *name)
{
    uint32_t head;

    if (place_is(table, slot, folder, name))
        return 0;
    head = write_name(table, name);
    if (head)
        inode_hold(table, folder);
    return change(table, slot, head ? (uint64_t)folder << 32 | head : 0);
}

uint32_t place_clear(struct inode_table *table, uint32_t slot)
{
    return change(table, slot, 0);
}

/* The length, or 0 when there is no room. */
static size_t read_name(const struct inode_table *table, uint32_t cell, char *name, size_t room)
{
    size_t done = 0;

    for (; cell; cell = table->arena->names[cell].next) {
        size_t part = strnlen(table->arena->names[cell].text, NAME_CELL_TEXT);

        if (done + part >= room)
            return 0;
        memcpy(name + done, table->arena->names[cell].text, part);
        done += part;
    }
    name[done] = 0;
    return done;
}

uint32_t place_take(struct inode_table *table, uint32_t slot, char *name, size_t room)
{
    uint64_t place;
    bool known;

    pthread_mutex_lock(&table->lock);
    place = table->arena->inodes[slot].number ? table->arena->inodes[slot].place : 0;
    known = place && read_name(table, head_of(place), name, room);
    pthread_mutex_unlock(&table->lock);
    return known ? folder_of(place) : 0;
}

bool inode_path(struct inode_table *table, uint32_t slot, char path[4096])
{
    size_t at = 4095;
    int depth = 0;

    path[at] = 0;
    pthread_mutex_lock(&table->lock);
    while (slot && slot != INODE_ROOT && depth++ < PLACE_DEPTH_MAX) {
        uint64_t place = table->arena->inodes[slot].place;
        char name[4096];
        size_t length = place ? read_name(table, head_of(place), name, sizeof name) : 0;

        if (!length || length + 1 > at)
            break;
        if (path[at])
            path[--at] = '/';
        at -= length;
        memcpy(path + at, name, length);
        slot = folder_of(place);
    }
    pthread_mutex_unlock(&table->lock);
    if (slot != INODE_ROOT)
        return false;
    memmove(path, path + at, 4096 - at);
    return true;
}

const char *inode_text(struct inode_table *table, uint32_t slot, char text[INODE_TEXT_BYTES])
{
    const size_t most = INODE_TEXT_BYTES - sizeof "...";
    char path[4096];
    size_t length, from;

    if (!inode_path(table, slot, path)) {
        snprintf(text, INODE_TEXT_BYTES, "inode %llu", (unsigned long long)table->arena->inodes[slot].number);
        return text;
    }
    length = strlen(path);
    from = length > most ? length - most : 0;
    while (from && ((unsigned char)path[from] & 0xc0) == 0x80) /* amid a character */
        from++;
    snprintf(text, INODE_TEXT_BYTES, "%s%.*s", from ? "..." : "", (int)most, path + from);
    for (char *at = text; *at; at++) { /* a client chose the name: it shall make no lines of its own */
        if (iscntrl((unsigned char)*at))
            *at = '?';
    }
    return text;
}

/* ---- takeover ---- */

/* Marks the cells of a name. False: it leads nowhere, or into another's, or is none. */
static bool mark(const struct arena *arena, unsigned char *used, uint32_t head)
{
    uint32_t cell = head, next;

    if (name_damage(arena, head, &next))
        return false;
    for (; cell; cell = arena->names[cell].next) {
        if (used[cell])
            break;
        used[cell] = 1;
    }
    if (!cell)
        return head != 0;
    for (next = head; next != cell; next = arena->names[next].next)
        used[next] = 0;
    return false;
}

bool place_is_folder(const struct arena *arena, uint32_t slot)
{
    return slot && slot <= arena->header->inode_used && arena->inodes[slot].number && S_ISDIR(arena->inodes[slot].type);
}

/* A folder that lies in itself has no place. Each is walked once: 1 is on the way that is being walked, 2 leads to its end. */
static uint32_t cut_circles(struct inode_table *table, unsigned char *walked)
{
    struct inode *inodes = table->arena->inodes;
    uint32_t circles = 0;

    for (uint32_t first = table->arena->header->inode_used; first; first--) {
        uint32_t slot = first, above;

        for (; slot && !walked[slot]; slot = folder_of(inodes[slot].place))
            walked[slot] = 1;
        if (slot && walked[slot] == 1) {
            circles++;
            above = folder_of(atomic_exchange(&inodes[slot].place, 0));
            atomic_fetch_sub(&table->holds[above], 1);
            for (; above != slot; above = folder_of(inodes[above].place))
                walked[above] = 2;
        }
        for (slot = first; slot && walked[slot] == 1; slot = folder_of(inodes[slot].place))
            walked[slot] = 2;
    }
    return circles;
}

int places_take_over(struct inode_table *table)
{
    const struct arena *arena = table->arena;
    unsigned char *used = calloc(arena->header->name_used + 1ul, 1);
    unsigned char *walked = calloc(arena->header->inode_used + 1ul, 1);
    uint32_t unknown = 0;
    int error = used && walked ? slots_open(&table->names, &arena->header->name_used, arena->header->name_max) : -ENOMEM;

    for (uint32_t slot = arena->header->inode_used; slot && !error; slot--) {
        struct inode *inode = &arena->inodes[slot];
        uint64_t place = inode->number ? inode->place : 0;

        if (place && place_is_folder(arena, folder_of(place)) && mark(arena, used, head_of(place))) {
            inode_hold(table, folder_of(place));
        } else {
            unknown += place != 0;
            atomic_store(&inode->place, 0);
        }
    }
    if (!error)
        unknown += cut_circles(table, walked); /* the cells of these names are used by nobody until the next takeover */
    for (uint32_t cell = arena->header->name_used; cell && !error; cell--) {
        if (!used[cell])
            slots_give(&table->names, cell);
    }
    if (unknown)
        log_line(LOG_WARN, "takeover: the names of %u files that a dead worker left make no sense and are forgotten", unknown);
    free(used);
    free(walked);
    return error;
}
