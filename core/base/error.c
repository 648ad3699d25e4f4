#include "core/base/error.h"

#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int number, const char *code, const char *format, ...)
{
    if (!err)
        return number;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    (void)snprintf(err->code, sizeof(err->code), "%s", code);
    err->hint[0] = '\0';
    return number;
}

void error_hint(struct error *err, const char *format, ...)
{
    if (!err)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->hint, sizeof(err->hint), format, args);
    va_end(args);
}

void error_prefix(struct error *err, const char *format, ...)
{
    if (!err)
        return;
    char where[256], message[sizeof(err->message)];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(where, sizeof(where), format, args);
    va_end(args);
    memcpy(message, err->message, sizeof(message));
    /* A message that no longer fits loses its end, never its place. */
    size_t n = strlen(where);
    (void)snprintf(err->message, sizeof(err->message), "%s: %.*s", where, (int)(sizeof(message) - n - 3),
                   message);
}
