/* JSON out: documents as a program and a person can both read them.
 *
 * Numbers are written with as few digits as read back to the same value (jansson writes 0.3 as
 * 0.29999999999999999). */
#ifndef TENDON_TOOLS_JSON_H
#define TENDON_TOOLS_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#define JSON_NUMBER_ROOM 32

/* The text of a member of a map; "" where there is none. */
const char *json_text(const json_t *map, const char *key);

/* On one line, without a line end. */
void json_write_line(const json_t *value, FILE *out);
/* One member or row a line, what they hold on that line; with a line end. */
void json_write(const json_t *value, FILE *out);
/* A real with the fewest digits; into room, which it returns. */
char *json_real_format(char *room, size_t n, double value);

#endif
