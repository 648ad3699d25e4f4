/* From one memtable to the next: what becomes of the rows of hot subjects when a seal ends. */
#ifndef TENDON_STORE_HANDOVER_H
#define TENDON_STORE_HANDOVER_H

#include "core/base/bitmap.h"
#include "core/store/memtable.h"

/* Gives each row of `before` that holds, and whose owner (a struct subject) stays hot, a place in `next`, its
 * memtable_next or an empty one, and tells the owner where that is. Those of subjects whose numbers are in
 * `cooled` end with the tick in the chunks that both have: views of before the seal see them there, and those
 * behind it in the row groups. Goes through the rows as they lie, which is much faster than subject by
 * subject. 0 or -ENOMEM, where some owners know the new places and others the old ones. */
int handover_rows(struct memtable *next, struct memtable *before, const struct bitmap *cooled, uint64_t tick);

#endif
