/* An outlet's inside: outlet.c opens and closes it, outlet_read.c reads. */
#ifndef TENDON_STORE_OUTLET_INSIDE_H
#define TENDON_STORE_OUTLET_INSIDE_H

#include "core/store/outlet.h"
#include "core/store/slice.h"

struct store_outlet {
    struct store_outlet *next;
    uint64_t id;
    int64_t used_at; /* ms; 0: the forwarder's, which is never idle */
    struct outlet_cursor at;
    struct reference *reference; /* as it was when the outlet was opened */
    struct extents extents;
    uint32_t log_version; /* of the extents */
    uint64_t *window;     /* hashes of WINDOW subjects from window_first on, which the directory had */
    uint32_t window_first, n_subjects, n_in_directory; /* as they were then */
    bool has_window;
    void *attached;
    void (*free_attached)(void *data);
    uint64_t sources; /* all generations together of the sources that were told of */
};

#endif
