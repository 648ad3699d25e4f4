/* Any bytes as a CSV file to import: read or refused, never outside the file, never a row that the collector
 * would refuse. */
#include "proto/event.h"
#include "tools/import.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_sites(struct csv *csv)
{
    static const char *const MAPS[] = {"kind=facility_kind"},
                             *const VALUES[] = {"kind:h=hospital", "beds:none="},
                             *const SETS[] = {"country=us"};
    const struct import_options options = {REFERENCE_SITE, "site", MAPS, 1, VALUES, 2, SETS, 1};
    struct error err = ERROR_INIT;
    struct import_result result;
    if (import_read(csv, &options, &result, &err) == 0) {
        size_t i;
        const json_t *row;
        json_array_foreach(result.rows, i, row)
        {
            const char *key = json_string_value(json_object_get(row, "key"));
            if (!key || !*key || strlen(key) != json_string_length(json_object_get(row, "key")))
                abort();
        }
    } else if (!err.message[0]) {
        abort();
    }
    import_fini(&result);
}

static void read_codes(struct csv *csv)
{
    struct error err = ERROR_INIT;
    struct import_result result;
    if (import_read_codes(csv, &result, &err) == 0) {
        size_t i;
        const json_t *row;
        json_array_foreach(result.rows, i, row)
        {
            const char *value = json_string_value(json_object_get(row, "value"));
            if (!value || event_code_check(value, strlen(value)) != REJECT_NONE)
                abort();
        }
    } else if (!err.message[0]) {
        abort();
    }
    import_fini(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const READERS[])(struct csv * csv) = {read_sites, read_codes};
    for (size_t i = 0; i < sizeof(READERS) / sizeof(*READERS); i++) {
        struct error err = ERROR_INIT;
        struct csv csv;
        if (csv_open_bytes(&csv, "fuzz.csv", data, size, &err) < 0)
            continue;
        READERS[i](&csv);
        csv_close(&csv);
    }
    return 0;
}
