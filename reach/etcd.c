#include "config.h"

#include "etcd.h"

#include <curl/curl.h>
#include <errno.h>
#include <resolv.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "say.h"

#define ANSWER_MAX (1u << 20)
#define TEXT_MAX 1024

struct etcd {
    CURL *curl;
    struct curl_slist *headers;
    char *list, *endpoints[ETCD_ENDPOINTS];
    size_t count, current;
    char *answer;
    size_t length;
    char said[CURL_ERROR_SIZE]; /* by curl */
    char why[1024];             /* the last question had no answer */
};

int64_t etcd_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static size_t take(char *part, size_t size, size_t count, void *context)
{
    struct etcd *etcd = context;
    size_t bytes = size * count;
    char *longer = etcd->length + bytes < ANSWER_MAX ? realloc(etcd->answer, etcd->length + bytes + 1) : NULL;

    if (!longer)
        return 0;
    etcd->answer = longer;
    memcpy(longer + etcd->length, part, bytes);
    etcd->length += bytes;
    longer[etcd->length] = 0;
    return bytes;
}

struct etcd *etcd_open(const struct etcd_options *options)
{
    struct etcd *etcd = calloc(1, sizeof *etcd);
    char *save, *one;

    if (!etcd || curl_global_init(CURL_GLOBAL_DEFAULT) || !(etcd->curl = curl_easy_init()) ||
        !(etcd->list = strdup(options->endpoints)) ||
        !(etcd->headers = curl_slist_append(NULL, "Content-Type: application/json"))) {
        say("no memory");
        etcd_close(etcd);
        return NULL;
    }
    for (one = strtok_r(etcd->list, ",", &save); one && etcd->count < ETCD_ENDPOINTS; one = strtok_r(NULL, ",", &save)) {
        one[strcspn(one, " ")] = 0;
        etcd->endpoints[etcd->count++] = one;
    }
    curl_easy_setopt(etcd->curl, CURLOPT_NOSIGNAL, 1l);
    curl_easy_setopt(etcd->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(etcd->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(etcd->curl, CURLOPT_HTTPHEADER, etcd->headers);
    curl_easy_setopt(etcd->curl, CURLOPT_ERRORBUFFER, etcd->said);
    curl_easy_setopt(etcd->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(etcd->curl, CURLOPT_WRITEDATA, etcd);
    curl_easy_setopt(etcd->curl, CURLOPT_CAINFO, options->ca ?: curl_version_info(CURLVERSION_NOW)->cainfo);
    curl_easy_setopt(etcd->curl, CURLOPT_SSLCERT, options->certificate);
    curl_easy_setopt(etcd->curl, CURLOPT_SSLKEY, options->key);
    return etcd;
}

void etcd_close(struct etcd *etcd)
{
    if (!etcd)
        return;
    curl_easy_cleanup(etcd->curl);
    curl_slist_free_all(etcd->headers);
    free(etcd->answer);
    free(etcd->list);
    free(etcd);
}

const char *etcd_why(const struct etcd *etcd)
{
    return etcd->why;
}

/* What the server says is wrong is for people, and may be anything. */
static void keep_reason(struct etcd *etcd, const char *url, long status, json_object *answer)
{
    json_object *error = NULL;

    json_object_object_get_ex(answer, "error", &error);
    snprintf(etcd->why, sizeof etcd->why, "%.256s: status %ld%s%.512s", url, status, error ? ": " : "",
             error ? json_object_get_string(error) : "");
}

static int ask(struct etcd *etcd, const char *path, const char *body, long milliseconds, json_object **answer)
{
    enum json_tokener_error wrong;
    const char *endpoint = etcd->endpoints[etcd->current];
    char url[TEXT_MAX];
    long status = 0;
    CURLcode code;

    snprintf(url, sizeof url, "%s%s", endpoint, path);
    etcd->length = 0;
    etcd->said[0] = 0;
    curl_easy_setopt(etcd->curl, CURLOPT_URL, url);
    curl_easy_setopt(etcd->curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(etcd->curl, CURLOPT_TIMEOUT_MS, milliseconds);
    code = curl_easy_perform(etcd->curl);
    if (code) {
        snprintf(etcd->why, sizeof etcd->why, "%.256s: %s", endpoint, etcd->said[0] ? etcd->said : curl_easy_strerror(code));
        return -EIO;
    }
    curl_easy_getinfo(etcd->curl, CURLINFO_RESPONSE_CODE, &status);
    *answer = json_tokener_parse_verbose(etcd->length ? etcd->answer : "", &wrong);
    if (status == 200 && json_object_is_type(*answer, json_type_object))
        return 0;
    keep_reason(etcd, url, status, *answer);
    json_object_put(*answer);
    *answer = NULL;
    return status == 404 ? -ENOENT : -EIO;
}

int etcd_post(struct etcd *etcd, const char *path, json_object *body, int patience, int64_t until, json_object **answer)
{
    const char *text = body ? json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN) : NULL;
    int result = text ? -EIO : -ENOMEM;

    *answer = NULL;
    for (size_t i = 0; i < etcd->count && result == -EIO; i++) {
        int64_t left = until - etcd_clock();

        if (left <= 0)
            result = -ETIME;
        else
            result = ask(etcd, path, text, left < patience ? left : patience, answer);
        if (result == -EIO)
            etcd->current = (etcd->current + 1) % etcd->count;
    }
    json_object_put(body);
    return result;
}

/* ---- the parts of a transaction ---- */

static void add_text(json_object *object, const char *name, const char *text)
{
    char coded[TEXT_MAX * 2];

    if (b64_ntop((const unsigned char *)text, strlen(text), coded, sizeof coded) >= 0)
        json_object_object_add(object, name, json_object_new_string(coded));
}

static json_object *compare(const char *key, const char *target, const char *name, int64_t revision)
{
    json_object *object = json_object_new_object();

    add_text(object, "key", key);
    json_object_object_add(object, "target", json_object_new_string(target));
    json_object_object_add(object, "result", json_object_new_string("EQUAL"));
    json_object_object_add(object, name, json_object_new_int64(revision));
    return object;
}

json_object *etcd_if_created(const char *key, int64_t revision)
{
    return compare(key, "CREATE", "create_revision", revision);
}

json_object *etcd_if_changed(const char *key, int64_t revision)
{
    return compare(key, "MOD", "mod_revision", revision);
}

static json_object *operation(const char *name, json_object *what)
{
    json_object *object = json_object_new_object();

    json_object_object_add(object, name, what);
    return object;
}

json_object *etcd_put(const char *key, const char *value, int64_t lease)
{
    json_object *object = json_object_new_object();

    add_text(object, "key", key);
    add_text(object, "value", value);
    if (lease)
        json_object_object_add(object, "lease", json_object_new_int64(lease));
    return operation("request_put", object);
}

json_object *etcd_get(const char *key)
{
    json_object *object = json_object_new_object();

    add_text(object, "key", key);
    return operation("request_range", object);
}

/* Up to the prefix whose last byte is the next one. */
json_object *etcd_get_below(const char *prefix)
{
    json_object *object = json_object_new_object();
    char end[TEXT_MAX];

    snprintf(end, sizeof end, "%s", prefix);
    end[strlen(end) - 1]++;
    add_text(object, "key", prefix);
    add_text(object, "range_end", end);
    return operation("request_range", object);
}

json_object *etcd_delete(const char *key)
{
    json_object *object = json_object_new_object();

    add_text(object, "key", key);
    return operation("request_delete_range", object);
}

json_object *etcd_list(json_object *first, ...)
{
    json_object *list = json_object_new_array();
    va_list rest;

    va_start(rest, first);
    for (json_object *next = first; next; next = va_arg(rest, json_object *))
        json_object_array_add(list, next);
    va_end(rest);
    return list;
}

int etcd_transact(struct etcd *etcd, json_object *compare, json_object *success, json_object *failure, int patience, int64_t until,
                  json_object **answer)
{
    json_object *body = json_object_new_object();

    if (compare)
        json_object_object_add(body, "compare", compare);
    if (success)
        json_object_object_add(body, "success", success);
    if (failure)
        json_object_object_add(body, "failure", failure);
    return etcd_post(etcd, "/v3/kv/txn", body, patience, until, answer);
}

/* ---- what is in an answer ---- */

int64_t etcd_number(const json_object *object, const char *name)
{
    json_object *value;

    return json_object_object_get_ex(object, name, &value) ? json_object_get_int64(value) : 0;
}

bool etcd_succeeded(const json_object *answer)
{
    json_object *value;

    return json_object_object_get_ex(answer, "succeeded", &value) && json_object_get_boolean(value);
}

int64_t etcd_revision(const json_object *answer)
{
    json_object *header;

    return json_object_object_get_ex(answer, "header", &header) ? etcd_number(header, "revision") : 0;
}

static void read_text(const json_object *object, const char *name, char *text, size_t size)
{
    json_object *value;
    int length = json_object_object_get_ex(object, name, &value)
                     ? b64_pton(json_object_get_string(value), (unsigned char *)text, size - 1)
                     : 0;

    text[length > 0 ? length : 0] = 0;
}

bool etcd_entry(const json_object *answer, size_t response, size_t index, struct etcd_entry *entry)
{
    json_object *responses, *one, *range, *entries, *found;

    if (!json_object_object_get_ex(answer, "responses", &responses) || !json_object_is_type(responses, json_type_array) ||
        !(one = json_object_array_get_idx(responses, response)) || !json_object_object_get_ex(one, "response_range", &range) ||
        !json_object_object_get_ex(range, "kvs", &entries) || !json_object_is_type(entries, json_type_array) ||
        !(found = json_object_array_get_idx(entries, index)))
        return false;
    read_text(found, "key", entry->key, sizeof entry->key);
    read_text(found, "value", entry->value, sizeof entry->value);
    entry->created = etcd_number(found, "create_revision");
    entry->changed = etcd_number(found, "mod_revision");
    entry->lease = etcd_number(found, "lease");
    return true;
}
