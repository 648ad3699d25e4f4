#include "core/base/zone.h"

#include "core/base/nearest.h"
#include "core/base/zone_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZONE_DIRECTORY "/usr/share/zoneinfo"
#define ZONE_INDEX     ZONE_DIRECTORY "/tzdata.zi" /* begins with "# version 2025b" */
#define DAY_MS         86400000

struct zone {
    char name[ZONE_NAME_BYTES + 1];
    size_t n;
    struct zone_transition *transitions;
};

/* Names come from users: no way out of the directory, and none of the files beside the zones. */
static bool name_is_sane(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > ZONE_NAME_BYTES || name[0] == '/' || strstr(name, "..") || strchr(name, '.'))
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
              c == '-' || c == '+' || c == '/'))
            return false;
    }
    return strcmp(name, "localtime") != 0;
}

/* A descriptor of the zone's file, or a negative errno. */
static int file_open(const char *name)
{
    char path[sizeof(ZONE_DIRECTORY) + ZONE_NAME_BYTES + 2];
    struct stat st;
    if (!name_is_sane(name))
        return -ENOENT;
    (void)snprintf(path, sizeof(path), ZONE_DIRECTORY "/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOTDIR ? -ENOENT : -errno;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return -ENOENT;
    }
    return fd;
}

/* Up to size bytes, or a negative errno. Closes fd. */
static ssize_t file_read(int fd, uint8_t *data, size_t size)
{
    size_t n = 0;
    while (n < size) {
        ssize_t r = read(fd, data + n, size - n);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0) {
            r = -errno;
            (void)close(fd);
            return r;
        }
        if (r == 0)
            break;
        n += (size_t)r;
    }
    (void)close(fd);
    return (ssize_t)n;
}

/* The index of all zones and links that tzdata carries: lines "Z NAME …" and "L TARGET NAME". */
static void error_hint_nearest(struct error *err, const char *wrong)
{
    FILE *f = fopen(ZONE_INDEX, "re");
    struct nearest nearest;
    char line[512], best[ZONE_NAME_BYTES + 1] = "", name[ZONE_NAME_BYTES + 1];
    if (!f)
        return;
    nearest_init(&nearest, wrong, strlen(wrong));
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "Z %64s", name) != 1 && sscanf(line, "L %*s %64s", name) != 1)
            continue;
        nearest_offer(&nearest, name);
        /* name is overwritten by the next line; what was nearest so far is kept in best. */
        if (nearest.best == name) {
            memcpy(best, name, sizeof(best));
            nearest.best = best;
        }
    }
    (void)fclose(f);
    if (best[0])
        error_hint(err, "did you mean %s?", best);
    else
        error_hint(err, "zones are named as in the IANA database, e.g. America/Chicago or UTC");
}

int zone_open(const char *name, struct zone **ret, struct error *err)
{
    int fd = file_open(name);
    if (fd == -ENOENT) {
        (void)error_set(err, -ENOENT, "unknown_zone", "no time zone is named '%.64s' on this machine", name);
        error_hint_nearest(err, name);
        return -ENOENT;
    }
    if (fd < 0)
        return error_set(err, fd, "bad_zone", "the rules of time zone %s cannot be read: %s", name,
                         strerror(-fd));
    struct zone *z = calloc(1, sizeof(*z));
    uint8_t *data = malloc(ZONE_FILE_BYTES);
    if (!z || !data) {
        (void)close(fd);
        free(data);
        free(z);
        return error_set(err, -ENOMEM, "no_memory", "no memory for time zone %s", name);
    }
    ssize_t size = file_read(fd, data, ZONE_FILE_BYTES);
    int r =
        size < 0 ? (int)size : zone_file_decode(data, (size_t)size, ZONE_YEAR_MAX, &z->transitions, &z->n);
    free(data);
    if (r < 0) {
        free(z);
        return error_set(err, r, "bad_zone", "the rules of time zone %s cannot be used: %s", name,
                         r == -EBADMSG ? "the file is not compiled tzdata" : strerror(-r));
    }
    (void)snprintf(z->name, sizeof(z->name), "%s", name);
    *ret = z;
    return 0;
}

void zone_close(struct zone *z)
{
    if (!z)
        return;
    free(z->transitions);
    free(z);
}

const char *zone_name(const struct zone *z)
{
    return z->name;
}

char *zone_version(char *room)
{
    FILE *f = fopen(ZONE_INDEX, "re");
    char line[512];
    *room = '\0';
    if (!f)
        return room;
    if (!fgets(line, sizeof(line), f) || sscanf(line, "# version %31s", room) != 1)
        *room = '\0';
    (void)fclose(f);
    return room;
}

bool zone_exists(const char *name)
{
    uint8_t magic[4];
    int fd = file_open(name);
    return fd >= 0 && file_read(fd, magic, sizeof(magic)) == sizeof(magic) && memcmp(magic, "TZif", 4) == 0;
}

/* --- civil time
 * ------------------------------------------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t civil_days(int32_t year, int32_t month, int32_t day)
{
    int64_t months = (int64_t)year * 12 + month - 1;
    /* Years that start in March, so that a leap day is a year's last. */
    int64_t y = floor_div(months - 2, 12), m = months - 2 - y * 12;
    int64_t era = floor_div(y, 400), yoe = y - era * 400;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + (153 * m + 2) / 5 + day - 1 - 719468;
}

bool civil_is_date(int32_t year, int32_t month, int32_t day)
{
    return year >= ZONE_YEAR_MIN && year <= ZONE_YEAR_MAX && month >= 1 && month <= 12 && day >= 1 &&
           day <= civil_days(year, month + 1, 1) - civil_days(year, month, 1);
}

void civil_of_local(int64_t local_ms, struct civil *ret)
{
    int64_t days = floor_div(local_ms, DAY_MS), ms = local_ms - days * DAY_MS;
    int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    *ret = (struct civil){
        .year = (int32_t)(yoe + era * 400 + (mp >= 10)),
        .month = (uint8_t)(mp < 10 ? mp + 3 : mp - 9),
        .day = (uint8_t)(doy - (153 * mp + 2) / 5 + 1),
        .weekday = (uint8_t)(days + 3 - 7 * floor_div(days + 3, 7)),
        .hour = (uint8_t)(ms / 3600000),
        .minute = (uint8_t)(ms / 60000 % 60),
        .second = (uint8_t)(ms / 1000 % 60),
        .ms = (uint16_t)(ms % 1000),
    };
}

/* The transition in force at an instant. */
static size_t zone_index(const struct zone *z, int64_t ms)
{
    int64_t s = floor_div(ms, 1000);
    size_t low = 0, high = z->n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (z->transitions[middle].at_s <= s)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int32_t zone_offset_s(const struct zone *z, int64_t ms)
{
    return z->transitions[zone_index(z, ms)].offset_s;
}

int32_t zone_stretch(const struct zone *z, int64_t ms, int64_t *ret_from, int64_t *ret_to)
{
    size_t i = zone_index(z, ms);
    *ret_from = i == 0 ? INT64_MIN : z->transitions[i].at_s * 1000;
    *ret_to = i + 1 == z->n ? INT64_MAX : z->transitions[i + 1].at_s * 1000;
    return z->transitions[i].offset_s;
}

void zone_civil(const struct zone *z, int64_t ms, struct civil *ret)
{
    int32_t offset_s = zone_offset_s(z, ms);
    civil_of_local(ms + (int64_t)offset_s * 1000, ret);
    ret->offset_s = offset_s;
}

int64_t zone_instant(const struct zone *z, int32_t year, int32_t month, int32_t day, int64_t ms_of_day)
{
    int64_t local = civil_days(year, month, day) * DAY_MS + ms_of_day;
    /* Offsets are less than two days: the answer lies in a piece of constant offset that starts before. */
    for (size_t i = zone_index(z, local - 2 * DAY_MS);; i++) {
        int64_t at = local - (int64_t)z->transitions[i].offset_s * 1000;
        int64_t start = i == 0 ? INT64_MIN : z->transitions[i].at_s * 1000;
        if (at < start)
            at = start;
        if (i + 1 == z->n || at < z->transitions[i + 1].at_s * 1000)
            return at;
    }
}

int64_t zone_floor(const struct zone *z, int64_t ms, enum zone_unit unit, int32_t n)
{
    struct civil c;
    zone_civil(z, ms, &c);
    switch (unit) {
    case ZONE_MONTH:
        return zone_instant(z, c.year, c.month + n, 1, 0);
    case ZONE_WEEK:
        return zone_instant(z, c.year, c.month, c.day - c.weekday + 7 * n, 0);
    case ZONE_DAY:
        break;
    }
    return zone_instant(z, c.year, c.month, c.day + n, 0);
}

char *zone_format(const struct zone *z, int64_t ms, char *room)
{
    struct civil c;
    char fraction[8] = "", offset[8] = "Z";
    zone_civil(z, ms, &c);
    if (c.ms)
        (void)snprintf(fraction, sizeof(fraction), ".%03u", (unsigned)c.ms % 1000);
    if (c.offset_s) {
        /* RFC 3339 has no seconds in an offset; no zone has had any since 1972. */
        unsigned minutes = (unsigned)abs(c.offset_s) / 60 % 6000;
        (void)snprintf(offset, sizeof(offset), "%c%02u:%02u", c.offset_s < 0 ? '-' : '+', minutes / 60,
                       minutes % 60);
    }
    (void)snprintf(room, CIVIL_TEXT_BYTES, "%04d-%02u-%02uT%02u:%02u:%02u%s%s", c.year, c.month, c.day,
                   c.hour, c.minute, c.second, fraction, offset);
    return room;
}
