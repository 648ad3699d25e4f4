#include "tests/bench/batches.h"

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
#include <xxhash.h>

#define EVENT_ROOM 1024 /* for one event more, and the envelope */
#define DAY_MS     86400000ull
#define LATE_DAYS  400

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

/* --- writing ---------------------------------------------------------------------------------------------
 */

struct writer {
    const struct load_plan *plan;
    FILE *file;
    msgpack_sbuffer events, message;
    uint32_t n_events; /* of the batch being filled */
    struct load_counts *counts;
};

/* How large the next batch may be: a source begins with little credit, which doubles while it is used. */
static size_t batch_room(uint64_t n_batches)
{
    size_t room = WIRE_CREDIT_START << (n_batches / 2 < 8 ? n_batches / 2 : 8);

    return (room < WIRE_BATCH_BYTES ? room : WIRE_BATCH_BYTES) - EVENT_ROOM;
}

static bool writer_flush(struct writer *writer)
{
    struct load_counts *counts = writer->counts;
    msgpack_packer packer;
    uint32_t head[2];

    if (writer->n_events == 0)
        return true;
    msgpack_sbuffer_clear(&writer->message);
    msgpack_packer_init(&packer, &writer->message, msgpack_sbuffer_write);
    counts->n_batches++;
    (void)wire_envelope_write(&packer, WIRE_BATCH, counts->n_batches);
    msgpack_pack_map(&packer, 2);
    msgpack_pack_str(&packer, 3);
    msgpack_pack_str_body(&packer, "seq", 3);
    msgpack_pack_uint64(&packer, counts->n_batches);
    msgpack_pack_str(&packer, 6);
    msgpack_pack_str_body(&packer, "events", 6);
    msgpack_pack_array(&packer, writer->n_events);
    msgpack_sbuffer_write(&writer->message, writer->events.data, writer->events.size);
    head[0] = (uint32_t)writer->message.size;
    head[1] = writer->n_events;
    counts->n_events += writer->n_events;
    counts->n_bytes += writer->message.size;
    msgpack_sbuffer_clear(&writer->events);
    writer->n_events = 0;
    return fwrite(head, sizeof(head), 1, writer->file) == 1 &&
           fwrite(writer->message.data, writer->message.size, 1, writer->file) == 1;
}

/* After each event that was put into writer->events. */
static bool writer_added(struct writer *writer)
{
    writer->n_events++;
    if (writer->n_events < writer->plan->batch_events &&
        writer->events.size + EVENT_ROOM <= batch_room(writer->counts->n_batches))
        return true;
    return writer_flush(writer);
}

/* --- another order ---------------------------------------------------------------------------------------
 */

/* Where an event of the sack is, and what it is sorted by. */
struct place {
    uint64_t first, second;
    uint32_t third, size;
    size_t offset;
};

struct sack {
    msgpack_sbuffer events;
    struct place *places;
    size_t n, room;
};

static bool sack_add(struct sack *sack, enum load_order order, const struct world_event *event,
                     uint32_t vendor)
{
    uint64_t ticket = (uint64_t)vendor << 40 | event->story;
    struct place place = {.offset = sack->events.size};

    if (sack->n == sack->room) {
        size_t room = sack->room ? sack->room * 2 : 1 << 16;
        struct place *places = reallocarray(sack->places, room, sizeof(*places));

        if (!places)
            return false;
        sack->places = places;
        sack->room = room;
    }
    pack_event(&sack->events, event);
    place.size = (uint32_t)(sack->events.size - place.offset);
    if (order == LOAD_SORTED) {
        place.first = ticket;
        place.second = (uint64_t)event->at_ms;
        place.third = event->seq;
    } else {
        const uint64_t of[2] = {ticket, event->step};
        uint64_t chance = XXH3_64bits(of, sizeof(of));

        place.first = (uint64_t)event->due_ms;
        if (chance % 100 == 0)
            place.first += (1 + chance / 100 % LATE_DAYS) * DAY_MS;
        place.second = ticket;
        place.third = event->step;
    }
    sack->places[sack->n++] = place;
    return true;
}

static int by_place(const void *left, const void *right)
{
    const struct place *a = left, *b = right;

    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    if (a->second != b->second)
        return a->second < b->second ? -1 : 1;
    return (a->third > b->third) - (a->third < b->third);
}

static bool sack_empty(struct sack *sack, struct writer *writer)
{
    bool ok = true;

    if (sack->n > 0)
        qsort(sack->places, sack->n, sizeof(*sack->places), by_place);
    for (size_t i = 0; i < sack->n && ok; i++) {
        msgpack_sbuffer_write(&writer->events, sack->events.data + sack->places[i].offset,
                              sack->places[i].size);
        ok = writer_added(writer);
    }
    return ok;
}

/* --- making ----------------------------------------------------------------------------------------------
 */

static bool write_all(struct writer *writer, struct streams *streams, uint32_t index)
{
    uint64_t n_tickets = load_tickets(writer->plan), share = load_share(writer->plan, index);
    uint8_t *seen = calloc(LOAD_VENDORS, n_tickets / 8 + 1); /* a bit a ticket */
    struct sack sack = {0};
    bool ok = seen != NULL;

    msgpack_sbuffer_init(&sack.events);
    for (uint64_t n = 0; n < share && ok; n++) {
        uint32_t vendor;
        const struct world_event *event = streams_event(streams, &vendor);
        uint8_t *byte, bit;

        if (!event)
            break;
        byte = &seen[vendor * (n_tickets / 8 + 1) + event->story / 8];
        bit = (uint8_t)(1u << event->story % 8);
        writer->counts->n_tickets += !(*byte & bit);
        *byte |= bit;
        if (writer->plan->order == LOAD_TIME || writer->plan->order == LOAD_DENSE) {
            pack_event(&writer->events, event);
            ok = writer_added(writer);
        } else {
            ok = sack_add(&sack, writer->plan->order, event, vendor);
        }
        ok = ok && streams_step(streams);
    }
    ok = ok && sack_empty(&sack, writer) && writer_flush(writer);
    msgpack_sbuffer_destroy(&sack.events);
    free(sack.places);
    free(seen);
    return ok;
}

bool batches_make(const struct load_plan *plan, uint32_t index, struct load_counts *ret)
{
    struct writer writer = {.plan = plan, .counts = ret};
    struct streams *streams = streams_open(plan, index, true);
    char path[4096];
    bool ok = streams && file_name(path, sizeof(path), plan->folder, index);

    *ret = (struct load_counts){0};
    msgpack_sbuffer_init(&writer.events);
    msgpack_sbuffer_init(&writer.message);
    if (ok) {
        writer.file = fopen(path, "we");
        ok = writer.file && write_all(&writer, streams, index);
        if (writer.file && fclose(writer.file) != 0)
            ok = false;
    }
    msgpack_sbuffer_destroy(&writer.events);
    msgpack_sbuffer_destroy(&writer.message);
    streams_close(streams);
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
