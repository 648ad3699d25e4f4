/* Exchanges with servers, and requests of others, in a file: recorded once, played back for tests.
 *
 * One JSON object a line:
 *
 *     {"now": ms}                                        first: what the plugin's clock showed
 *     {"method": "GET", "target": "/tickets?page=2", "body": text, "status": 200,
 *      "headers": {"link": text}, "answer": text or {"base64": text}}
 *     {"push": {"method": "POST", "path": "/hook", "query": text, "headers": {…}, "body": text}}
 *
 * Server and port are not written, nor headers of requests; where a secret's value stands in a text its
 * handle is written instead. Played back, a request is answered by the first exchange with its method, target
 * and body that was not used yet. Outer process, one thread. */
#ifndef TENDON_HOST_HTTP_TAPE_H
#define TENDON_HOST_HTTP_TAPE_H

#include "core/base/error.h"
#include "plugins/host/http/response.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct tape;

struct tape_request {
    const char *method, *target, *body; /* body NULL: none */
    size_t size;
};

/* Code tape. The file of tape_record is made anew, mode 0600. */
int tape_record(const char *path, struct tape **ret, struct error *err);
int tape_replay(const char *path, struct tape **ret, struct error *err);
void tape_free(struct tape *t); /* NULL is fine */

bool tape_is_replay(const struct tape *t);
int64_t tape_now_ms(const struct tape *t); /* of a replay; 0: it does not say */
/* Begins again: every exchange is as if it was not used, every push to come. */
void tape_rewind(struct tape *t);

/* secrets: {handle: path}, what is masked. -EIO when it cannot be written. */
int tape_add(struct tape *t, const json_t *secrets, const struct tape_request *request,
             const struct response *response, struct error *err);
/* A request that others sent; headers: "name: value" as PARCEL_HEADER fields. */
int tape_add_push(struct tape *t, const json_t *secrets, const struct tape_request *request,
                  const struct buffer *headers, struct error *err);
/* Fills ret, whose buffers are there. -ENOENT: no exchange is left for that request; -EIO: none came. */
int tape_find(struct tape *t, const struct tape_request *request, struct response *ret);
/* For conformance tests: of the exchanges asked for one in so many, at random by the seed, goes otherwise. It
 * is not used up by that. */
enum tape_fault {
    TAPE_FAULT_NO,
    TAPE_FAULT_UNAVAILABLE, /* 503 */
    TAPE_FAULT_TOO_MANY,    /* 429 with Retry-After */
    TAPE_FAULT_BROKEN,      /* 500 with a page of HTML */
    TAPE_FAULT_NONE_CAME,   /* no answer: tape_find returns -EIO */
    TAPE_FAULT_EMPTY,       /* the rest: 200, and no body, */
    TAPE_FAULT_CUT,         /* half of it, */
    TAPE_FAULT_GARBAGE,     /* HTML, */
    TAPE_FAULT_OTHER,       /* JSON of another form; */
    TAPE_FAULT_GONE         /* 404 */
};
void tape_set_faults(struct tape *t, enum tape_fault fault, unsigned one_in, unsigned seed);
/* From now on an exchange that was used answers again where no other is left for a request. */
void tape_set_reuse(struct tape *t);
/* How many exchanges the file holds; 0 when it cannot be read. */
size_t tape_n_exchanges_of(const char *path);

/* The next push, or NULL; the tape's. */
const json_t *tape_push(struct tape *t);

#endif
