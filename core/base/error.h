/* One error: what went wrong, in an operator's words.
 *
 * A function that can fail returns 0 or a negative errno and, where the reason would be shown to somebody,
 * takes a `struct error *` that it fills before it returns. The message says what and where, the hint what to
 * do next; neither ever holds a value that came in an event. Library code does not log: the caller that
 * handles the error logs it once. */
#ifndef TENDON_BASE_ERROR_H
#define TENDON_BASE_ERROR_H

#include <errno.h>
#include <stdarg.h>

struct error {
    char code[32];     /* stable, for programs: "unknown_metric" */
    char message[512]; /* what happened and where */
    char hint[256];    /* what to do next, or empty */
};

#define ERROR_INIT                                                                                           \
    {                                                                                                        \
        .code = "", .message = "", .hint = ""                                                                \
    }

/* Fills err (NULL is fine) and returns number, which is a negative errno. */
int error_set(struct error *err, int number, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Adds what to do next to an error already set. */
void error_hint(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts where ("file:3:7", "tenant riverbend") in front of the message. */
void error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
