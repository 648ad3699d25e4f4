/* Which transactions of a Request Tracker were read: the cursor.
 *
 * RT numbers transactions when they are written and shows them when they are committed, so that a lower
 * number may appear after a higher one, and most numbers never do (transactions of other kinds, of other
 * records, of tickets that the account cannot see). Up to `low` no number is waited for any more; above it
 * stand those that were read. As text, which is what the collector keeps: low, then the distance of each
 * number to the one before. One thread. */
#ifndef TENDON_PLUGINS_RT_WINDOW_H
#define TENDON_PLUGINS_RT_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOW_ID_MAX 999999999999999999 /* the greatest number that there may be */
#define WINDOW_MAX    1024 /* numbers above low, at most: beyond, low moves up to the least of them */

struct window {
    int64_t low;
    uint32_t n;
    int64_t seen[WINDOW_MAX]; /* ascending */
};

/* size 0: from the beginning. 0, or -EINVAL for a text that is none. */
int window_parse(struct window *window, const void *text, size_t size);
bool window_has(const struct window *window, int64_t id);
void window_add(struct window *window, int64_t id); /* at most WINDOW_ID_MAX */
/* Nothing is waited for any more up to this number. */
void window_settle(struct window *window, int64_t id);
/* The text in room[size] of at least 64 bytes; low moves up as far as it takes to fit. Its length. */
size_t window_format(struct window *window, char *room, size_t size);

#endif
