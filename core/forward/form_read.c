/* Reading parcels: hostile until checked. Every length is checked against what is left, every number against
 * its range, and what is refused is the whole parcel. */
#include "core/fold/fact.h"
#include "core/forward/form.h"
#include "proto/msgpack.h"

#include <stdlib.h>
#include <string.h>

/* Namespaces and sources that one parcel speaks of: more than have room in it beside what is said of them. */
enum { NAMES_MAX = 4096 };

struct list {
    void *items;
    size_t n, capacity, size;
};

enum which {
    LIST_SOURCES,
    LIST_RECORDS,
    LIST_NAMES,
    LIST_ORIGINS,
    LIST_EVENTS,
    LIST_VALUES,
    LIST_LEFT,
    LIST_FACTS,
    LIST_ROWS,
    LIST_STRINGS,
    LIST_N
};

struct form_read {
    struct list lists[LIST_N];
    struct inlet_parcel parcel;
    const struct form_rules *rules;
    struct mp_reader reader;
    struct error *err;
    /* what the last entries said */
    bool has_head, has_subject, has_origin, is_loose;
    uint64_t hash;
    uint16_t name, origin;
};

struct form_read *form_read_new(void)
{
    static const size_t SIZES[LIST_N] = {
        [LIST_SOURCES] = sizeof(struct inlet_source), [LIST_RECORDS] = sizeof(struct inlet_record),
        [LIST_NAMES] = STORE_NAME_BYTES + 1,          [LIST_ORIGINS] = sizeof(struct inlet_origin),
        [LIST_EVENTS] = sizeof(struct inlet_event),   [LIST_VALUES] = sizeof(struct wire_value),
        [LIST_LEFT] = sizeof(struct inlet_left),      [LIST_FACTS] = sizeof(struct inlet_facts),
        [LIST_ROWS] = sizeof(struct fact_row),        [LIST_STRINGS] = sizeof(struct inlet_string),
    };
    struct form_read *f = calloc(1, sizeof(*f));
    for (unsigned i = 0; f && i < LIST_N; i++)
        f->lists[i].size = SIZES[i];
    return f;
}

void form_read_free(struct form_read *f)
{
    for (unsigned i = 0; f && i < LIST_N; i++)
        free(f->lists[i].items);
    free(f);
}

/* One more item, all zeros; NULL: no memory. */
static void *add(struct form_read *f, enum which which)
{
    struct list *l = &f->lists[which];
    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 64;
        void *more = realloc(l->items, capacity * l->size);
        if (!more)
            return NULL;
        l->items = more;
        l->capacity = capacity;
    }
    void *item = (char *)l->items + l->n++ * l->size;
    memset(item, 0, l->size);
    return item;
}

static int malformed(struct form_read *f, const char *what)
{
    return error_set(f->err, -EBADMSG, "malformed", "a parcel is not of the form: %s", what);
}

static int refused(struct form_read *f, enum event_reject reject)
{
    return error_set(f->err, -EPERM, event_reject_code(reject), "%s", event_reject_sentence(reject));
}

static int no_memory(struct form_read *f)
{
    return error_set(f->err, -ENOMEM, "no_memory", "out of memory for a parcel");
}

static bool read_u32(struct mp_reader *r, uint64_t most, uint32_t *ret)
{
    uint64_t v;
    if (!mp_read_uint(r, &v) || v > most)
        return false;
    *ret = (uint32_t)v;
    return true;
}

static bool read_hash(struct mp_reader *r, uint64_t *ret)
{
    const uint8_t *data;
    uint32_t size;
    if (!mp_read_bin(r, &data, &size) || size != sizeof(*ret))
        return false;
    memcpy(ret, data, sizeof(*ret));
    *ret = __builtin_bswap64(*ret);
    return true;
}

/* A hash that is there, or nil, which is 0. */
static bool read_maybe_hash(struct mp_reader *r, uint64_t *ret)
{
    *ret = 0;
    return mp_peek(r) == MP_NIL ? mp_read_nil(r) : read_hash(r, ret);
}

/* A number, or nil: FACT_NULL, or true: FACT_FOREVER. */
static bool read_number(struct mp_reader *r, int64_t *ret)
{
    bool forever;
    if (mp_peek(r) == MP_NIL) {
        *ret = FACT_NULL;
        return mp_read_nil(r);
    }
    if (mp_peek(r) == MP_BOOL) {
        *ret = FACT_FOREVER;
        return mp_read_bool(r, &forever) && forever;
    }
    return mp_read_int(r, ret);
}

static bool byte_is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* A name of a source or namespace: parts of [a-z0-9][a-z0-9._-]* with slashes between, where it has come
 * through sites. */
static bool read_name(struct mp_reader *r, char ret[STORE_NAME_BYTES + 1])
{
    const char *data;
    uint32_t size;
    bool begins = true;
    if (!mp_read_str(r, &data, &size) || size == 0 || size > STORE_NAME_BYTES)
        return false;
    for (uint32_t i = 0; i < size; i++) {
        if (begins ? !byte_is_of_name(data[i]) || strchr("._-", data[i])
                   : !byte_is_of_name(data[i]) && data[i] != '/')
            return false;
        begins = data[i] == '/';
    }
    memcpy(ret, data, size);
    ret[size] = '\0';
    return !begins;
}

static bool text_is(const char *data, uint32_t size, const char *text)
{
    return strlen(text) == size && memcmp(data, text, size) == 0;
}

static bool at_is_right(const struct form_read *f, int64_t at)
{
    return at >= EVENT_AT_MIN && (f->rules->now == 0 || at <= f->rules->now + EVENT_AT_AHEAD_MS);
}

/* --- entries --- */

static int read_head(struct form_read *f, uint32_t n)
{
    struct mp_reader *r = &f->reader;
    const uint8_t *check;
    uint32_t size, facts;
    uint64_t version;
    if (f->has_head)
        return malformed(f, "two heads");
    if (n < 2 || !mp_read_uint(r, &version))
        return malformed(f, "its head");
    if (version != FORM_VERSION) {
        (void)error_set(f->err, -EPERM, "form_version",
                        "it is of version %llu of the form, this is a tendon of version %d",
                        (unsigned long long)version, FORM_VERSION);
        error_hint(f->err, "use the same version of tendon at both ends");
        return -EPERM;
    }
    if (n != 5 || !mp_read_bool(r, &f->parcel.is_again) || !read_u32(r, UINT32_MAX, &facts) ||
        !mp_read_bin(r, &check, &size) || size != 16)
        return malformed(f, "its head");
    if (facts != FACT_VERSION) {
        (void)error_set(f->err, -EPERM, "facts_version",
                        "its facts are of version %u, this tendon makes version %d", facts, FACT_VERSION);
        error_hint(f->err, "use the same version of tendon at both ends");
        return -EPERM;
    }
    if (f->rules->key_check && memcmp(f->rules->key_check, check, 16) != 0) {
        (void)error_set(f->err, -EPERM, "wrong_key", "its ids are hashed under another tenant's key");
        error_hint(f->err, "both ends need the same key file tenant-NAME.key");
        return -EPERM;
    }
    f->has_head = true;
    return 0;
}

static bool read_rejects(struct mp_reader *r, struct store_source *s)
{
    uint32_t n, size;
    const char *code;
    if (!mp_read_map(r, &n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t count;
        if (!mp_read_str(r, &code, &size) || !mp_read_uint(r, &count))
            return false;
        for (unsigned k = 1; k < REJECT_N; k++) /* codes of later versions count in `rejected` only */
            if (text_is(code, size, event_reject_code(k)))
                s->rejected_by[k] = count;
    }
    return true;
}

static int read_source(struct form_read *f, uint32_t n)
{
    struct mp_reader *r = &f->reader;
    struct inlet_source *to = add(f, LIST_SOURCES);
    if (!to)
        return no_memory(f);
    struct store_source *s = &to->record;
    const uint8_t *sealed = NULL;
    uint32_t size = 0;
    if (n != 15 || !read_name(r, s->name) || !read_name(r, s->namespace) ||
        !read_u32(r, UINT32_MAX, &s->generation) || s->generation == 0 || !mp_read_uint(r, &s->last_seq) ||
        !mp_read_uint(r, &s->accepted) || !mp_read_uint(r, &s->duplicates) ||
        !mp_read_uint(r, &s->rejected) || !mp_read_uint(r, &s->after_watermark) ||
        !read_number(r, &s->first_at) || !read_number(r, &s->last_at) || !read_number(r, &s->last_commit) ||
        !read_number(r, &s->complete_until) || !read_rejects(r, s) ||
        !(mp_peek(r) == MP_NIL ? mp_read_nil(r) : mp_read_bin(r, &sealed, &size)) ||
        size > STORE_CURSOR_BYTES + 64)
        return malformed(f, "a source");
    to->sealed = sealed;
    to->sealed_size = size;
    return 0;
}

static int read_record(struct form_read *f, uint32_t n)
{
    const uint8_t *data;
    uint32_t size;
    if (n != 2 || !mp_read_bin(&f->reader, &data, &size) || size > FORM_RECORD_BYTES)
        return malformed(f, "a reference row");
    struct inlet_record *to = add(f, LIST_RECORDS);
    if (!to)
        return no_memory(f);
    to->data = data;
    to->size = size;
    return 0;
}

static int read_calendar(struct form_read *f, uint32_t n)
{
    const char *name;
    uint32_t size;
    struct inlet_record *to = add(f, LIST_RECORDS);
    if (!to)
        return no_memory(f);
    if (n != 3 || !mp_read_str(&f->reader, &name, &size) || size > EVENT_CODE_BYTES ||
        !mp_read_int(&f->reader, &to->valid_from))
        return malformed(f, "a calendar");
    memcpy(to->calendar, name, size);
    return 0;
}

/* The place of a name that the parcel has, now if not yet. */
static int find_name(struct form_read *f, const char *name, uint16_t *ret)
{
    const struct list *l = &f->lists[LIST_NAMES];
    const char(*names)[STORE_NAME_BYTES + 1] = l->items;
    /* Few, and most often the last. */
    for (size_t i = l->n; i-- > 0;)
        if (strcmp(names[i], name) == 0) {
            *ret = (uint16_t)i;
            return 0;
        }
    if (l->n == NAMES_MAX)
        return malformed(f, "too many namespaces");
    char *to = add(f, LIST_NAMES);
    if (!to)
        return no_memory(f);
    memcpy(to, name, strlen(name) + 1);
    *ret = (uint16_t)(f->lists[LIST_NAMES].n - 1);
    return 0;
}

static int read_subject(struct form_read *f, uint32_t n)
{
    char name[STORE_NAME_BYTES + 1];
    if (n != 4 || !read_hash(&f->reader, &f->hash) || !mp_read_bool(&f->reader, &f->is_loose) ||
        !read_name(&f->reader, name))
        return malformed(f, "a subject");
    f->has_subject = true;
    return find_name(f, name, &f->name);
}

static int read_origin(struct form_read *f, uint32_t n)
{
    struct inlet_origin o = {0};
    if (n != 3 || !read_name(&f->reader, o.name) || !read_u32(&f->reader, UINT32_MAX, &o.generation) ||
        o.generation == 0)
        return malformed(f, "an origin");
    const struct inlet_origin *known = f->lists[LIST_ORIGINS].items;
    f->has_origin = true;
    for (size_t i = f->lists[LIST_ORIGINS].n; i-- > 0;)
        if (known[i].generation == o.generation && strcmp(known[i].name, o.name) == 0) {
            f->origin = (uint16_t)i;
            return 0;
        }
    if (f->lists[LIST_ORIGINS].n == NAMES_MAX)
        return malformed(f, "too many sources");
    struct inlet_origin *to = add(f, LIST_ORIGINS);
    if (!to)
        return no_memory(f);
    *to = o;
    f->origin = (uint16_t)(f->lists[LIST_ORIGINS].n - 1);
    return 0;
}

/* A value as enum value_kind makes it. */
static int read_value(struct form_read *f, int field, struct wire_value *v)
{
    struct mp_reader *r = &f->reader;
    const struct field_info *info = &FIELDS[field];
    int64_t low = INT64_MIN, high = INT64_MAX, number;
    enum event_reject reject;
    v->field = (uint8_t)field;
    if (field < FIELD_N_DIMENSIONS && mp_peek(r) == MP_NIL) {
        v->nil = true;
        return mp_read_nil(r) ? 0 : malformed(f, "a value");
    }
    switch (event_field_kind((unsigned)field)) {
    case VALUE_DICTIONARY:
        if (!mp_read_str(r, &v->string.data, &v->string.size))
            return malformed(f, "a value");
        reject = event_code_check(v->string.data, v->string.size);
        return reject == REJECT_NONE ? 0 : refused(f, reject);
    case VALUE_ENUM: {
        const char *text;
        uint32_t size;
        if (!mp_read_str(r, &text, &size))
            return malformed(f, "a value");
        v->number = event_enum_find((enum event_field)field, text, size);
        return v->number ? 0 : refused(f, REJECT_UNKNOWN_VALUE);
    }
    case VALUE_INT:
        low = info->low;
        high = info->high;
        break;
    case VALUE_BOOL:
        low = 0;
        high = 1;
        break;
    case VALUE_SECONDS:
        low = 0;
        high = EVENT_DURATION_MAX_S * 1000ll;
        break;
    case VALUE_SCORE:
        low = -EVENT_SCORE_MAX * 1000ll;
        high = EVENT_SCORE_MAX * 1000ll;
        break;
    case VALUE_TIME:
        low = EVENT_AT_MIN;
        break;
    case VALUE_HASH:
        return malformed(f, "a hash among the fields");
    }
    if (!mp_read_int(r, &number))
        return malformed(f, "a value");
    if (number < low || number > high)
        return refused(f, REJECT_OUT_OF_RANGE);
    v->number = event_field_kind((unsigned)field) == VALUE_INT ? number + 1 - info->low : number;
    return 0;
}

static int unknown_field(struct form_read *f)
{
    (void)error_set(f->err, -EPERM, "undeclared_dimension",
                    "an event has a dimension that the tenant does not declare here");
    error_hint(f->err, "declare the same dimensions at both ends");
    return -EPERM;
}

/* The fields of an event, into the list of values, each once; the tenant's own may have other places here
 * than at the other end. *ret: bits of them. */
static int read_fields(struct form_read *f, uint32_t *ret_n, uint64_t *ret)
{
    uint32_t n, size;
    const char *key;
    *ret = 0;
    *ret_n = 0;
    if (!mp_read_map(&f->reader, &n) || n > FIELD_N)
        return malformed(f, "an event's fields");
    *ret_n = n;
    for (uint32_t i = 0; i < n; i++) {
        if (!mp_read_str(&f->reader, &key, &size) || size > EVENT_CODE_BYTES)
            return malformed(f, "an event's fields");
        int field = event_field_find(f->rules->schema, key, size);
        if (field < 0)
            return unknown_field(f);
        if (*ret >> field & 1)
            return refused(f, REJECT_DUPLICATE_FIELD);
        struct wire_value *v = add(f, LIST_VALUES);
        if (!v)
            return no_memory(f);
        *ret |= 1ull << field;
        int r = read_value(f, field, v);
        if (r < 0)
            return r;
    }
    return 0;
}

static int by_field(const void *a, const void *b)
{
    return (int)((const struct wire_value *)a)->field - (int)((const struct wire_value *)b)->field;
}

static int read_event(struct form_read *f, uint32_t n)
{
    struct mp_reader *r = &f->reader;
    const char *type;
    uint32_t size;
    uint64_t present;
    if (!f->has_subject || !f->has_origin)
        return malformed(f, "an event of nobody");
    struct inlet_event *e = add(f, LIST_EVENTS);
    if (!e)
        return no_memory(f);
    *e = (struct inlet_event){.hash = f->hash,
                              .is_loose = f->is_loose,
                              .namespace = f->name,
                              .source = f->origin,
                              .first_value = (uint32_t)f->lists[LIST_VALUES].n};
    if (n != 7 || !mp_read_str(r, &type, &size) || !mp_read_int(r, &e->at) ||
        !read_u32(r, UINT32_MAX, &e->seq) || !read_maybe_hash(r, &e->id) || !read_maybe_hash(r, &e->ref))
        return malformed(f, "an event");
    int known = event_type_find(type, size);
    if (known < 0 || known == EVENT_SOURCE_WATERMARK)
        return refused(f, REJECT_UNKNOWN_TYPE);
    if (!at_is_right(f, e->at))
        return refused(f, e->at < EVENT_AT_MIN ? REJECT_TIME_TOO_OLD : REJECT_TIME_AHEAD);
    e->type = (uint8_t)known;
    const struct event_type_info *info = &EVENT_TYPE_INFO[known];
    if ((e->is_loose ? info->needs_ticket : !info->may_have_ticket) || e->id >> 48 || (e->is_loose && e->id))
        return malformed(f, "an event with the wrong id");
    /* read_fields may move the events. */
    size_t at = f->lists[LIST_EVENTS].n - 1;
    uint32_t first = e->first_value, n_values;
    bool has_ref = e->ref != 0;
    int result = read_fields(f, &n_values, &present);
    if (result < 0)
        return result;
    uint64_t hashes = 1ull << FIELD_INTO | 1ull << FIELD_RESPONDENT;
    uint64_t allowed = info->required | info->optional | ((1ull << FIELD_N_DIMENSIONS) - 1);
    if (present & ~allowed)
        return refused(f, REJECT_UNKNOWN_FIELD);
    if (info->required & ~hashes & ~present || (info->required & hashes && !has_ref))
        return refused(f, REJECT_MISSING_FIELD);
    if (has_ref && !(allowed & hashes))
        return malformed(f, "an event with a reference that its type does not have");
    struct wire_value *values = f->lists[LIST_VALUES].items;
    qsort(values + first, n_values, sizeof(*values), by_field);
    ((struct inlet_event *)f->lists[LIST_EVENTS].items)[at].n_values = n_values;
    return 0;
}

static int read_left(struct form_read *f, uint32_t n)
{
    const char *how;
    uint32_t size;
    struct inlet_left *to = add(f, LIST_LEFT);
    if (!to)
        return no_memory(f);
    if (n != 4 || !read_hash(&f->reader, &to->stored) || !mp_read_str(&f->reader, &how, &size) ||
        !(text_is(how, size, "frozen") || text_is(how, size, "erased")) ||
        !read_u32(&f->reader, UINT32_MAX - 1, &to->day))
        return malformed(f, "a ticket that has left the log");
    to->is_erased = text_is(how, size, "erased");
    to->n_before = (uint32_t)f->lists[LIST_EVENTS].n;
    return 0;
}

/* --- frozen facts --- */

static int add_string(struct form_read *f, unsigned column, int field)
{
    struct inlet_string *s = add(f, LIST_STRINGS);
    if (!s)
        return no_memory(f);
    *s = (struct inlet_string){
        .row = (uint32_t)f->lists[LIST_ROWS].n - 1, .column = (uint8_t)column, .field = (uint8_t)field};
    if (!mp_read_str(&f->reader, &s->string.data, &s->string.size))
        return malformed(f, "a fact");
    enum event_reject reject = event_code_check(s->string.data, s->string.size);
    return reject == REJECT_NONE ? 0 : refused(f, reject);
}

static struct fact_row *row_of(struct form_read *f)
{
    return &((struct fact_row *)f->lists[LIST_ROWS].items)[f->lists[LIST_ROWS].n - 1];
}

static int read_dimensions(struct form_read *f, unsigned set)
{
    uint32_t n, size;
    const char *key;
    if (!mp_read_map(&f->reader, &n) || n > FIELD_N_DIMENSIONS)
        return malformed(f, "a fact's dimensions");
    for (uint32_t i = 0; i < n; i++) {
        if (!mp_read_str(&f->reader, &key, &size))
            return malformed(f, "a fact's dimensions");
        int field = event_field_find(f->rules->schema, key, size);
        if (field < 0 || field >= FIELD_N_DIMENSIONS)
            return unknown_field(f);
        int r;
        if (event_field_kind((unsigned)field) == VALUE_DICTIONARY) {
            r = add_string(f, FACT_DIMENSION(set, (unsigned)field), field);
        } else {
            struct wire_value v = {0};
            r = read_value(f, field, &v);
            row_of(f)->dimensions[set][field] = (uint16_t)v.number;
        }
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_row(struct form_read *f)
{
    struct mp_reader *r = &f->reader;
    const char *name;
    uint32_t n = 0, n_values = 0, size, table = 0;
    struct fact_row *row = add(f, LIST_ROWS);
    if (!row)
        return no_memory(f);
    if (!mp_read_array(r, &n) || !mp_read_str(r, &name, &size))
        return malformed(f, "a fact");
    while (table < FACT_N_TABLES && !text_is(name, size, FACT_TABLE_INFO[table].name))
        table++;
    if (table == FACT_N_TABLES || n != 2 + FACT_TABLE_INFO[table].n_sets || !mp_read_array(r, &n_values) ||
        n_values != FACT_TABLE_INFO[table].n_values - FACT_EXCLUDED)
        return malformed(f, "a fact");
    row->table = (uint8_t)table;
    int result = 0;
    for (unsigned c = FACT_EXCLUDED; c < FACT_TABLE_INFO[table].n_values && result == 0; c++) {
        int field = form_fact_field(table, c);
        if (mp_peek(r) == MP_STR)
            result = field < 0 ? malformed(f, "a fact") : add_string(f, c, field);
        else if (!read_number(r, &row_of(f)->values[c]) ||
                 (field >= 0 && row_of(f)->values[c] > 0 && row_of(f)->values[c] != FACT_FOREVER))
            result = malformed(f, "a fact");
    }
    for (unsigned set = 0; set < FACT_TABLE_INFO[table].n_sets && result == 0; set++)
        result = read_dimensions(f, set);
    return result;
}

static int read_facts(struct form_read *f, uint32_t n)
{
    char name[STORE_NAME_BYTES + 1];
    uint32_t n_rows = 0, table = 0;
    struct inlet_facts *to = add(f, LIST_FACTS);
    if (!to)
        return no_memory(f);
    to->first_row = (uint32_t)f->lists[LIST_ROWS].n;
    if (n != 5 || !read_hash(&f->reader, &to->stored) || !read_u32(&f->reader, UINT16_MAX - 1, &to->piece) ||
        !read_name(&f->reader, name) || !mp_read_array(&f->reader, &n_rows) || n_rows == 0 ||
        n_rows > UINT16_MAX)
        return malformed(f, "frozen facts");
    to->n_rows = n_rows;
    int r = find_name(f, name, &to->namespace);
    for (uint32_t i = 0; i < n_rows && r == 0; i++) {
        r = read_row(f);
        if (r == 0 && row_of(f)->table < table)
            r = malformed(f, "frozen facts are not in order");
        table = r == 0 ? row_of(f)->table : table;
    }
    return r;
}

static int read_entry(struct form_read *f)
{
    uint32_t n;
    uint64_t entry;
    if (!mp_read_array(&f->reader, &n) || n == 0 || !mp_read_uint(&f->reader, &entry))
        return malformed(f, "its bytes are no entries");
    if (!f->has_head && entry != FORM_HEAD)
        return malformed(f, "it has no head");
    switch (entry) {
    case FORM_HEAD:
        return read_head(f, n);
    case FORM_SOURCE:
        return read_source(f, n);
    case FORM_RECORD:
        return read_record(f, n);
    case FORM_CALENDAR:
        return read_calendar(f, n);
    case FORM_SUBJECT:
        return read_subject(f, n);
    case FORM_ORIGIN:
        return read_origin(f, n);
    case FORM_EVENT:
        return read_event(f, n);
    case FORM_LEFT:
        return read_left(f, n);
    case FORM_FACTS:
        return read_facts(f, n);
    default:
        return malformed(f, "an entry that this version does not know");
    }
}

int form_read(struct form_read *f, const void *data, size_t size, const struct form_rules *rules,
              const struct inlet_parcel **ret, struct error *err)
{
    struct error none = ERROR_INIT;
    f->err = err ? err : &none;
    f->rules = rules;
    f->parcel = (struct inlet_parcel){0};
    f->has_head = f->has_subject = f->has_origin = false;
    for (unsigned i = 0; i < LIST_N; i++)
        f->lists[i].n = 0;
    mp_reader_init(&f->reader, data, size);
    int r = 0;
    do
        r = read_entry(f);
    while (r == 0 && f->reader.at < f->reader.end);
    if (r < 0)
        return r;
    struct inlet_parcel *p = &f->parcel;
#define LIST(which, member)                                                                                  \
    p->member = f->lists[which].items;                                                                       \
    p->n_##member = f->lists[which].n
    LIST(LIST_SOURCES, sources);
    LIST(LIST_RECORDS, records);
    LIST(LIST_NAMES, names);
    LIST(LIST_ORIGINS, origins);
    LIST(LIST_EVENTS, events);
    LIST(LIST_VALUES, values);
    LIST(LIST_LEFT, left);
    LIST(LIST_FACTS, facts);
    LIST(LIST_ROWS, rows);
    LIST(LIST_STRINGS, strings);
#undef LIST
    *ret = p;
    return 0;
}
