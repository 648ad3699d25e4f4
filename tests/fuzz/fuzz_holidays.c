/* Any bytes as an iCalendar file of holidays: read or refused with a sentence, never a day that a calendar
 * would refuse, never more of them than it may have. */
#include "core/fold/calendar.h"
#include "tools/holidays.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    struct zone *zone;
    struct ics ics;
    if (zone_open("America/New_York", &zone, &err) < 0)
        abort();
    if (ics_open_bytes(&ics, "fuzz.ics", data, size, &err) == 0) {
        json_t *days = json_array();
        if (holidays_read(&ics, zone, days, &err) == 0) {
            struct calendar *calendar;
            json_t *definition = json_pack("{s:s, s:s, s:O}", "zone", zone_name(zone), "hours",
                                           "mon-fri 09:00-17:00", "holidays", days);
            if (calendar_new(definition, &calendar, &err) < 0)
                abort();
            calendar_unref(calendar);
            json_decref(definition);
        } else if (!err.message[0]) {
            abort();
        }
        json_decref(days);
        ics_close(&ics);
    } else if (!err.message[0]) {
        abort();
    }
    zone_close(zone);
    return 0;
}
