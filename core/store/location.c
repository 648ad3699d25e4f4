#include "core/store/location.h"

#include "core/store/column.h"

#include <stdlib.h>
#include <string.h>

enum { LOCATIONS = 256 }; /* subjects of an entry */

/* An entry of DB_SUBJECTS: three columns of LOCATIONS values, segments and both runs, the first two with
 * their size u32 in front. */
struct locations {
    int64_t segments[LOCATIONS], runs[2][LOCATIONS];
};

/* Reads a column that has its size in front. */
static int take_column(const uint8_t **at, const uint8_t *end, int64_t *ret)
{
    uint32_t size;
    if (end - *at < 4)
        return -EBADMSG;
    memcpy(&size, *at, 4);
    *at += 4;
    if (size > (size_t)(end - *at))
        return -EBADMSG;
    int r = column_decode(NULL, *at, size, LOCATIONS, ret);
    *at += size;
    return r;
}

static int locations_decode(const MDB_val *value, struct locations *l)
{
    const uint8_t *at = value->mv_data, *end = at + value->mv_size;
    int r = take_column(&at, end, l->segments);
    if (r == 0)
        r = take_column(&at, end, l->runs[1]);
    return r < 0 ? r : column_decode(NULL, at, (size_t)(end - at), LOCATIONS, l->runs[0]);
}

static int locations_read(struct txn *t, uint32_t entry, struct locations *l)
{
    uint8_t key[4];
    put_u32(key, entry);
    MDB_val value;
    memset(l, 0, sizeof(*l));
    if (!txn_get(t, DB_SUBJECTS, key, sizeof(key), &value))
        return t->rc ? -EIO : 0;
    return locations_decode(&value, l);
}

static bool has_any(const struct locations *l)
{
    int64_t any = 0;
    for (unsigned i = 0; i < LOCATIONS; i++)
        any |= l->segments[i] | l->runs[0][i] | l->runs[1][i];
    return any != 0;
}

/* One of which nothing is known is not there. */
static int locations_write(struct txn *t, uint32_t entry, const struct locations *l, struct buffer *out)
{
    uint32_t sizes[2] = {0};
    size_t second;
    uint8_t key[4];
    put_u32(key, entry);
    if (!has_any(l)) {
        txn_delete(t, DB_SUBJECTS, key, sizeof(key));
        return t->rc ? -EIO : 0;
    }
    buffer_clear(out);
    buffer_append(out, sizes, 4);
    column_encode(NULL, out, l->segments, LOCATIONS, COLUMN_PACK, NULL);
    sizes[0] = (uint32_t)(out->size - 4);
    second = out->size;
    buffer_append(out, sizes, 4);
    column_encode(NULL, out, l->runs[1], LOCATIONS, COLUMN_PACK, NULL);
    sizes[1] = (uint32_t)(out->size - second - 4);
    column_encode(NULL, out, l->runs[0], LOCATIONS, COLUMN_PACK, NULL);
    if (buffer_failed(out))
        return -ENOMEM;
    memcpy(out->data, &sizes[0], 4);
    memcpy(out->data + second, &sizes[1], 4);
    txn_put(t, DB_SUBJECTS, key, sizeof(key), out->data, out->size);
    return t->rc ? -EIO : 0;
}

int location_get(struct txn *t, uint32_t number, struct location *ret)
{
    struct locations l;
    int r = locations_read(t, number / LOCATIONS, &l);
    unsigned i = number % LOCATIONS;
    if (r == 0)
        *ret = (struct location){(uint32_t)l.segments[i], {(uint32_t)l.runs[0][i], (uint32_t)l.runs[1][i]}};
    return r;
}

int locations_get(struct txn *t, uint32_t first, uint32_t n, struct location *ret)
{
    struct locations l;
    int r = 0;
    for (uint32_t i = 0; i < n && r == 0;) {
        uint32_t entry = (first + i) / LOCATIONS;
        r = locations_read(t, entry, &l);
        for (; i < n && (first + i) / LOCATIONS == entry && r == 0; i++) {
            unsigned place = (first + i) % LOCATIONS;
            ret[i] = (struct location){(uint32_t)l.segments[place],
                                       {(uint32_t)l.runs[0][place], (uint32_t)l.runs[1][place]}};
        }
    }
    return r;
}

int locations_of(struct txn *t, const int64_t *numbers, uint32_t n, struct location *ret)
{
    struct locations l;
    int64_t entry = -1;
    for (uint32_t i = 0; i < n; i++) {
        if (numbers[i] < 0 || numbers[i] > UINT32_MAX)
            return -EBADMSG;
        if (numbers[i] / LOCATIONS != entry) {
            entry = numbers[i] / LOCATIONS;
            int r = locations_read(t, (uint32_t)entry, &l);
            if (r < 0)
                return r;
        }
        unsigned place = (unsigned)(numbers[i] % LOCATIONS);
        ret[i] = (struct location){(uint32_t)l.segments[place],
                                   {(uint32_t)l.runs[0][place], (uint32_t)l.runs[1][place]}};
    }
    return 0;
}

int location_put(struct txn *t, const struct location_change *changes, size_t n)
{
    struct locations l;
    struct buffer out;
    buffer_init(&out, 1 << 20);
    int r = 0;
    for (size_t i = 0; i < n && r == 0;) {
        uint32_t entry = changes[i].number / LOCATIONS;
        r = locations_read(t, entry, &l);
        for (; r == 0 && i < n && changes[i].number / LOCATIONS == entry; i++) {
            const struct location *to = &changes[i].location;
            unsigned place = changes[i].number % LOCATIONS;
            if (to->segment != LOCATION_KEEP)
                l.segments[place] = to->segment;
            for (unsigned k = 0; k < 2; k++)
                if (to->runs[k] != LOCATION_KEEP)
                    l.runs[k][place] = to->runs[k];
        }
        if (r == 0)
            r = locations_write(t, entry, &l, &out);
    }
    buffer_fini(&out);
    return r;
}

/* Of one entry. 1 when something expired. */
static int expire_entry(struct locations *l, uint32_t day)
{
    int changed = 0;
    for (unsigned i = 0; i < LOCATIONS; i++)
        if (l->segments[i] == LOCATION_FROZEN && l->runs[0][i] < day) {
            l->segments[i] = l->runs[0][i] = l->runs[1][i] = 0;
            changed = 1;
        }
    return changed;
}

int locations_expire(struct txn *t, uint32_t first, uint32_t n, uint32_t day, uint8_t *places)
{
    struct locations l;
    struct buffer out;
    const uint64_t end = (uint64_t)first + n;
    int r = 0, changed = 0;
    buffer_init(&out, 1 << 20);
    for (uint32_t entry = first / LOCATIONS; (uint64_t)entry * LOCATIONS < end && r == 0; entry++) {
        r = locations_read(t, entry, &l);
        if (r == 0 && expire_entry(&l, day)) {
            changed = 1;
            r = locations_write(t, entry, &l, &out);
        }
        for (uint32_t i = 0; i < LOCATIONS; i++) {
            const uint64_t number = (uint64_t)entry * LOCATIONS + i;
            if (number >= first && number < end && l.segments[i])
                places[number / 8] |= (uint8_t)(1 << number % 8);
        }
    }
    buffer_fini(&out);
    return r < 0 ? r : changed;
}
