#include "core/query/dimension.h"

#include "core/base/nearest.h"
#include "core/fold/derived.h"
#include "core/query/statistic.h"
#include "core/query/versions.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* --- names
 * ------------------------------------------------------------------------------------------------------- */

static struct dimension_name *names_add(struct dimension_names *names, const char *name,
                                        enum dimension_kind kind)
{
    struct dimension_name *d = &names->names[names->n++];
    *d = (struct dimension_name){.kind = kind, .low = 1, .high = 0};
    memcpy(d->name, name, strnlen(name, EVENT_CODE_BYTES));
    return d;
}

/* Only these values exist; the list ends with NULL. */
static void names_close(struct dimension_name *d, const char *const *values)
{
    d->values = values;
    while (values[d->n_values])
        d->n_values++;
}

/* Values of rows that are dimensions all the same. Numbers are those of the field's dictionary or list. */
static const struct {
    const char *name;
    uint8_t field;
    uint8_t columns[FACT_N_TABLES];
} COLUMNS[] = {
    {"instrument",
     FIELD_INSTRUMENT,
     {[FACT_RATING] = FACT_RATING_INSTRUMENT,
      [FACT_ANSWER] = FACT_ANSWER_INSTRUMENT,
      [FACT_SENDING] = FACT_SENDING_INSTRUMENT}},
    {"question",
     FIELD_QUESTION,
     {[FACT_RATING] = FACT_RATING_QUESTION, [FACT_ANSWER] = FACT_ANSWER_QUESTION}},
    {"choice", FIELD_CHOICE, {[FACT_RATING] = FACT_RATING_CHOICE, [FACT_ANSWER] = FACT_ANSWER_CHOICE}},
    {"respondent_role",
     FIELD_RESPONDENT_ROLE,
     {[FACT_RATING] = FACT_RATING_RESPONDENT_ROLE,
      [FACT_ANSWER] = FACT_ANSWER_RESPONDENT_ROLE,
      [FACT_SENDING] = FACT_SENDING_RESPONDENT_ROLE}},
    {"policy", FIELD_POLICY, {[FACT_SLA_CYCLE] = FACT_SLA_CYCLE_POLICY}},
    {"sla_metric", FIELD_METRIC, {[FACT_SLA_CYCLE] = FACT_SLA_CYCLE_METRIC}},
    {"sla_clock", FIELD_CLOCK, {[FACT_SLA_CYCLE] = FACT_SLA_CYCLE_CLOCK}},
};

/* Of the scale that an answer has: its quarters at the ends, and what is between. */
static const char *const BOXES[] = {"top", "middle", "bottom", NULL};
enum { BOX_NONE, BOX_TOP, BOX_MIDDLE, BOX_BOTTOM };

void dimension_names_init(struct dimension_names *names, const char (*declared)[EVENT_CODE_BYTES + 1],
                          unsigned n_declared)
{
    struct dimension_name *d;
    memset(names, 0, sizeof(*names));
    for (unsigned f = 0; f < FIELD_N_BUILTIN; f++) {
        d = names_add(names, FIELDS[f].name, f == FIELD_TIER ? DIMENSION_TIER : DIMENSION_EVENT);
        d->field = (uint8_t)f;
        if (FIELDS[f].kind == VALUE_INT) {
            d->is_number = true;
            d->low = FIELDS[f].low;
            d->high = FIELDS[f].high;
        } else if (FIELDS[f].kind == VALUE_ENUM) {
            names_close(d, FIELDS[f].values);
        }
    }
    for (unsigned i = 0; i < n_declared && i < EVENT_DECLARED_MAX; i++)
        names_add(names, declared[i], DIMENSION_EVENT)->field = (uint8_t)(FIELD_DECLARED + i);
    for (unsigned a = 0; a < REFERENCE_ATTRIBUTES_N; a++) {
        const struct reference_attribute_info *info = &REFERENCE_ATTRIBUTE_INFO[a];
        if (!info->name || dimension_names_find(names, info->name, strlen(info->name)) >= 0)
            continue; /* tier stands above: the event's wins; what a tenant declares hides an attribute */
        d = names_add(names, info->name, DIMENSION_ATTRIBUTE);
        d->attribute = (uint8_t)a;
        d->is_number = info->is_number;
        if (a == REFERENCE_FACILITY_KIND)
            names_close(d, REFERENCE_FACILITY_KINDS);
    }
    d = names_add(names, "support_model", DIMENSION_SUPPORT_MODEL);
    d->values = SUPPORT_MODEL_NAMES + 1;
    d->n_values = SUPPORT_MODEL_N - 1;
    d = names_add(names, "support_region", DIMENSION_SUPPORT_REGION);
    d->values = SUPPORT_REGION_NAMES + 1;
    d->n_values = SUPPORT_REGION_N - 1;
    for (size_t i = 0; i < sizeof(COLUMNS) / sizeof(COLUMNS[0]); i++) {
        if (dimension_names_find(names, COLUMNS[i].name, strlen(COLUMNS[i].name)) >= 0)
            continue; /* one that the tenant declares */
        d = names_add(names, COLUMNS[i].name, DIMENSION_COLUMN);
        d->field = COLUMNS[i].field;
        memcpy(d->columns, COLUMNS[i].columns, sizeof(d->columns));
        d->cuts = d->field == FIELD_CHOICE;
        if (FIELDS[d->field].kind == VALUE_ENUM)
            names_close(d, FIELDS[d->field].values);
    }
    if (dimension_names_find(names, "box", strlen("box")) >= 0)
        return;
    d = names_add(names, "box", DIMENSION_BOX);
    names_close(d, BOXES);
    d->columns[FACT_ANSWER] = FACT_ANSWER_SCORE;
    d->cuts = true;
}

int dimension_names_find(const struct dimension_names *names, const char *name, size_t size)
{
    for (size_t i = 0; i < names->n; i++)
        if (strlen(names->names[i].name) == size && memcmp(names->names[i].name, name, size) == 0)
            return (int)i;
    return -1;
}

const char *dimension_names_nearest(const struct dimension_names *names, const char *name, size_t size)
{
    struct nearest nearest;
    nearest_init(&nearest, name, size);
    for (size_t i = 0; i < names->n; i++)
        nearest_offer(&nearest, names->names[i].name);
    return nearest.best;
}

uint64_t dimension_fields(const struct dimension_name *name)
{
    switch (name->kind) {
    case DIMENSION_EVENT:
        return 1ull << name->field;
    case DIMENSION_TIER:
        return 1ull << FIELD_TIER | 1ull << FIELD_TEAM;
    case DIMENSION_ATTRIBUTE:
        return REFERENCE_ATTRIBUTE_INFO[name->attribute].table == REFERENCE_SITE ? 1ull << FIELD_SITE
                                                                                 : 1ull << FIELD_TEAM;
    case DIMENSION_SUPPORT_MODEL:
    case DIMENSION_SUPPORT_REGION:
        return 1ull << FIELD_SITE | 1ull << FIELD_TEAM;
    case DIMENSION_COLUMN:
    case DIMENSION_BOX:
        break;
    }
    return 0;
}

bool dimension_is_of(const struct dimension_name *name, enum fact_table table)
{
    return (name->kind != DIMENSION_COLUMN && name->kind != DIMENSION_BOX) || name->columns[table] != 0;
}

int dimension_value_compare(const struct dimension_value *a, const struct dimension_value *b)
{
    if (a->type != b->type) {
        if (a->type == VALUE_IS_NULL || b->type == VALUE_IS_NULL)
            return a->type == VALUE_IS_NULL ? 1 : -1;
        return a->type == VALUE_IS_NUMBER ? -1 : 1;
    }
    if (a->type == VALUE_IS_TEXT)
        return strcmp(a->text, b->text);
    return a->type == VALUE_IS_NUMBER ? (a->number > b->number) - (a->number < b->number) : 0;
}

/* --- dimensions of one view
 * -------------------------------------------------------------------------------------- */

/* Pairs of a team's and a site's class whose derived value is remembered; above, it is worked out each time.
 */
#define PAIRS_MAX    (16u << 20)
#define PAIR_UNKNOWN 0xff

struct classes {
    uint32_t n, *of_place, *places; /* class of each row version, and one row version of each class */
};

struct dimension {
    struct dimension_name name;
    struct dimension_view view;
    uint32_t n_ids;
    struct versions *teams, *sites;

    /* ATTRIBUTE, TIER: id of each row version of the table, and the values of ids */
    uint32_t *id_of_place;
    struct dimension_value *values;

    /* SUPPORT_…: what is derived depends on one text of the team's row and one of the site's. Rows are of one
     * class where those are the same; class 0 is no row. [team class][site class], filled as pairs are met,
     * or NULL. Threads that meet one at once find the same. */
    struct classes team_classes, site_classes;
    _Atomic uint8_t *pairs;

    /* Where no instant is looked at, by code, which has 16 bits: ATTRIBUTE: the id; SUPPORT_…: where the
     * team's pairs begin, and the site's class. */
    uint32_t *by_code, *site_by_code;
};

static void classes_fini(struct classes *c)
{
    free(c->of_place);
    free(c->places);
}

void dimension_free(struct dimension *d)
{
    if (!d)
        return;
    versions_free(d->teams);
    versions_free(d->sites);
    free(d->id_of_place);
    free(d->values);
    classes_fini(&d->team_classes);
    classes_fini(&d->site_classes);
    free((void *)d->pairs);
    free(d->by_code);
    free(d->site_by_code);
    free(d);
}

const struct dimension_name *dimension_name_of(const struct dimension *d)
{
    return &d->name;
}

static struct dimension_value attribute_value(const struct reference_row *row, unsigned attribute)
{
    if (REFERENCE_ATTRIBUTE_INFO[attribute].is_number) {
        int64_t number = row->numbers[attribute];
        return number == REFERENCE_NONE ? (struct dimension_value){.type = VALUE_IS_NULL}
                                        : (struct dimension_value){.type = VALUE_IS_NUMBER, .number = number};
    }
    const char *text = row->strings[attribute];
    return (struct dimension_value){.type = text ? VALUE_IS_TEXT : VALUE_IS_NULL, .text = text};
}

struct place_value {
    struct dimension_value value;
    uint32_t place;
};

static int by_value(const void *a, const void *b)
{
    return dimension_value_compare(&((const struct place_value *)a)->value,
                                   &((const struct place_value *)b)->value);
}

/* Gives equal values of an attribute equal ids, in their order. */
static int dimension_number_attribute(struct dimension *d, const struct versions *versions,
                                      unsigned attribute)
{
    uint32_t n = versions_count(versions); /* place 0 is no row */
    struct place_value *sorted = malloc(n * sizeof(*sorted));
    d->id_of_place = calloc(n, sizeof(*d->id_of_place));
    d->values = calloc((size_t)n + 1, sizeof(*d->values));
    if (!sorted || !d->id_of_place || !d->values) {
        free(sorted);
        return -ENOMEM;
    }
    for (uint32_t i = 1; i < n; i++)
        sorted[i - 1] = (struct place_value){attribute_value(versions_row(versions, i), attribute), i};
    qsort(sorted, n - 1, sizeof(*sorted), by_value);
    d->n_ids = 1;
    for (uint32_t i = 0; i + 1 < n && sorted[i].value.type != VALUE_IS_NULL; i++) {
        if (i == 0 || by_value(&sorted[i - 1], &sorted[i]) != 0)
            d->values[d->n_ids++] = sorted[i].value;
        d->id_of_place[sorted[i].place] = d->n_ids - 1;
    }
    free(sorted);
    return 0;
}

#define CODES (UINT16_MAX + 1)

/* Most of it is never touched: only codes that there are have an entry. */
static int by_code_new(const struct versions *v, uint32_t **ret)
{
    uint32_t n;
    const uint32_t *places = versions_by_code(v, &n);
    *ret = calloc(CODES, sizeof(**ret));
    if (!*ret)
        return -ENOMEM;
    memcpy(*ret, places, (n < CODES ? n : CODES) * sizeof(**ret));
    return 0;
}

static int dimension_prepare_codes(struct dimension *d)
{
    const struct versions *v = d->teams ? d->teams : d->sites;
    uint32_t n_codes;
    if (!dimension_is_timeless(d) || (d->name.kind != DIMENSION_ATTRIBUTE && !d->pairs))
        return 0;
    int r = by_code_new(v, &d->by_code);
    if (r == 0 && d->pairs)
        r = by_code_new(d->sites, &d->site_by_code);
    (void)versions_by_code(v, &n_codes);
    for (uint32_t code = 0; r == 0 && code < n_codes && code < CODES; code++)
        d->by_code[code] = d->pairs ? d->team_classes.of_place[d->by_code[code]] * d->site_classes.n
                                    : d->id_of_place[d->by_code[code]];
    if (r == 0 && d->pairs)
        (void)versions_by_code(d->sites, &n_codes);
    for (uint32_t code = 0; r == 0 && d->pairs && code < n_codes && code < CODES; code++)
        d->site_by_code[code] = d->site_classes.of_place[d->site_by_code[code]];
    return r;
}

/* What a derived value depends on; texts of one reference that are equal are one pointer. */
static const char *derived_text(const struct reference_row *row, enum dimension_kind kind, bool is_team)
{
    static const char OUTSOURCED[] = "";
    if (kind == DIMENSION_SUPPORT_REGION)
        return row->strings[is_team ? REFERENCE_TEAM_COUNTRY : REFERENCE_COUNTRY];
    if (!is_team)
        return row->strings[REFERENCE_ORG];
    return row->strings[REFERENCE_OUTSOURCER] ? OUTSOURCED : row->strings[REFERENCE_EMPLOYER];
}

static int classes_init(struct classes *c, const struct versions *v, enum dimension_kind kind, bool is_team)
{
    const uint32_t n = versions_count(v);
    uint32_t n_slots = 16;
    while (n_slots < 2 * n)
        n_slots *= 2;
    uint32_t *slots = calloc(n_slots, sizeof(*slots)); /* by text: class, of which 0 is none of them */
    c->of_place = calloc(n, sizeof(*c->of_place));
    c->places = calloc(n, sizeof(*c->places));
    c->n = 1;
    for (uint32_t place = 1; slots && c->of_place && c->places && place < n; place++) {
        const char *text = derived_text(versions_row(v, place), kind, is_team);
        uint32_t i = (uint32_t)((uintptr_t)text * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (n_slots - 1);
        while (slots[i] && derived_text(versions_row(v, c->places[slots[i]]), kind, is_team) != text)
            i = (i + 1) & (n_slots - 1);
        if (!slots[i]) {
            slots[i] = c->n;
            c->places[c->n++] = place;
        }
        c->of_place[place] = slots[i];
    }
    int r = slots && c->of_place && c->places ? 0 : -ENOMEM;
    free(slots);
    return r;
}

static int dimension_prepare(struct dimension *d)
{
    const struct dimension_name *name = &d->name;
    uint64_t fields = dimension_fields(name);
    int r = 0;
    if (name->kind == DIMENSION_EVENT || name->kind == DIMENSION_COLUMN || name->kind == DIMENSION_BOX) {
        if (name->is_number)
            d->n_ids = (uint32_t)(name->high - name->low) + 2;
        else if (name->values)
            d->n_ids = name->n_values + 1;
        else
            d->n_ids = dictionary_count(d->view.dictionary, name->field) + 1;
        return 0;
    }
    if (fields & 1ull << FIELD_TEAM)
        r = versions_new(d->view.dictionary, d->view.reference, REFERENCE_TEAM, &d->teams);
    if (r == 0 && fields & 1ull << FIELD_SITE)
        r = versions_new(d->view.dictionary, d->view.reference, REFERENCE_SITE, &d->sites);
    if (r < 0)
        return r;
    switch (name->kind) {
    case DIMENSION_ATTRIBUTE:
        return dimension_number_attribute(d, d->teams ? d->teams : d->sites, name->attribute);
    case DIMENSION_TIER:
        /* The event's numbers, and behind each row of a team the number that its tier has there. */
        d->n_ids = (uint32_t)(name->high - name->low) + 2;
        d->id_of_place = calloc(versions_count(d->teams), sizeof(*d->id_of_place));
        if (!d->id_of_place)
            return -ENOMEM;
        for (uint32_t i = 1; i < versions_count(d->teams); i++) {
            int64_t tier = versions_row(d->teams, i)->numbers[REFERENCE_TEAM_TIER];
            d->id_of_place[i] =
                tier >= name->low && tier <= name->high ? (uint32_t)(tier - name->low + 1) : 0;
        }
        return 0;
    default:
        break;
    }
    d->n_ids = name->n_values + 1;
    r = classes_init(&d->team_classes, d->teams, name->kind, true);
    if (r == 0)
        r = classes_init(&d->site_classes, d->sites, name->kind, false);
    size_t n_pairs = (size_t)d->team_classes.n * d->site_classes.n;
    if (r < 0 || n_pairs > PAIRS_MAX)
        return r;
    d->pairs = malloc(n_pairs);
    if (!d->pairs)
        return -ENOMEM;
    memset((void *)d->pairs, PAIR_UNKNOWN, n_pairs);
    return 0;
}

int dimension_new(const struct dimension_name *name, const struct dimension_view *view,
                  struct dimension **ret)
{
    struct dimension *d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->name = *name;
    d->view = *view;
    int r = dimension_prepare(d);
    if (r == 0)
        r = dimension_prepare_codes(d);
    if (r < 0) {
        dimension_free(d);
        return r;
    }
    *ret = d;
    return 0;
}

bool dimension_is_timeless(const struct dimension *d)
{
    return versions_are_timeless(d->teams) && versions_are_timeless(d->sites);
}

uint32_t dimension_count(const struct dimension *d)
{
    return d->n_ids;
}

/* A number beyond what the dictionary had when the query started cannot be in its view; were it there all the
 * same, it must not index past a table. */
static inline uint32_t bounded(uint32_t id, uint32_t n)
{
    return id < n ? id : 0;
}

static uint32_t derived_id(const struct dimension *d, uint32_t team, uint32_t site)
{
    const struct reference_row *team_row = team ? versions_row(d->teams, team) : NULL;
    const struct reference_row *site_row = site ? versions_row(d->sites, site) : NULL;
    return d->name.kind == DIMENSION_SUPPORT_MODEL
               ? (uint32_t)derived_support_model(team_row, site_row)
               : (uint32_t)derived_support_region(team_row, site_row, d->view.nearshore);
}

static inline const int64_t *team_instants(const struct rows *rows)
{
    return rows->team_instants ? rows->team_instants : rows->instants;
}

/* By classes. */
static uint32_t pair_id(const struct dimension *d, uint32_t team, uint32_t site)
{
    _Atomic uint8_t *pair = &d->pairs[(size_t)team * d->site_classes.n + site];
    uint8_t id = atomic_load_explicit(pair, memory_order_relaxed);
    if (id == PAIR_UNKNOWN) {
        id = (uint8_t)derived_id(d, d->team_classes.places[team], d->site_classes.places[site]);
        atomic_store_explicit(pair, id, memory_order_relaxed);
    }
    return id;
}

static void dimension_ids_derived(const struct dimension *d, const struct rows *rows,
                                  struct dimension_room *room, uint32_t *ids)
{
    const uint16_t *team_codes = rows->dimensions[FIELD_TEAM], *site_codes = rows->dimensions[FIELD_SITE];
    if (d->by_code) {
        const uint32_t *teams = d->by_code, *sites = d->site_by_code, n_sites = d->site_classes.n;
        const _Atomic uint8_t *pairs = d->pairs;
        const uint32_t n = rows->n;
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t pair = teams[team_codes[i]] + sites[site_codes[i]];
            uint32_t id = atomic_load_explicit(&pairs[pair], memory_order_relaxed);
            if (id == PAIR_UNKNOWN)
                id = pair_id(d, pair / n_sites, pair % n_sites);
            ids[i] = id;
        }
        return;
    }
    uint32_t *teams = room->places[0], *sites = room->places[1];
    versions_places(d->teams, team_codes, team_instants(rows), rows->n, teams);
    versions_places(d->sites, site_codes, rows->instants, rows->n, sites);
    for (uint32_t i = 0; i < rows->n; i++)
        ids[i] = d->pairs ? pair_id(d, d->team_classes.of_place[teams[i]], d->site_classes.of_place[sites[i]])
                          : derived_id(d, teams[i], sites[i]);
}

static void dimension_ids_attribute(const struct dimension *d, const struct rows *rows,
                                    struct dimension_room *room, uint32_t *ids)
{
    const struct versions *versions = d->teams ? d->teams : d->sites;
    const uint16_t *codes = rows->dimensions[d->teams ? FIELD_TEAM : FIELD_SITE];
    if (d->by_code) {
        for (uint32_t i = 0; i < rows->n; i++)
            ids[i] = d->by_code[codes[i]];
        return;
    }
    uint32_t *places = room->places[0];
    versions_places(versions, codes, d->teams ? team_instants(rows) : rows->instants, rows->n, places);
    for (uint32_t i = 0; i < rows->n; i++)
        ids[i] = d->id_of_place[places[i]];
}

static void dimension_ids_box(const struct rows *rows, uint32_t *ids)
{
    const int64_t *score = rows->values[FACT_ANSWER_SCORE], *min = rows->values[FACT_ANSWER_MIN],
                  *max = rows->values[FACT_ANSWER_MAX];
    for (uint32_t i = 0; i < rows->n; i++)
        ids[i] = score[i] == FACT_NULL                       ? BOX_NONE
                 : score_is_top(score[i], min[i], max[i])    ? BOX_TOP
                 : score_is_bottom(score[i], min[i], max[i]) ? BOX_BOTTOM
                                                             : BOX_MIDDLE;
}

void dimension_ids(const struct dimension *d, const struct rows *rows, struct dimension_room *room,
                   uint32_t *ids)
{
    const uint32_t n = rows->n, n_ids = d->n_ids;
    switch (d->name.kind) {
    case DIMENSION_EVENT: {
        const uint16_t *codes = rows->dimensions[d->name.field];
        for (uint32_t i = 0; i < n; i++)
            ids[i] = bounded(codes[i], n_ids);
        break;
    }
    case DIMENSION_COLUMN: {
        const int64_t *numbers = rows->values[d->name.columns[rows->table]];
        for (uint32_t i = 0; i < n; i++)
            ids[i] = numbers[i] > 0 && numbers[i] < n_ids ? (uint32_t)numbers[i] : 0;
        break;
    }
    case DIMENSION_BOX:
        dimension_ids_box(rows, ids);
        break;
    case DIMENSION_ATTRIBUTE:
        dimension_ids_attribute(d, rows, room, ids);
        break;
    case DIMENSION_TIER: {
        const uint16_t *codes = rows->dimensions[FIELD_TIER];
        uint32_t *places = room->places[0];
        versions_places(d->teams, rows->dimensions[FIELD_TEAM], team_instants(rows), n, places);
        for (uint32_t i = 0; i < n; i++)
            ids[i] = codes[i] ? bounded(codes[i], n_ids) : d->id_of_place[places[i]];
        break;
    }
    case DIMENSION_SUPPORT_MODEL:
    case DIMENSION_SUPPORT_REGION:
        dimension_ids_derived(d, rows, room, ids);
        break;
    }
}

int dimension_code_field(const struct dimension *d)
{
    if (d->name.kind == DIMENSION_EVENT)
        return d->name.field;
    return d->name.kind == DIMENSION_ATTRIBUTE && d->by_code ? d->teams ? FIELD_TEAM : FIELD_SITE : -1;
}

uint32_t dimension_code_id(const struct dimension *d, uint16_t code)
{
    return d->by_code ? d->by_code[code] : bounded(code, d->n_ids);
}

uint32_t dimension_codes(const struct dimension *d)
{
    uint32_t n = d->n_ids;
    if (d->by_code)
        (void)versions_by_code(d->teams ? d->teams : d->sites, &n);
    return n;
}

struct dimension_value dimension_value(const struct dimension *d, uint32_t id)
{
    const struct dimension_name *name = &d->name;
    struct dimension_value v = {.type = VALUE_IS_NULL};
    if (id == 0 || id >= d->n_ids)
        return v;
    if (d->values)
        return d->values[id];
    if (name->is_number)
        return (struct dimension_value){.type = VALUE_IS_NUMBER, .number = name->low + (int64_t)id - 1};
    v.text = name->values ? name->values[id - 1] : dictionary_string(d->view.dictionary, name->field, id);
    v.type = v.text ? VALUE_IS_TEXT : VALUE_IS_NULL;
    return v;
}
