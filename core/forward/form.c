#include "core/forward/form.h"

#include "core/fold/fact.h"
#include "core/store/dictionary.h"
#include "proto/msgpack.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE_BYTES = 256 << 20 }; /* of the parcels of one read */

int form_fact_field(unsigned table, unsigned column)
{
    static const struct {
        uint8_t table, column, field;
    } FIELDS_OF[] = {
        {FACT_SLA_CYCLE, FACT_SLA_CYCLE_POLICY, FIELD_POLICY},
        {FACT_SLA_CYCLE, FACT_SLA_CYCLE_CALENDAR, FIELD_CALENDAR},
        {FACT_SLA_CYCLE, FACT_SLA_CYCLE_SITE, FIELD_SITE},
        {FACT_RATING, FACT_RATING_INSTRUMENT, FIELD_INSTRUMENT},
        {FACT_RATING, FACT_RATING_QUESTION, FIELD_QUESTION},
        {FACT_RATING, FACT_RATING_CHOICE, FIELD_CHOICE},
        {FACT_RATING, FACT_RATING_RESPONDENT_ROLE, FIELD_RESPONDENT_ROLE},
        {FACT_ANSWER, FACT_ANSWER_INSTRUMENT, FIELD_INSTRUMENT},
        {FACT_ANSWER, FACT_ANSWER_QUESTION, FIELD_QUESTION},
        {FACT_ANSWER, FACT_ANSWER_CHOICE, FIELD_CHOICE},
        {FACT_ANSWER, FACT_ANSWER_RESPONDENT_ROLE, FIELD_RESPONDENT_ROLE},
        {FACT_SENDING, FACT_SENDING_INSTRUMENT, FIELD_INSTRUMENT},
        {FACT_SENDING, FACT_SENDING_RESPONDENT_ROLE, FIELD_RESPONDENT_ROLE},
    };
    for (size_t i = 0; i < sizeof(FIELDS_OF) / sizeof(*FIELDS_OF); i++)
        if (FIELDS_OF[i].table == table && FIELDS_OF[i].column == column)
            return FIELDS_OF[i].field;
    return -1;
}

static int buffer_write(void *context, const char *data, size_t size)
{
    buffer_append(context, data, size);
    return 0;
}

static void pack_text(msgpack_packer *p, const char *s)
{
    size_t size = s ? strlen(s) : 0;
    msgpack_pack_str(p, size);
    msgpack_pack_str_body(p, s ? s : "", size);
}

static void pack_bin(msgpack_packer *p, const void *data, size_t size)
{
    msgpack_pack_bin(p, size);
    msgpack_pack_bin_body(p, data, size);
}

static void pack_hash(msgpack_packer *p, uint64_t hash)
{
    hash = __builtin_bswap64(hash);
    pack_bin(p, &hash, sizeof(hash));
}

/* Missing as nil. */
static void pack_number(msgpack_packer *p, int64_t v)
{
    if (v == FACT_NULL)
        msgpack_pack_nil(p);
    else if (v == FACT_FOREVER)
        msgpack_pack_true(p);
    else
        msgpack_pack_int64(p, v);
}

/* --- cursors --- */

size_t form_cursor_write(const struct outlet_cursor *c, uint8_t ret[FORM_CURSOR_BYTES])
{
    struct buffer b;
    msgpack_packer p;
    if (c->stream == 0)
        return 0;
    buffer_init(&b, FORM_CURSOR_BYTES);
    msgpack_packer_init(&p, &b, buffer_write);
    msgpack_pack_array(&p, 5);
    msgpack_pack_uint64(&p, c->stream);
    msgpack_pack_uint8(&p, c->phase);
    msgpack_pack_uint64(&p, c->place);
    pack_bin(&p, c->fact, sizeof(c->fact));
    msgpack_pack_uint64(&p, c->serial);
    size_t size = buffer_failed(&b) ? 0 : b.size;
    if (size)
        memcpy(ret, b.data, size);
    buffer_fini(&b);
    return size;
}

int form_cursor_read(const void *data, size_t size, struct outlet_cursor *ret)
{
    struct mp_reader r;
    struct outlet_cursor c = {0};
    uint32_t n, n_fact;
    uint64_t phase;
    const uint8_t *fact;
    if (size == 0) {
        *ret = c;
        return 0;
    }
    mp_reader_init(&r, data, size);
    if (!mp_read_array(&r, &n) || n != 5 || !mp_read_uint(&r, &c.stream) || !mp_read_uint(&r, &phase) ||
        !mp_read_uint(&r, &c.place) || !mp_read_bin(&r, &fact, &n_fact) || !mp_read_uint(&r, &c.serial) ||
        r.at != r.end || n_fact != sizeof(c.fact) || phase >= OUTLET_PHASES)
        return -EBADMSG;
    c.phase = (uint8_t)phase;
    memcpy(c.fact, fact, sizeof(c.fact));
    *ret = c;
    return 0;
}

/* --- parcels --- */

void form_writer_init(struct form_writer *w, const struct store *store)
{
    *w = (struct form_writer){.store = store};
    buffer_init(&w->out, QUEUE_BYTES);
}

void form_writer_fini(struct form_writer *w)
{
    buffer_fini(&w->out);
    free(w->parcels);
    *w = (struct form_writer){0};
}

void form_writer_begin(struct form_writer *w, const struct outlet_cursor *at)
{
    buffer_clear(&w->out);
    w->n_parcels = 0;
    w->start = 0;
    w->marked = *at;
    w->has_entries = false;
}

void form_writer_next(struct form_writer *w)
{
    w->out.size -= w->start;
    if (w->start && w->out.size)
        memmove(w->out.data, w->out.data + w->start, w->out.size);
    w->start = 0;
    w->n_parcels = 0;
}

static void pack_head(struct form_writer *w)
{
    msgpack_packer p;
    uint8_t check[16];
    store_key_check(w->store, check);
    msgpack_packer_init(&p, &w->out, buffer_write);
    msgpack_pack_array(&p, 5);
    msgpack_pack_int(&p, FORM_HEAD);
    msgpack_pack_int(&p, FORM_VERSION);
    if (w->is_again)
        msgpack_pack_true(&p);
    else
        msgpack_pack_false(&p);
    msgpack_pack_int(&p, FACT_VERSION);
    pack_bin(&p, check, sizeof(check));
}

static int parcel_end(struct form_writer *w)
{
    if (!w->has_entries)
        return 0;
    if (buffer_failed(&w->out))
        return -ENOMEM;
    if (w->n_parcels == w->capacity) {
        size_t capacity = w->capacity ? w->capacity * 2 : 16;
        struct form_parcel *more = realloc(w->parcels, capacity * sizeof(*more));
        if (!more)
            return -ENOMEM;
        w->parcels = more;
        w->capacity = capacity;
    }
    w->parcels[w->n_parcels++] =
        (struct form_parcel){.offset = w->start, .size = w->out.size - w->start, .next = w->marked};
    w->start = w->out.size;
    w->has_entries = false;
    return 0;
}

int form_writer_end(struct form_writer *w)
{
    return parcel_end(w);
}

/* Before an entry of at most that many bytes, or nearly: the parcel it goes into. */
static int entry_begin(struct form_writer *w, size_t size)
{
    int r = 0;
    if (w->has_entries && w->out.size - w->start + size > FORM_PARCEL_BYTES)
        r = parcel_end(w);
    if (r == 0 && !w->has_entries) {
        w->is_again = w->marked.phase != OUTLET_LOG;
        pack_head(w);
        w->has_entries = true;
        w->has_subject = w->has_origin = false;
    }
    return r;
}

static int entry_end(const struct form_writer *w)
{
    return buffer_failed(&w->out) ? -ENOMEM : 0;
}

static int write_source(void *context, const struct store_source *s, const void *sealed, size_t sealed_size)
{
    struct form_writer *w = context;
    msgpack_packer p;
    int r = entry_begin(w, 2048 + sealed_size);
    if (r < 0)
        return r;
    uint32_t n = 0;
    for (unsigned i = 0; i < REJECT_N; i++)
        n += s->rejected_by[i] != 0;
    msgpack_packer_init(&p, &w->out, buffer_write);
    msgpack_pack_array(&p, 15);
    msgpack_pack_int(&p, FORM_SOURCE);
    pack_text(&p, s->name);
    pack_text(&p, s->namespace);
    msgpack_pack_uint32(&p, s->generation);
    msgpack_pack_uint64(&p, s->last_seq);
    msgpack_pack_uint64(&p, s->accepted);
    msgpack_pack_uint64(&p, s->duplicates);
    msgpack_pack_uint64(&p, s->rejected);
    msgpack_pack_uint64(&p, s->after_watermark);
    pack_number(&p, s->first_at);
    pack_number(&p, s->last_at);
    pack_number(&p, s->last_commit);
    pack_number(&p, s->complete_until);
    msgpack_pack_map(&p, n);
    for (unsigned i = 0; i < REJECT_N; i++)
        if (s->rejected_by[i]) {
            pack_text(&p, event_reject_code(i));
            msgpack_pack_uint64(&p, s->rejected_by[i]);
        }
    if (sealed_size)
        pack_bin(&p, sealed, sealed_size);
    else
        msgpack_pack_nil(&p);
    return entry_end(w);
}

static int write_record(void *context, const void *record, size_t size)
{
    struct form_writer *w = context;
    msgpack_packer p;
    int r = size > FORM_RECORD_BYTES ? -EMSGSIZE : entry_begin(w, size + 16);
    if (r < 0)
        return r;
    msgpack_packer_init(&p, &w->out, buffer_write);
    msgpack_pack_array(&p, 2);
    msgpack_pack_int(&p, FORM_RECORD);
    pack_bin(&p, record, size);
    return entry_end(w);
}

static int write_calendar_removed(void *context, const char *name, int64_t valid_from)
{
    struct form_writer *w = context;
    msgpack_packer p;
    int r = entry_begin(w, 128);
    if (r < 0)
        return r;
    msgpack_packer_init(&p, &w->out, buffer_write);
    msgpack_pack_array(&p, 3);
    msgpack_pack_int(&p, FORM_CALENDAR);
    pack_text(&p, name);
    msgpack_pack_int64(&p, valid_from); /* INT64_MIN: from the beginning */
    return entry_end(w);
}

static const char *key_of(const struct store *s, unsigned field)
{
    return field >= FIELD_DECLARED && field < FIELD_N_DIMENSIONS ? store_declared(s, field - FIELD_DECLARED)
                                                                 : FIELDS[field].name;
}

static int pack_field(const struct form_writer *w, msgpack_packer *p, unsigned field, int64_t number)
{
    const char *key = key_of(w->store, field), *text = NULL;
    enum value_kind kind = event_field_kind(field);
    if (!key)
        return -EBADMSG;
    pack_text(p, key);
    if (field < FIELD_N_DIMENSIONS && number == 0) { /* which the event clears */
        msgpack_pack_nil(p);
        return 0;
    }
    if (kind == VALUE_DICTIONARY)
        text = dictionary_string(store_dictionary(w->store), field, (uint32_t)number);
    else if (kind == VALUE_ENUM)
        for (int64_t i = 0; i < number && FIELDS[field].values[i]; i++)
            text = i == number - 1 ? FIELDS[field].values[i] : NULL;
    if (text)
        pack_text(p, text);
    else if (kind == VALUE_DICTIONARY || kind == VALUE_ENUM)
        return -EBADMSG;
    else if (kind == VALUE_INT)
        msgpack_pack_int64(p, number - 1 + FIELDS[field].low);
    else
        msgpack_pack_int64(p, number);
    return 0;
}

static int write_event(void *context, const struct outlet_event *o)
{
    enum { ENTRY_BYTES = 3 * 80 + FIELD_N * (EVENT_CODE_BYTES + 20) };
    struct form_writer *w = context;
    const struct event *e = o->event;
    msgpack_packer p;
    int r = entry_begin(w, ENTRY_BYTES);
    if (r < 0)
        return r;
    msgpack_packer_init(&p, &w->out, buffer_write);
    uint64_t stored = o->is_loose ? ~o->hash : o->hash;
    if (!w->has_subject || w->hash != stored) {
        msgpack_pack_array(&p, 4);
        msgpack_pack_int(&p, FORM_SUBJECT);
        pack_hash(&p, o->hash);
        if (o->is_loose)
            msgpack_pack_true(&p);
        else
            msgpack_pack_false(&p);
        pack_text(&p, o->namespace);
        w->has_subject = true;
        w->hash = stored;
    }
    if (!w->has_origin || w->generation != o->generation || strcmp(w->origin, o->source) != 0) {
        msgpack_pack_array(&p, 3);
        msgpack_pack_int(&p, FORM_ORIGIN);
        pack_text(&p, o->source);
        msgpack_pack_uint32(&p, o->generation);
        w->has_origin = true;
        w->generation = o->generation;
        (void)snprintf(w->origin, sizeof(w->origin), "%s", o->source);
    }
    msgpack_pack_array(&p, 7);
    msgpack_pack_int(&p, FORM_EVENT);
    pack_text(&p, EVENT_TYPE_INFO[e->type].name);
    msgpack_pack_int64(&p, e->at);
    msgpack_pack_uint32(&p, e->seq);
    if (o->is_loose)
        msgpack_pack_nil(&p);
    else
        pack_hash(&p, e->id);
    if (e->ref)
        pack_hash(&p, e->ref);
    else
        msgpack_pack_nil(&p);
    msgpack_pack_map(&p, e->n_fields);
    for (unsigned i = 0; i < e->n_fields && r == 0; i++)
        r = pack_field(w, &p, event_field_of(e->fields[i]), event_number_of(e->fields[i]));
    return r < 0 ? r : entry_end(w);
}

static int write_left(void *context, const struct outlet_left *left)
{
    struct form_writer *w = context;
    msgpack_packer p;
    int r = entry_begin(w, 64);
    if (r < 0)
        return r;
    msgpack_packer_init(&p, &w->out, buffer_write);
    msgpack_pack_array(&p, 4);
    msgpack_pack_int(&p, FORM_LEFT);
    pack_hash(&p, left->stored);
    pack_text(&p, left->is_erased ? "erased" : "frozen");
    msgpack_pack_uint32(&p, left->day);
    return entry_end(w);
}

static int pack_dimensions(const struct form_writer *w, msgpack_packer *p, const uint16_t *dimensions)
{
    uint32_t n = 0;
    int r = 0;
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        n += dimensions[f] != 0;
    msgpack_pack_map(p, n);
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS && r == 0; f++)
        if (dimensions[f])
            r = pack_field(w, p, f, dimensions[f]);
    return r;
}

/* [table, [values], dimensions, …]: common values but the subject and namespace, which are the entry's. */
static int pack_row(const struct form_writer *w, msgpack_packer *p, const struct fact_row *row)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[row->table];
    int r = 0;
    msgpack_pack_array(p, 2 + info->n_sets);
    pack_text(p, info->name);
    msgpack_pack_array(p, info->n_values - FACT_EXCLUDED);
    for (unsigned c = FACT_EXCLUDED; c < info->n_values; c++) {
        int field = form_fact_field(row->table, c);
        const char *text =
            field < 0 || row->values[c] <= 0
                ? NULL
                : dictionary_string(store_dictionary(w->store), (unsigned)field, (uint32_t)row->values[c]);
        if (text)
            pack_text(p, text);
        else
            pack_number(p, row->values[c]);
    }
    for (unsigned set = 0; set < info->n_sets && r == 0; set++)
        r = pack_dimensions(w, p, row->dimensions[set]);
    return r;
}

static int write_facts(void *context, uint64_t stored, uint32_t piece, const char *namespace,
                       const struct fact_row *rows, size_t n)
{
    struct form_writer *w = context;
    msgpack_packer p;
    int r = entry_begin(w, n * 600);
    if (r < 0)
        return r;
    msgpack_packer_init(&p, &w->out, buffer_write);
    msgpack_pack_array(&p, 5);
    msgpack_pack_int(&p, FORM_FACTS);
    pack_hash(&p, stored);
    msgpack_pack_uint32(&p, piece);
    pack_text(&p, namespace);
    msgpack_pack_array(&p, n);
    for (size_t i = 0; i < n && r == 0; i++)
        r = pack_row(w, &p, &rows[i]);
    return r < 0 ? r : entry_end(w);
}

static int mark(void *context, const struct outlet_cursor *at)
{
    struct form_writer *w = context;
    /* What comes again and what does not is never in one parcel. */
    int r = (at->phase == OUTLET_LOG) != (w->marked.phase == OUTLET_LOG) ? parcel_end(w) : 0;
    w->marked = *at;
    if (w->n_parcels && !w->has_entries)
        w->parcels[w->n_parcels - 1].next = *at;
    return r;
}

struct outlet_sink form_writer_sink(struct form_writer *w)
{
    return (struct outlet_sink){
        .context = w,
        .source = write_source,
        .reference = write_record,
        .calendar_removed = write_calendar_removed,
        .event = write_event,
        .left = write_left,
        .facts = write_facts,
        .mark = mark,
    };
}
