#include "tests/bench/batches.h"

#include "plugins/simulator/world.h"
#include "proto/wire.h"
#include "tests/bench/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEAMS         4
#define EVENT_ROOM    1024 /* for one event more, and the envelope */
#define EVENTS_TICKET 5    /* a little less than the profile gives */

static bool failed(const char *what, const char *path)
{
    (void)fprintf(stderr, "bench: cannot %s %s: %s\n", what, path, strerror(errno));
    return false;
}

static bool file_name(char *room, size_t size, const char *folder, uint32_t index)
{
    int n = snprintf(room, size, "%s/client-%u", folder, index);

    return n > 0 && (size_t)n < size;
}

/* --- names: the same in events and tables ----------------------------------------------------------------
 */

static const struct {
    const char *suffix, *outsourcer, *country;
    int tier;
} TEAM_KINDS[TEAMS] = {
    {"desk", "", "US", 1},
    {"manila", "luzon-care", "PH", 1},
    {"experts", "", "US", 2},
    {"merida", "yucatan-support", "MX", 2},
};

struct names {
    char sites[LOAD_SITES][8];
    const char *site_list[LOAD_SITES];
    char teams[LOAD_VENDORS][TEAMS][24];
    const char *team_list[LOAD_VENDORS][TEAMS];
    char vendors[LOAD_VENDORS][8];
    char prefixes[LOAD_VENDORS][8];
};

static void names_make(struct names *names)
{
    for (uint32_t i = 0; i < LOAD_SITES; i++) {
        (void)snprintf(names->sites[i], sizeof(names->sites[i]), "S%03u", i);
        names->site_list[i] = names->sites[i];
    }
    for (uint32_t v = 0; v < LOAD_VENDORS; v++) {
        (void)snprintf(names->vendors[v], sizeof(names->vendors[v]), "v%02u", v);
        (void)snprintf(names->prefixes[v], sizeof(names->prefixes[v]), "V%02u-", v);
        for (int t = 0; t < TEAMS; t++) {
            (void)snprintf(names->teams[v][t], sizeof(names->teams[v][t]), "v%02u-%s", v,
                           TEAM_KINDS[t].suffix);
            names->team_list[v][t] = names->teams[v][t];
        }
    }
}

bool batches_tables(const char *folder)
{
    static const char *const kinds[] = {"hospital", "hospital", "cah", "clinic", "practice"};
    static struct names names;
    char path[4096];
    FILE *file;

    names_make(&names);
    (void)snprintf(path, sizeof(path), "%s/sites.csv", folder);
    file = fopen(path, "we");
    if (!file)
        return failed("write", path);
    (void)fprintf(file, "site,facility_kind,beds,country,org\n");
    for (uint32_t i = 0; i < LOAD_SITES; i++)
        (void)fprintf(file, "%s,%s,%u,US,org-%u\n", names.sites[i], kinds[i % 5], 15 + i * 7919 % 600, i / 4);
    if (fclose(file) != 0)
        return failed("write", path);
    (void)snprintf(path, sizeof(path), "%s/teams.csv", folder);
    file = fopen(path, "we");
    if (!file)
        return failed("write", path);
    (void)fprintf(file, "team,employer,outsourcer,team_country,tier\n");
    for (uint32_t v = 0; v < LOAD_VENDORS; v++)
        for (int t = 0; t < TEAMS; t++)
            (void)fprintf(file, "%s,%s,%s,%s,%d\n", names.teams[v][t],
                          *TEAM_KINDS[t].outsourcer ? TEAM_KINDS[t].outsourcer : names.vendors[v],
                          TEAM_KINDS[t].outsourcer, TEAM_KINDS[t].country, TEAM_KINDS[t].tier);
    return fclose(file) == 0 || failed("write", path);
}

/* --- making ----------------------------------------------------------------------------------------------
 */

/* One vendor's events; those of a client are merged by the time of their delivery. */
struct stream {
    struct world *world;
    struct world_event event;
    uint8_t *seen; /* a bit a ticket */
    bool ended;
};

static bool stream_advance(struct stream *stream)
{
    int rc = world_next(stream->world, &stream->event);

    stream->ended = rc == 0;
    return rc >= 0;
}

static bool stream_open(struct stream *stream, const struct load_plan *plan, const struct names *names,
                        uint32_t vendor)
{
    static const char *const products[] = {"ehr", "pacs", "lab", "pharmacy", "billing"};
    static const char *const channels[] = {"phone", "email", "portal", "chat", "web"};
    const struct world_options options = {
        .seed = plan->seed * LOAD_VENDORS + vendor,
        .from_ms = LOAD_FROM_MS,
        .until_ms = LOAD_FROM_MS + LOAD_DAYS * 86400000ll,
        .n_tickets = plan->n_events / EVENTS_TICKET / LOAD_VENDORS + 1,
        .profile = WORLD_PROFILES[WORLD_N_PROFILES - 1],
        .prefix = names->prefixes[vendor],
        .vendor = names->vendors[vendor],
        .sites = {names->site_list, LOAD_SITES},
        .products = {products, 5},
        .teams = {names->team_list[vendor], TEAMS},
        .channels = {channels, 5},
        .jitter_ms = 120000,
    };

    stream->seen = calloc(options.n_tickets / 8 + 1, 1);
    return stream->seen && world_new(&options, &stream->world) == 0 && stream_advance(stream);
}

static bool batch_write(FILE *file, msgpack_sbuffer *message, const msgpack_sbuffer *events,
                        uint32_t n_events, struct load_counts *counts)
{
    uint64_t seq = ++counts->n_batches;
    uint32_t head[2];
    msgpack_packer packer;

    msgpack_sbuffer_clear(message);
    msgpack_packer_init(&packer, message, msgpack_sbuffer_write);
    (void)wire_envelope_write(&packer, WIRE_BATCH, seq);
    msgpack_pack_map(&packer, 2);
    msgpack_pack_str(&packer, 3);
    msgpack_pack_str_body(&packer, "seq", 3);
    msgpack_pack_uint64(&packer, seq);
    msgpack_pack_str(&packer, 6);
    msgpack_pack_str_body(&packer, "events", 6);
    msgpack_pack_array(&packer, n_events);
    msgpack_sbuffer_write(message, events->data, events->size);
    head[0] = (uint32_t)message->size;
    head[1] = n_events;
    counts->n_events += n_events;
    counts->n_bytes += message->size;
    return fwrite(head, sizeof(head), 1, file) == 1 && fwrite(message->data, message->size, 1, file) == 1;
}

/* How large the next batch may be: a source begins with little credit, which doubles while it is used. */
static size_t batch_room(uint64_t n_batches)
{
    size_t room = WIRE_CREDIT_START << (n_batches / 2 < 8 ? n_batches / 2 : 8);

    return (room < WIRE_BATCH_BYTES ? room : WIRE_BATCH_BYTES) - EVENT_ROOM;
}

static bool write_all(FILE *file, struct stream *streams, uint32_t n_streams, const struct load_plan *plan,
                      uint64_t n_events, struct load_counts *counts)
{
    msgpack_sbuffer events, message;
    uint32_t n_batch = 0;
    bool ok = true;

    msgpack_sbuffer_init(&events);
    msgpack_sbuffer_init(&message);
    for (uint64_t n = 0; n < n_events && ok; n++) {
        struct stream *next = NULL;
        uint64_t story;

        for (uint32_t i = 0; i < n_streams; i++)
            if (!streams[i].ended && (!next || streams[i].event.due_ms < next->event.due_ms))
                next = &streams[i];
        if (!next)
            break;
        story = next->event.story;
        counts->n_tickets += !(next->seen[story / 8] >> story % 8 & 1);
        next->seen[story / 8] |= (uint8_t)(1u << story % 8);
        pack_event(&events, &next->event);
        n_batch++;
        ok = stream_advance(next);
        if (ok &&
            (n_batch == plan->batch_events || events.size + EVENT_ROOM > batch_room(counts->n_batches))) {
            ok = batch_write(file, &message, &events, n_batch, counts);
            msgpack_sbuffer_clear(&events);
            n_batch = 0;
        }
    }
    if (ok && n_batch > 0)
        ok = batch_write(file, &message, &events, n_batch, counts);
    msgpack_sbuffer_destroy(&events);
    msgpack_sbuffer_destroy(&message);
    return ok;
}

bool batches_make(const struct load_plan *plan, uint32_t index, struct load_counts *ret)
{
    uint64_t share = plan->n_events / plan->n_clients + (index < plan->n_events % plan->n_clients);
    struct stream streams[LOAD_VENDORS] = {0};
    struct names *names = calloc(1, sizeof(*names));
    uint32_t n_streams = 0;
    char path[4096];
    FILE *file = NULL;
    bool ok = names && file_name(path, sizeof(path), plan->folder, index);

    *ret = (struct load_counts){0};
    if (ok) {
        names_make(names);
        file = fopen(path, "we");
        ok = file != NULL;
    }
    for (uint32_t vendor = index; ok && vendor < LOAD_VENDORS; vendor += plan->n_clients)
        ok = stream_open(&streams[n_streams++], plan, names, vendor);
    ok = ok && write_all(file, streams, n_streams, plan, share, ret);
    if (file && fclose(file) != 0)
        ok = false;
    for (uint32_t i = 0; i < n_streams; i++) {
        world_free(streams[i].world);
        free(streams[i].seen);
    }
    free(names);
    return ok || failed("make the load in", plan->folder);
}

/* --- sending ---------------------------------------------------------------------------------------------
 */

bool batches_open(const char *folder, uint32_t index, struct batches *ret)
{
    char path[4096];
    struct stat st;
    void *data;
    int fd;

    if (!file_name(path, sizeof(path), folder, index))
        return false;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return failed("open", path);
    data = fstat(fd, &st) == 0 && st.st_size > 0
               ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0)
               : MAP_FAILED;
    close(fd);
    if (data == MAP_FAILED)
        return failed("map", path);
    *ret = (struct batches){.data = data, .size = (size_t)st.st_size};
    return true;
}

void batches_close(struct batches *batches)
{
    if (batches->data)
        munmap(batches->data, batches->size);
    batches->data = NULL;
}

bool batches_next(const struct batches *batches, size_t *place, struct batch *ret)
{
    uint32_t head[2];

    if (batches->size - *place < sizeof(head))
        return false;
    memcpy(head, batches->data + *place, sizeof(head));
    if (batches->size - *place - sizeof(head) < head[0])
        return false;
    *ret = (struct batch){
        .message = batches->data + *place + sizeof(head), .size = head[0], .n_events = head[1]};
    *place += sizeof(head) + head[0];
    return true;
}
