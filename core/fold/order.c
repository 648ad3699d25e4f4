#include "core/fold/order.h"

#include "core/store/dictionary.h"

#include <msgpack.h>
#include <string.h>

/* Rank: the type's place, then status new < … < closed and direction in < out < internal. */
static unsigned event_rank(const struct event *e)
{
    unsigned within = 0;
    if (e->type == EVENT_TICKET_STATUS)
        within = (unsigned)event_get(e, FIELD_TO, 0);
    else if (e->type == EVENT_TICKET_MESSAGE)
        within = (unsigned)event_get(e, FIELD_DIRECTION, 0);
    return (unsigned)e->type << 4 | (within & 15);
}

void order_item_init(struct order_item *item, const struct event *e)
{
    item->at = e->at;
    item->key = (uint64_t)e->seq << 8 | event_rank(e);
    item->event = e;
}

bool event_same_content(const struct event *a, const struct event *b)
{
    return a->at == b->at && a->seq == b->seq && a->type == b->type && a->ref == b->ref &&
           a->n_fields == b->n_fields &&
           memcmp(a->fields, b->fields, a->n_fields * sizeof(a->fields[0])) == 0;
}

/* --- content
 * ------------------------------------------------------------------------------------------------- */

/* The wire key of a field, or NULL for a declared dimension whose name is not known. */
static const char *field_key(const struct fold_environment *environment, unsigned field)
{
    if (field < FIELD_DECLARED || field >= FIELD_N_DIMENSIONS)
        return FIELDS[field].name;
    unsigned place = field - FIELD_DECLARED;
    return place < environment->n_declared ? environment->declared[place] : NULL;
}

/* Whether a's key stands before b's in the canonical map: as bytes; nameless ones last, by place. */
static bool field_key_before(const struct fold_environment *environment, unsigned a, unsigned b)
{
    const char *x = field_key(environment, a), *y = field_key(environment, b);
    if (!x || !y)
        return x ? true : y ? false : a < b;
    return strcmp(x, y) < 0;
}

void order_init(struct order *o, const struct fold_environment *environment)
{
    o->environment = environment;
    o->is_ready = false;
}

static void order_prepare(struct order *o)
{
    for (unsigned i = 0; i < FIELD_N; i++) {
        unsigned j = i;
        for (; j > 0 && field_key_before(o->environment, i, o->fields[j - 1]); j--)
            o->fields[j] = o->fields[j - 1];
        o->fields[j] = (uint8_t)i;
    }
    o->is_ready = true;
}

/* One packed value. A code has at most EVENT_CODE_BYTES and a header of two. */
struct packed {
    uint8_t data[EVENT_CODE_BYTES + 16];
    size_t size;
};

static int packed_write(void *context, const char *data, size_t size)
{
    struct packed *p = context;
    if (size > sizeof(p->data) - p->size)
        return -1;
    memcpy(p->data + p->size, data, size);
    p->size += size;
    return 0;
}

static void packed_string(struct packed *p, const char *s)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, p, packed_write);
    size_t size = s ? strlen(s) : 0;
    msgpack_pack_str(&packer, size);
    msgpack_pack_str_body(&packer, s, size);
}

static void packed_thousandths(msgpack_packer *packer, int64_t n)
{
    if (n % 1000 == 0)
        msgpack_pack_int64(packer, n / 1000);
    else
        msgpack_pack_double(packer, (double)n / 1000.0);
}

/* A field's value as on the wire. */
static void packed_value(struct packed *p, const struct dictionary *dictionary, unsigned field, int64_t n)
{
    const struct field_info *info = &FIELDS[field];
    msgpack_packer packer;
    msgpack_packer_init(&packer, p, packed_write);
    if (field < FIELD_N_DIMENSIONS && n == 0) {
        msgpack_pack_nil(&packer);
        return;
    }
    switch (info->kind) {
    case VALUE_DICTIONARY:
        packed_string(p, dictionary_string(dictionary, field, (uint32_t)n));
        break;
    case VALUE_ENUM:
        packed_string(p, n > 0 ? info->values[n - 1] : NULL);
        break;
    case VALUE_INT:
        msgpack_pack_int64(&packer, n + info->low - 1);
        break;
    case VALUE_BOOL:
        if (n)
            msgpack_pack_true(&packer);
        else
            msgpack_pack_false(&packer);
        break;
    case VALUE_SECONDS:
    case VALUE_SCORE:
        packed_thousandths(&packer, n);
        break;
    case VALUE_TIME:
    case VALUE_HASH:
        msgpack_pack_int64(&packer, n);
        break;
    }
}

static int packed_compare(const struct packed *a, const struct packed *b)
{
    size_t size = a->size < b->size ? a->size : b->size;
    int c = memcmp(a->data, b->data, size);
    return c ? c : (a->size > b->size) - (a->size < b->size);
}

static int key_compare(const struct fold_environment *environment, unsigned a, unsigned b)
{
    const char *x = field_key(environment, a), *y = field_key(environment, b);
    if (!x || !y)
        return x ? -1 : y ? 1 : (a > b) - (a < b);
    struct packed p = {.size = 0}, q = {.size = 0};
    packed_string(&p, x);
    packed_string(&q, y);
    return packed_compare(&p, &q);
}

/* The numbers of an event's fields by field, and which it has. */
static uint64_t event_spread(const struct event *e, int64_t numbers[FIELD_N])
{
    uint64_t has = 0;
    for (unsigned i = 0; i < e->n_fields; i++) {
        unsigned field = event_field_of(e->fields[i]);
        has |= UINT64_C(1) << field;
        numbers[field] = event_number_of(e->fields[i]);
    }
    return has;
}

_Static_assert(FIELD_N <= 64, "a field is a bit");

/* Compares what the canonical maps would be. msgpack values are no prefixes of one another, so the first
 * element that differs decides as the whole encodings would. */
static int content_compare(struct order *o, const struct event *a, const struct event *b)
{
    if (a->n_fields != b->n_fields) /* the map's header */
        return a->n_fields < b->n_fields ? -1 : 1;
    if (memcmp(a->fields, b->fields, a->n_fields * sizeof(a->fields[0])) != 0) {
        if (!o->is_ready)
            order_prepare(o);
        int64_t x[FIELD_N], y[FIELD_N];
        uint64_t has_x = event_spread(a, x), has_y = event_spread(b, y);
        int field_x = -1, field_y = -1; /* the first key that only one has, while the other's is looked for */
        for (unsigned i = 0; i < FIELD_N; i++) {
            unsigned field = o->fields[i];
            bool in_x = has_x >> field & 1, in_y = has_y >> field & 1;
            if (in_x && in_y && field_x < 0 && field_y < 0) {
                if (x[field] == y[field])
                    continue;
                struct packed p = {.size = 0}, q = {.size = 0};
                packed_value(&p, o->environment->dictionary, field, x[field]);
                packed_value(&q, o->environment->dictionary, field, y[field]);
                int c = packed_compare(&p, &q);
                if (c)
                    return c;
                continue;
            }
            if (in_x && field_x < 0)
                field_x = (int)field;
            if (in_y && field_y < 0)
                field_y = (int)field;
            if (field_x >= 0 && field_y >= 0)
                return key_compare(o->environment, (unsigned)field_x, (unsigned)field_y);
        }
    }
    return (a->ref > b->ref) - (a->ref < b->ref);
}

/* --- sorting
 * ------------------------------------------------------------------------------------------------- */

static inline int item_compare(struct order *o, const struct order_item *a, const struct order_item *b)
{
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return content_compare(o, a->event, b->event);
}

int event_compare(const struct fold_environment *environment, const struct event *a, const struct event *b)
{
    struct order o;
    struct order_item x, y;
    order_init(&o, environment);
    order_item_init(&x, a);
    order_item_init(&y, b);
    return item_compare(&o, &x, &y);
}

/* Insertion sort that gives up after moves_max moves; what it leaves is a permutation all the same. */
static bool insertion_sort(struct order *o, struct order_item *items, size_t n, size_t moves_max)
{
    size_t moves = 0;
    for (size_t i = 1; i < n; i++) {
        struct order_item item = items[i];
        size_t j = i;
        while (j > 0 && item_compare(o, &item, &items[j - 1]) < 0) {
            items[j] = items[j - 1];
            j--;
        }
        items[j] = item;
        moves += i - j;
        if (moves > moves_max)
            return false;
    }
    return true;
}

static void merge_sort(struct order *o, struct order_item *items, struct order_item *room, size_t n)
{
    struct order_item *from = items, *to = room;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t low = 0; low < n; low += 2 * width) {
            size_t middle = low + width < n ? low + width : n;
            size_t high = low + 2 * width < n ? low + 2 * width : n;
            size_t i = low, j = middle, k = low;
            while (i < middle && j < high)
                to[k++] = item_compare(o, &from[j], &from[i]) < 0 ? from[j++] : from[i++];
            while (i < middle)
                to[k++] = from[i++];
            while (j < high)
                to[k++] = from[j++];
        }
        struct order_item *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, n * sizeof(items[0]));
}

void order_sort(struct order *o, struct order_item *items, struct order_item *room, size_t n)
{
    if (!insertion_sort(o, items, n, n <= 16 ? SIZE_MAX : 4 * n))
        merge_sort(o, items, room, n);
}
