/* tendon_plugin.h: how a source of support events is plugged into Tendon. ABI 1.0; tendon-plugin(3) explains.
 *
 * A plugin is a shared object with one exported function, tendon_plugin_entry, and no undefined symbols but
 * libc's: everything of the host comes through struct tendon_host. It includes this header and links nothing
 * of Tendon.
 *
 *     entry ─▶ create ─▶ start ─▶ poll … poll ─▶ stop ─▶ destroy
 *                │                 ▲   │ ack         ▲      ▲
 *                └─ error ─────────┼───┴─ END, error ┘      │
 *                           └──────┴────────────────────────┘
 *
 * It runs in a process of its own, without network, and sees no file but its `path` options. One thread calls
 * all its functions, one after the other; only wake() comes from another. A call that outlives its limit is
 * ended by SIGKILL and counts as a crash; the time in which a service of the host waits is not counted, but
 * five minutes are the end of every call.
 *
 * Ownership: strings and config that the host gives live until destroy returns; records, answers and requests
 * until the next call on what gave them; `err` is the host's, TENDON_ERROR_BYTES of room. Builders and `open`
 * copy. Neither side frees what the other made. Text is UTF-8 and NUL-terminated where no size stands beside
 * it. A structure of options is zeroed, and says its size: what is 0 or NULL is as if left out.
 *
 * Compatibility: structures only grow at their end. A host runs every plugin of its own major ABI, older or
 * newer in minor: it reads at most struct_size bytes of what a plugin gives and takes the rest as zero; a
 * plugin that needs a function added in a later minor compares host->struct_size (TENDON_HAS). */
#ifndef TENDON_PLUGIN_H
#define TENDON_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TENDON_MAGIC     0x444e4554u /* "TEND", little-endian */
#define TENDON_ABI_MAJOR 1
#define TENDON_ABI_MINOR 0
#define TENDON_ABI       ((uint32_t)TENDON_ABI_MAJOR << 16 | TENDON_ABI_MINOR) /* entry's host_abi */

#define TENDON_ERROR_BYTES  256  /* room of every `err`, with its NUL */
#define TENDON_CURSOR_BYTES 4096 /* a cursor, at most */
#define TENDON_ID_BYTES     128  /* an id, ticket or string value, at most */
#define TENDON_FIELDS       64   /* fields of an event, at most */
#define TENDON_EVENT_BYTES  8192 /* an encoded event, at most */

/* Whether the structure that s points to, which begins with its size, is new enough to have `member`. */
#define TENDON_HAS(s, member) ((s)->struct_size >= offsetof(__typeof__(*(s)), member) + sizeof((s)->member))

/* What functions return. Errors carry the policy. */
enum tendon_result {
    TENDON_OK = 0,
    TENDON_IDLE = 1,    /* nothing now; asked again after a second, or what retry_after said */
    TENDON_END = 2,     /* poll: the source is finished for good; what was appended is taken */
    TENDON_FULL = 3,    /* end: the event did not fit and was not taken; return TENDON_OK from poll */
    TENDON_INVALID = 4, /* end, next: this one is unusable and was left out; go on with the next */

    TENDON_E_CONFIG = -1,    /* an option is wrong, or what it names: waits until the configuration changes */
    TENDON_E_AUTH = -2,      /* refused by the source: waits until the configuration or a secret changes */
    TENDON_E_TEMPORARY = -3, /* tried again, later each time, or after what retry_after said */
    TENDON_E_CURSOR = -4     /* the cursor no longer means anything: start is called without one */
};

enum tendon_level { TENDON_ERROR = 0, TENDON_WARNING = 1, TENDON_INFO = 2, TENDON_DEBUG = 3 };

/* --- options ------------------------------------------------------------------------------------------- */

/* In brackets what gets its value. */
enum tendon_type {
    TENDON_BOOL = 1,     /* true, false [get_int: 0, 1] */
    TENDON_INT = 2,      /* low..high [get_int] */
    TENDON_DURATION = 3, /* "1500ms", "30s", "5m", "2h", "7d"; low..high in ms [get_int] */
    TENDON_SIZE = 4,     /* "65536", "64KiB", "10MiB", "1GiB"; low..high in bytes [get_int] */
    TENDON_STRING = 5,   /* low..high bytes; high 0: 1,024 [get_string] */
    TENDON_ENUM = 6,     /* one of values [get_string; get_int: its place in values, from 0] */
    TENDON_ZONE = 7,     /* an IANA time zone, "Europe/Berlin" [get_string] */
    TENDON_PATH = 8,     /* a file or folder, absolute, which the plugin may read [get_string] */
    TENDON_URL = 9,      /* http or https; the host's HTTP service may connect to it [get_string] */
    TENDON_SECRET = 10,  /* a file that holds the secret [get_string: a handle in whose place the host's
                            services put it; the secret itself stays out of this process] */
    TENDON_LISTEN = 11   /* "127.0.0.1:8080", "[::1]:8080", "unix:/run/x.sock", for push/1 [get_string] */
};

enum tendon_shape {
    TENDON_ONE = 0,
    TENDON_LIST = 1, /* a list of them (one alone is a list of one) */
    TENDON_MAP = 2   /* a map of string to one, in the order written */
};

#define TENDON_REQUIRED 1u /* flags */

struct tendon_option {
    const char *name;          /* [a-z][a-z0-9_]*, at most 32; NULL ends the table */
    const char *help;          /* one sentence */
    uint32_t type;             /* enum tendon_type */
    uint32_t shape;            /* enum tendon_shape */
    uint32_t flags;            /* TENDON_REQUIRED */
    uint32_t n_max;            /* values of a list or map, at most; 0: 256, never over 4,096 */
    int64_t low, high;         /* range; both 0: none */
    const char *fallback;      /* the default, as text ("30s"); NULL: none. Only for TENDON_ONE */
    const char *const *values; /* TENDON_ENUM: ends with NULL */
};

/* --- the host ------------------------------------------------------------------------------------------ */

struct tendon_config;
struct tendon_batch;
struct tendon_file;
struct tendon_http;
struct tendon_json;
struct tendon_push;

struct tendon_host {
    uint32_t struct_size;
    uint32_t abi;   /* as entry's host_abi */
    void *instance; /* the host's own */

    /* One line for the operator. Never put ids, names, texts or values of records in it: what looks personal
     * is dropped, the rest cut to 256 bytes and ten lines a second. */
    void (*log)(const struct tendon_host *host, int level, const char *text);
    /* Milliseconds since 1970 UTC. */
    int64_t (*now)(const struct tendon_host *host);

    /* Options. `option` is a name of the table; index is 0 for TENDON_ONE, else 0..count − 1. An option that
     * is not set and has no default counts 0 and gives 0 and NULL. The host has checked types, ranges and
     * what is required. Values stay as long as the config. */
    uint32_t (*count)(const struct tendon_config *config, const char *option);
    int64_t (*get_int)(const struct tendon_config *config, const char *option, uint32_t index);
    const char *(*get_string)(const struct tendon_config *config, const char *option, uint32_t index);
    const char *(*get_key)(const struct tendon_config *config, const char *option, uint32_t index); /* map */
    int64_t (*find)(const struct tendon_config *config, const char *option, const char *key); /* or −1 */

    /* Events, only inside poll. Keys, types and rules: tendon-event(5). An event is
     *
     *     host->event(batch, "ticket.status", "INC0041", "INC0041/7", at_ms, 7);
     *     host->set_string(batch, "to", "solved", TENDON_TEXT);
     *     if (host->end(batch) == TENDON_FULL)
     *         return TENDON_OK;    // and this event again in the next poll
     *
     * ticket and id are NULL for types without. Mistakes (too long, too many fields, not a finite number)
     * stick until end. The collector judges values and counts what it rejects. */
    void (*event)(struct tendon_batch *batch, const char *type, const char *ticket, const char *id,
                  int64_t at_ms, uint32_t seq);
    void (*set_string)(struct tendon_batch *batch, const char *key, const char *value, size_t size);
    void (*set_int)(struct tendon_batch *batch, const char *key, int64_t value);
    void (*set_double)(struct tendon_batch *batch, const char *key, double value);
    void (*set_bool)(struct tendon_batch *batch, const char *key, int value);
    void (*set_nil)(struct tendon_batch *batch, const char *key); /* a dimension that no longer holds */
    int (*end)(struct tendon_batch *batch); /* TENDON_OK, TENDON_FULL or TENDON_INVALID */

    /* True when the batch has all it should: a plugin that makes several events of a record asks before each
     * record, and returns TENDON_OK then. At least 32 KiB still fit when it is false. */
    int (*full)(const struct tendon_batch *batch);
    /* The resume position after everything appended so far, at most TENDON_CURSOR_BYTES; the last of a poll
     * counts. It is committed together with the events before it, or not at all. */
    void (*cursor)(struct tendon_batch *batch, const void *data, size_t size);
    /* A record that could not be read or mapped: counted by code ([a-z_]+), shown with a file and line. */
    void (*skip)(struct tendon_batch *batch, const char *code, const char *where, uint64_t line);
    /* When poll should be called again after TENDON_IDLE or TENDON_E_TEMPORARY; at most a day. */
    void (*retry_after)(struct tendon_batch *batch, int64_t ms);

    /* A time of a source, as ms since 1970 UTC. format: %Y %y %m %d %b %H %I %p %M %S %f (fraction of 1 to 9
     * digits) %z (Z, +hh, +hhmm, +hh:mm) %s (seconds since 1970) %Q (ms since 1970) %%; numbers need no
     * leading zeros, a blank takes any blanks, the rest stands for itself; NULL: RFC 3339. zone: IANA name
     * for times without %z, NULL: UTC. A time that comes twice is the first, one that never was the first
     * after it. TENDON_OK, or TENDON_INVALID for a text, zone or format that is none. */
    int (*time_parse)(const struct tendon_host *host, const char *format, const char *zone, const char *text,
                      size_t size, int64_t *ret_ms);

    /* The other way, into room[size]. The text's length, or 0 for a zone or format that is none and too small
     * a room. */
    size_t (*time_format)(const struct tendon_host *host, const char *format, const char *zone, int64_t at_ms,
                          char *room, size_t size);

    /* Further services by "name/revision", such as TENDON_FILE_1: a structure that begins with its
     * struct_size and lives as long as the process, or NULL where this host has none of that name. */
    const void *(*extension)(const struct tendon_host *host, const char *name);
};

#define TENDON_TEXT ((size_t)-1) /* as a size: the string ends with its NUL */

/* --- extension "file/1": records of files ---------------------------------------------------------------
 *
 * Reads a file, or those of a folder from the oldest to the newest, record by record: plain or gzip, as they
 * grow, are replaced, shrink or arrive. A record that does not end yet is waited for; the last one needs no
 * newline once its file was left alone for settle_ms. A position says what was read how far: it is (part of)
 * the cursor of a plugin. */

#define TENDON_FILE_1              "file/1"
#define TENDON_FILE_POSITION_BYTES 3072 /* a position, at most: a cursor has room for 1,024 bytes besides */
#define TENDON_RECORD_BYTES        (1024 * 1024)
#define TENDON_RECORD_FIELDS       1024

enum tendon_file_format {
    TENDON_FILE_LINES = 1, /* a record is a line, its one field the line without its end */
    TENDON_FILE_CSV = 2    /* RFC 4180 */
};

struct tendon_file_options {
    uint32_t struct_size;
    uint32_t format;      /* enum tendon_file_format */
    const char *path;     /* value of a TENDON_PATH option: a file or a folder (without its subfolders) */
    const char *pattern;  /* folder: names to read, as fnmatch(3); NULL: all that begin with no dot */
    const char *encoding; /* "utf-8" (NULL), "latin1", "cp1252", "utf-16"; fields always come as UTF-8 */
    uint32_t separator;   /* CSV: the byte between fields; 0: ',' */
    uint32_t has_header;  /* CSV: a file's first record names the columns and is no record */
    int64_t settle_ms;    /* see above; 0: 5,000; negative: wait for a newline for ever */
};

struct tendon_record {
    const char *const *fields; /* [n_fields], each with a NUL behind it */
    const uint32_t *sizes;     /* [n_fields] bytes */
    uint32_t n_fields;         /* with a header: as many as it names */
    uint32_t file_changed;     /* this is the first record of another file: columns may have moved */
    uint64_t line;             /* in the file, from 1 */
    const char *file;          /* the file's name without folders */
    const char *problem;       /* on TENDON_INVALID: the code for skip, such as "wrong_field_count" */
};

struct tendon_file_1 {
    uint32_t struct_size;
    /* position: what `position` gave, or size 0 from the beginning. TENDON_OK, TENDON_E_CONFIG, or
     * TENDON_E_CURSOR for a position that is none. A file that is not there yet is no error. */
    int (*open)(const struct tendon_host *host, const struct tendon_file_options *options,
                const void *position, size_t size, struct tendon_file **ret, char *err);
    /* TENDON_OK and the next record; TENDON_INVALID and line, file and problem of one that was stepped over;
     * TENDON_IDLE when there is none now; TENDON_E_TEMPORARY when reading fails. */
    int (*next)(struct tendon_file *file, struct tendon_record *ret, char *err);
    /* The place of a named column in the file being read, or −1. Changes only with file_changed. */
    int (*column)(const struct tendon_file *file, const char *name);
    /* The position behind the last record, in room of TENDON_FILE_POSITION_BYTES; returns its size. Costs as
     * much as a record: once a poll is enough. */
    size_t (*position)(const struct tendon_file *file, void *room);
    void (*close)(struct tendon_file *file); /* NULL is fine */
};

/* --- extension "http/1": asking a server ----------------------------------------------------------------
 *
 * The host connects, from outside of the plugin's process, to the servers (scheme, name and port) that the
 * configuration names in `url` options and to no other, with TLS 1.2 or later for https, through the proxy of
 * the collector's environment. It follows no redirect and keeps no cookie. Only in start and poll; wake ends
 * a request that waits. An error of send is the right one to return. `tendon plugin try --record` keeps what
 * was said in a file, from which --replay answers: a plugin's tests need no server. */

#define TENDON_HTTP_1 "http/1"
struct tendon_http_options {
    uint32_t struct_size;
    uint32_t per_minute;         /* requests, at most: send waits; 0: 600 */
    const char *base;            /* value of a TENDON_URL option */
    const char *user, *password; /* of Basic authentication; either may hold a secret's handle */
    const char *const *headers;  /* "Name: value", …, NULL: sent every time; values may hold handles */
    const char *ca_file; /* value of a TENDON_PATH option: who is trusted instead of the machine's CAs */
    int64_t timeout_ms;  /* of a request as a whole; 0: 30,000, at most 120,000 */
    uint64_t body_bytes; /* of an answer, at most; 0: 8 MiB, at most 32 MiB */
};

struct tendon_http_request {
    uint32_t struct_size;
    const char *method;         /* NULL: GET, with a body POST */
    const char *path;           /* put behind base; or a whole URL, as answers name their next page */
    const char *const *headers; /* as above, for this one */
    const char *body;           /* may hold handles */
    size_t size;                /* of body, at most 128 KiB; or TENDON_TEXT */
};

struct tendon_http_answer {
    uint32_t struct_size;
    int32_t status;   /* such as 200 */
    const char *body; /* [size], decompressed, with a NUL behind it */
    size_t size;
    const char *next;       /* the URL that its Link header names as the next page, or NULL */
    int64_t retry_after_ms; /* what Retry-After says, or 0: send refuses for so long, with E_TEMPORARY */
};

struct tendon_http_1 {
    uint32_t struct_size;
    int (*open)(const struct tendon_host *host, const struct tendon_http_options *options,
                struct tendon_http **ret, char *err);
    /* Adds name=value, encoded, to the query of the next request. */
    void (*parameter)(struct tendon_http *http, const char *name, const char *value);
    /* *ret is NULL when no answer came. 2xx: OK; 304: IDLE; 401, 403: E_AUTH; 408, 425, 429, 5xx, none:
     * E_TEMPORARY; another: INVALID, which the plugin judges (an expired cursor, a ticket that is gone).
     * E_CONFIG: such a server is not configured, or its certificate not trusted. */
    int (*send)(struct tendon_http *http, const struct tendon_http_request *request,
                const struct tendon_http_answer **ret, char *err);
    const char *(*header)(const struct tendon_http *http, const char *name); /* of the answer, or NULL */
    void (*close)(struct tendon_http *http);                                 /* NULL is fine */
};

/* --- extension "json/1": reading JSON -------------------------------------------------------------------
 *
 * A value, and its texts, live until its document is freed. `path` is the name of a member, or a JSON pointer
 * ("/ticket/tags/0"); NULL: the value itself. Of a value that is NULL everything is missing. */

#define TENDON_JSON_1     "json/1"
#define TENDON_JSON_BYTES 32 /* room for a number as text */
struct tendon_json_1 {
    uint32_t struct_size;
    /* TENDON_OK, or TENDON_INVALID with err, which says where and never what. */
    int (*parse)(const struct tendon_host *host, const char *text, size_t size, struct tendon_json **ret,
                 char *err);
    void (*free)(struct tendon_json *document); /* NULL is fine */
    const struct tendon_json *(*get)(const struct tendon_json *value, const char *path);
    /* 'n' null, 'b' bool, 'i' int, 'r' real, 's' string, 'a' array, 'o' object; 0: it is missing */
    int (*type)(const struct tendon_json *value);
    uint32_t (*count)(const struct tendon_json *value); /* of an array or object */
    const struct tendon_json *(*at)(const struct tendon_json *array, uint32_t index);
    const char *(*key)(const struct tendon_json *object, const char *after);  /* the first: NULL; then NULL */
    const char *(*string)(const struct tendon_json *value, const char *path); /* or NULL */
    /* A string, or an int or bool as text in room: ids are the one here and the other there. */
    const char *(*text)(const struct tendon_json *value, const char *path, char room[TENDON_JSON_BYTES]);
    int64_t (*integer)(const struct tendon_json *value, const char *path, int64_t otherwise); /* "7", too */
    double (*real)(const struct tendon_json *value, const char *path, double otherwise); /* an int, too */
};

/* --- extension "push/1": requests of others -------------------------------------------------------------
 *
 * The host takes HTTP requests at a TENDON_LISTEN option, behind whatever speaks TLS to the world, and gives
 * them to poll. A request is answered 204 once what the poll gave is committed, and 503 with Retry-After, to
 * be sent again, when the poll fails, the queue is full, or the collector takes no more. */

#define TENDON_PUSH_1 "push/1"
struct tendon_push_options {
    uint32_t struct_size;
    uint32_t queue;        /* requests that wait, at most; 0: 256, at most 4,096 */
    const char *listen;    /* value of a TENDON_LISTEN option */
    const char *path;      /* others are answered 404; NULL: none is */
    const char *secret;    /* handle: unsigned or wrongly signed ones are answered 401; NULL: none is */
    const char *signature; /* the header with HMAC-SHA-256 in hex or base64, perhaps behind "sha256=" */
    const char *timestamp; /* the header whose value, and then `between`, stand before the body when it is */
    const char *between;   /* signed; NULL: only the body is */
    uint64_t body_bytes;   /* more is answered 413; 0: 1 MiB, at most 8 MiB */
};

struct tendon_push_request {
    uint32_t struct_size;
    const char *method, *path, *query; /* query without its "?", or "" */
    const char *body;                  /* [size], with a NUL behind it */
    size_t size;
};

struct tendon_push_1 {
    uint32_t struct_size;
    int (*open)(const struct tendon_host *host, const struct tendon_push_options *options,
                struct tendon_push **ret, char *err);
    /* TENDON_OK and a request; TENDON_IDLE when none came within timeout_ms. Only in poll. */
    int (*next)(struct tendon_push *push, uint32_t timeout_ms, const struct tendon_push_request **ret,
                char *err);
    const char *(*header)(const struct tendon_push *push, const char *name); /* of the request, or NULL */
    void (*refuse)(struct tendon_push *push, uint32_t status); /* the request is answered so: 400 … 499 */
    void (*close)(struct tendon_push *push);                   /* NULL is fine */
};

/* --- the plugin ---------------------------------------------------------------------------------------- */

struct tendon_plugin {
    uint32_t magic;                      /* TENDON_MAGIC */
    uint32_t abi;                        /* TENDON_ABI of the header it was built with */
    uint32_t struct_size;                /* sizeof(struct tendon_plugin) */
    uint32_t option_size;                /* sizeof(struct tendon_option) */
    const char *id;                      /* [a-z][a-z0-9-]*, at most 32 */
    const char *vendor;                  /* who made it */
    const char *version;                 /* of the plugin */
    const char *help;                    /* one sentence: what it reads */
    const struct tendon_option *options; /* ends with a name of NULL */

    /* Checks the configuration, allocates; no waiting, no network. On an error *ret may still be set, and
     * destroy is called for it either way. Limit 2 s. */
    int (*create)(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err);
    /* Connects and goes to the cursor that was committed last; size 0: none, begin at the beginning. Called
     * again after an error, and without a cursor after TENDON_E_CURSOR. Limit 30 s. */
    int (*start)(void *self, const void *cursor, size_t size, char *err);
    /* Appends what there is and sets the cursor; may wait up to timeout_ms for something. A transaction: on
     * OK, IDLE and END the host takes events, cursor and skips together; on an error what this call appended
     * is dropped, and start is called again with the last cursor taken, so nothing the plugin did in the call
     * may count. After a crash events are asked for again, from the last committed cursor: the same record
     * must give the same events with the same ids. Limit timeout_ms + 5 s. */
    int (*poll)(void *self, struct tendon_batch *batch, uint32_t timeout_ms, char *err);
    /* Everything up to this cursor is durable: the source may forget it. Optional. Limit 2 s. */
    void (*ack)(void *self, const void *cursor, size_t size);
    /* Ends a waiting poll soon. Called from another thread at any time between create and destroy; must only
     * do what is safe there. Optional; without it poll is left to its timeout. Limit 100 ms. */
    void (*wake)(void *self);
    /* Disconnects; called before destroy when start was. Twice is fine. Limit 5 s. */
    void (*stop)(void *self);
    /* Frees everything; self may be NULL. Limit 2 s. */
    void (*destroy)(void *self);
};

/* The one export. Pure: no work, the same answer every time. NULL: it cannot run on a host of that ABI. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const struct tendon_plugin *
tendon_plugin_entry(uint32_t host_abi);

#ifdef __cplusplus
}
#endif

#endif
