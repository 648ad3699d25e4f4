/* An incremental export of Zendesk: where it has been read up to, and the page of it that is at hand.
 *
 * Ticket events and ticket metric events are asked for from a second on, inclusive, so the entries of the
 * last second read come again: which of them were given is remembered, as far as there is room. Tickets are
 * asked for from a cursor, and from a second where the cursor has expired or there is none yet. One thread.
 */
#ifndef TENDON_ZENDESK_EXPORT_H
#define TENDON_ZENDESK_EXPORT_H

#include "plugins/zendesk/desk.h"

#define EXPORT_SEEN        64  /* entries of the last second that are remembered; more come again, unharmed */
#define EXPORT_AFTER_BYTES 512 /* a cursor of Zendesk's, with its NUL */

enum export_kind { EXPORT_EVENTS, EXPORT_METRICS, EXPORT_TICKETS, EXPORT_N };

/* What a committed cursor holds. */
struct export_position {
    int64_t from_s; /* start_time of the next request */
    uint32_t n_seen;
    int64_t seen[EXPORT_SEEN];
    char after[EXPORT_AFTER_BYTES]; /* tickets: the cursor, or "" */
};

struct export
{
    enum export_kind kind;
    struct export_position at;
    bool is_complete;   /* the last page was the end of the stream */
    int64_t not_before; /* ms: when it may be asked for again */

    struct tendon_json *page; /* at hand, or NULL */
    const struct tendon_json *list;
    uint32_t n, i; /* entries of it, and those taken */
    int64_t *from; /* [n + 1]: where to begin once so many are taken, by what is still to come */
    struct export_position next; /* behind the page */
    bool is_last;
};

/* Anew, at that position. */
void export_begin(struct export *export, const struct desk *desk, enum export_kind kind,
                  const struct export_position *at);
void export_end(struct export *export, const struct desk *desk); /* drops the page */
/* Asks for the next page. TENDON_OK and a page at hand, TENDON_IDLE: there can be none before not_before; or
 * an error. */
int export_fetch(struct export *export, struct desk *desk, int per_page, bool with_comments, char *err);
/* The next entry and its place from 1, or NULL when the page is done; taken: go on behind it. */
const struct tendon_json *export_entry(struct export *export, const struct desk *desk, uint64_t *ret_place);
void export_take(struct export *export);
/* The position behind all that was taken. */
void export_position(const struct export *export, const struct desk *desk, struct export_position *ret);
/* The page is done: on behind it, and not before so long where it was the last. */
void export_turn(struct export *export, const struct desk *desk, int64_t every_ms);

#endif
