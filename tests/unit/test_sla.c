/* SLA cycles: the worked cases of the catalogue and the ties between them, in every order of the events. */
#include "core/fold/sla.h"

#include "core/fold/policy.h"
#include "tests/unit/notation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_BYTES_MAX (1 << 16)

struct case_of {
    const char *name;
    const char *events;
    const char *rows; /* of sla_cycle */
};

/* Numbers are those of the worked cases; letters tell cases apart that they leave open. The tenant's calendar
 * is Monday to Friday 09:00-17:00 UTC; the site "ward" never closes, and "wrong" names a calendar that there
 * is not. */
static const struct case_of CASES[] = {
    /* met and breached */
    {"66 met at the target exactly", "10:00 c sla:FRT:1800:w; 10:30 >",
     "sla_cycle FRT #0 met 10:00 to 10:30: 1800 of 1800\n"},
    {"66 a millisecond over", "10:00 c sla:FRT:1800:w; 10:30:00.001 >",
     "sla_cycle FRT #0 breached 10:00 to 10:30:00.001: 1800.001 of 1800 breach 10:30\n"},
    {"67 breached before, answered after", "10:00 c sla:FRT:3600:w; 12:00 >",
     "sla_cycle FRT #0 breached 10:00 to 12:00: 7200 of 3600 breach 11:00\n"},
    {"68 severity changed after the breach",
     "10:00 c sla:FRT:1800:w; 10:45 u{severity=3} sla:FRT:14400:w; 11:00 >",
     "sla_cycle FRT #0 breached 10:00 to 11:00: 3600 of 1800 breach 10:30\n"},
    {"68a dimensions until the breach",
     "10:00 c{severity=1} sla:FRT:1800:w; 10:30 u{severity=2}; 10:30:00.001 "
     "u{severity=3}; 11:00 >{severity=4}",
     "sla_cycle FRT #0 breached 10:00 to 11:00: 3600 of 1800 breach 10:30 {severity=2}\n"},
    {"68b those of what ends it", "10:00 c{severity=1} sla:FRT:1800:w; 10:30 >{severity=2} u{severity=1}~1",
     "sla_cycle FRT #0 met 10:00 to 10:30: 1800 of 1800 {severity=2}\n"},
    {"69 replaced while pending",
     "10:00 c O sla:RWT:7200:w; 11:00 P; 11:30 sla:RWT:10800:w; 13:00 O; 14:00 S",
     "sla_cycle RWT #0 met 10:00 to 14:00: 7200 of 10800\n"},
    {"69a the second target met exactly",
     "10:00 c sla:RWT:7200:w; 11:00 P; 11:30 sla:RWT:5400:w; 13:00 O; 13:30 S",
     "sla_cycle RWT #0 met 10:00 to 13:30: 5400 of 5400\n"},
    {"69b replaced at the last instant", "10:00 c sla:FRT:1800:w; 10:30 sla:FRT:3600:w; 11:00 >",
     "sla_cycle FRT #0 met 10:00 to 11:00: 3600 of 3600\n"},
    {"69c too late by a millisecond", "10:00 c sla:FRT:1800:w; 10:30:00.001 sla:FRT:3600:w; 11:00 >",
     "sla_cycle FRT #0 breached 10:00 to 11:00: 3600 of 1800 breach 10:30\n"},
    {"70 running", "10:00 c sla:FRT:3600:w",
     "sla_cycle FRT #0 running 10:00 to -: 0 of 3600 since 10:00 risk 10:45 breach 11:00\n"},
    {"70a at the target nothing is proven", "10:00 c sla:FRT:3600:w; 11:00 u",
     "sla_cycle FRT #0 running 10:00 to -: 0 of 3600 since 10:00 risk 10:45 breach 11:00\n"},
    {"70b any later event proves it", "10:00 c sla:FRT:3600:w; 11:00:00.001 q:5/1-5",
     "sla_cycle FRT #0 breached 10:00 to -: 0 of 3600 since 10:00 breach 11:00\n"},
    {"70c risk in whole milliseconds", "10:00 c sla:FRT:0.003:w; 10:00 u",
     "sla_cycle FRT #0 running 10:00 to -: 0 of 0.003 since 10:00 risk 10:00:00.002 breach 10:00:00.003\n"},
    {"70d no time at all", "10:00 c sla:FRT:0:w; 10:00 >~9", "sla_cycle FRT #0 met 10:00 to 10:00: 0 of 0\n"},
    {"72 a weekend", "d4 16:00 c sla:FRT:3600:b; d7 09:00 >",
     "sla_cycle FRT #0 met d4 16:00 to d7 09:00: 3600 of 3600 business\n"},
    {"72 a second too late", "d4 16:00 c sla:FRT:3600:b; d7 09:00:01 >",
     "sla_cycle FRT #0 breached d4 16:00 to d7 09:00:01.000: 3601 of 3600 business breach d7 09:00\n"},
    {"72a projected over a weekend", "d4 16:00 c sla:FRT:7200:b",
     "sla_cycle FRT #0 running d4 16:00 to -: 0 of 7200 business since d4 16:00 risk d7 09:30 breach d7 "
     "10:00\n"},
    {"72b breached at the end of a weekend", "d4 16:00 c sla:FRT:3600:b; d7 09:00 u{severity=1}; d8 10:00 u",
     "sla_cycle FRT #0 breached d4 16:00 to -: 0 of 3600 business since d4 16:00 breach d7 09:00 "
     "{severity=1}\n"},
    {"73 a cycle a solve", "10:00 c sla:RWT:3600:w; 10:50 S; d1 10:00 O; d1 10:30 S",
     "sla_cycle RWT #0 met 10:00 to 10:50: 3000 of 3600\n"
     "sla_cycle RWT #1 met d1 10:00 to d1 10:30: 1800 of 3600\n"},

    /* which target */
    {"a before creation", "09:00 sla:FRT:1800:w; 10:00 c; 10:20 >",
     "sla_cycle FRT #0 met 10:00 to 10:20: 1200 of 1800\n"},
    {"b late, from the thing's own start", "10:00 c; 10:20 sla:FRT:1800:w; 10:31 >",
     "sla_cycle FRT #0 breached 10:00 to 10:31: 1860 of 1800 breach 10:30\n"},
    {"c already passed when applied",
     "10:00 c{severity=1}; 10:10 u{severity=2} sla:FRT:300:w; 10:10 u{severity=3}~1 sla:FRT:9000:w~2; 11:00 "
     ">",
     "sla_cycle FRT #0 breached 10:00 to 11:00: 3600 of 300 breach 10:10 {severity=2}\n"},
    {"d passed when applied, while paused", "10:00 c; 11:00 P; 12:00 sla:RWT:1800:w; 13:00 O; 14:00 S",
     "sla_cycle RWT #0 breached 10:00 to 14:00: 7200 of 1800 breach 12:00\n"},
    {"e just reached when applied", "10:00 c; 10:10 sla:FRT:600:w; 10:10 >~9",
     "sla_cycle FRT #0 met 10:00 to 10:10: 600 of 600\n"},
    {"f nothing left to measure", "10:00 c; 10:10 >; 10:20 sla:FRT:1800:w", ""},
    {"g messages rank before targets", "10:00 c >; 10:00 sla:FRT:1800:w", ""},
    {"h the policy and clock of the last", "10:00 c sla:FRT:1800:w:gold; 10:10 sla:FRT:3600:b:iron; 10:20 >",
     "sla_cycle FRT #0 met 10:00 to 10:20: 1200 of 3600 business by iron\n"},
    {"i the new clock measures all of it", "08:00 c sla:FRT:7200:w; 09:30 sla:FRT:3600:b; 10:30 >",
     "sla_cycle FRT #0 breached 08:00 to 10:30: 5400 of 3600 business breach 10:00\n"},
    {"j frozen by the breach", "10:00 c sla:FRT:1800:w:gold; 11:00 sla:FRT:3600:b:iron sla-:FRT; 12:00 >",
     "sla_cycle FRT #0 breached 10:00 to 12:00: 7200 of 1800 by gold breach 10:30\n"},
    {"k what comes after the breach holds for the next",
     "10:00 c sla:RWT:1800:w:gold; 11:00 sla:RWT:3600:w:iron; 12:00 S; 13:00 O; 13:30 S",
     "sla_cycle RWT #0 breached 10:00 to 12:00: 7200 of 1800 by gold breach 10:30\n"
     "sla_cycle RWT #1 met 13:00 to 13:30: 1800 of 3600 by iron\n"},
    {"l each metric its own",
     "10:00 c sla:FRT:600:w sla:RWT:7200:w sla:SWT:3600:w; 10:30 P; 10:40 > H; 10:50 S",
     "sla_cycle FRT #0 breached 10:00 to 10:40: 2400 of 600 breach 10:10\n"
     "sla_cycle RWT #0 met 10:00 to 10:50: 2400 of 7200\n"
     "sla_cycle SWT #0 met 10:00 to 10:50: 1800 of 3600\n"},

    /* cancelled */
    {"n cancelled", "10:00 c sla:FRT:1800:w; 10:10 sla-:FRT; 10:20 >",
     "sla_cycle FRT #0 ended 10:00 to 10:10: 600 of 1800\n"},
    {"o at the target it is not breached", "10:00 c sla:FRT:1800:w; 10:30 sla-:FRT; 10:40 >",
     "sla_cycle FRT #0 ended 10:00 to 10:30: 1800 of 1800\n"},
    {"p too late", "10:00 c sla:FRT:1800:w; 10:30:00.001 sla-:FRT; 10:40 >",
     "sla_cycle FRT #0 breached 10:00 to 10:40: 2400 of 1800 breach 10:30\n"},
    {"q applied again", "10:00 c sla:FRT:1800:w; 10:10 sla-:FRT; 10:20 sla:FRT:1800:w; 10:30 >",
     "sla_cycle FRT #0 ended 10:00 to 10:10: 600 of 1800\n"
     "sla_cycle FRT #1 met 10:00 to 10:30: 1800 of 1800\n"},
    {"r for later things too", "10:00 c sla:RWT:3600:w; 10:10 S; 10:20 sla-:RWT; 11:00 O; 13:00 S",
     "sla_cycle RWT #0 met 10:00 to 10:10: 600 of 3600\n"},
    {"s another metric's", "10:00 c sla:FRT:1800:w; 10:10 sla-:NRT; 10:20 >",
     "sla_cycle FRT #0 met 10:00 to 10:20: 1200 of 1800\n"},

    /* first response */
    {"u opened by the agent", "10:00 c! sla:FRT:1800:w; 10:01 >; 11:00 <; 11:20 >",
     "sla_cycle FRT #0 met 11:00 to 11:20: 1200 of 1800\n"},
    {"v no answer wanted", "10:00 c! sla:FRT:1800:w; 10:01 >; 12:00 S", ""},
    {"w left unanswered", "10:00 c sla:FRT:1800:w; 10:20 S; d3 10:00 < O; d3 10:10 >",
     "sla_cycle FRT #0 ended 10:00 to 10:20: 1200 of 1800\n"},
    {"x unanswered and breached", "10:00 c sla:FRT:1800:w; 10:40 S; d3 10:00 < O; d3 10:10 >",
     "sla_cycle FRT #0 breached 10:00 to 10:40: 2400 of 1800 breach 10:30\n"},
    {"y only a bot had solved", "10:00 c < sla:FRT:1800:w; 10:01 S-; d3 10:00 < O; d3 10:10 >",
     "sla_cycle FRT #0 ended 10:00 to 10:01: 60 of 1800\n"
     "sla_cycle FRT #1 met d3 10:00 to d3 10:10: 600 of 1800\n"},
    {"z a bot's solve that was breached", "10:00 c < sla:FRT:1800:w; 11:00 S-; d3 10:00 < O; d3 11:00 >",
     "sla_cycle FRT #0 breached 10:00 to 11:00: 3600 of 1800 breach 10:30\n"
     "sla_cycle FRT #1 breached d3 10:00 to d3 11:00: 3600 of 1800 breach d3 10:30\n"},
    {"A begun while done, given up at a restart",
     "10:00 c! sla:FRT:1800:w; 10:10 S-; 11:00 <; 11:10 O; 11:20 >",
     "sla_cycle FRT #0 ended 11:00 to 11:10: 600 of 1800\n"
     "sla_cycle FRT #1 met 11:10 to 11:20: 600 of 1800\n"},
    {"B applied after the solve: for a restart only",
     "10:00 c <; 10:10 S-; 10:20 sla:FRT:1800:w; 11:00 O; 11:20 >",
     "sla_cycle FRT #0 met 11:00 to 11:20: 1200 of 1800\n"},
    {"C answered and solved at one instant", "10:00 c sla:FRT:1800:w; 10:20 > S",
     "sla_cycle FRT #0 met 10:00 to 10:20: 1200 of 1800\n"},
    {"D automated and internal messages answer nothing",
     "10:00 c sla:FRT:1800:w; 10:05 >-; 10:10 >. >!; 10:20 >",
     "sla_cycle FRT #0 met 10:00 to 10:20: 1200 of 1800\n"},

    /* next response */
    {"E a cycle a run", "10:00 c sla:NRT:1800:w; 10:10 >; 11:00 <; 11:10 <; 11:20 >; 12:00 <; 12:40 >",
     "sla_cycle NRT #0 met 11:00 to 11:20: 1200 of 1800\n"
     "sla_cycle NRT #1 breached 12:00 to 12:40: 2400 of 1800 breach 12:30\n"},
    {"F left by a solve, begun by a reopening",
     "10:00 c sla:NRT:1800:w; 10:10 >; 11:00 <; 11:20 S; 12:00 <; 12:10 O; 12:20 >",
     "sla_cycle NRT #0 ended 11:00 to 11:20: 1200 of 1800\n"
     "sla_cycle NRT #1 met 12:10 to 12:20: 600 of 1800\n"},
    {"G applied in the middle of a run", "10:00 c; 10:10 >; 11:00 <; 11:20 sla:NRT:1800:w; 11:30 >",
     "sla_cycle NRT #0 met 11:00 to 11:30: 1800 of 1800\n"},
    {"H runs on inferred tickets",
     "10:00 O; 10:05 sla:NRT:1800:w sla:RWT:60:w sla:TTA:60:w sla:FRT:60:w sla:FRS:60:w;"
     "10:10 >; 11:00 <; 11:20 >; 12:00 S; 13:00 O; 14:00 S",
     "sla_cycle NRT #0 met 11:00 to 11:20: 1200 of 1800 inferred\n"},

    /* acknowledgement and first resolution */
    {"I acknowledged", "10:00 c @A/r sla:TTA:1800:w; 10:20 O; 10:50 >",
     "sla_cycle TTA #0 met 10:00 to 10:20: 1200 of 1800 {team=A}\n"},
    {"J acknowledged by the solve itself", "10:00 c sla:TTA:1800:w; 10:20 S",
     "sla_cycle TTA #0 met 10:00 to 10:20: 1200 of 1800\n"},
    {"K a bot's solve acknowledges nothing", "10:00 c sla:TTA:1800:w; 10:20 S-; 11:00 O",
     "sla_cycle TTA #0 ended 10:00 to 10:20: 1200 of 1800\n"},
    {"L the first solve alone", "10:00 c sla:FRS:3600:w; 10:30 P; 11:30 S; 12:00 O; 15:00 S",
     "sla_cycle FRS #0 breached 10:00 to 11:30: 5400 of 3600 breach 11:00\n"},

    /* waits and pauses */
    {"M paused for good so far", "10:00 c sla:RWT:3600:w; 10:50 P; 15:00 u",
     "sla_cycle RWT #0 running 10:00 to -: 3000 of 3600 risk 10:45\n"},
    {"N paused before the risk", "10:00 c sla:RWT:3600:w; 10:30 P; 15:00 u",
     "sla_cycle RWT #0 running 10:00 to -: 1800 of 3600\n"},
    {"O paused at the target", "10:00 c sla:RWT:3600:w; 11:00 P; 15:00 u; 16:00 S",
     "sla_cycle RWT #0 met 10:00 to 16:00: 3600 of 3600\n"},
    {"P resumed at the target", "10:00 c sla:RWT:3600:w; 11:00 P; 15:00 O; 16:00 S",
     "sla_cycle RWT #0 breached 10:00 to 16:00: 7200 of 3600 breach 15:00\n"},
    {"Q runs again", "10:00 c sla:RWT:3600:w; 10:30 P; 11:00 O",
     "sla_cycle RWT #0 running 10:00 to -: 1800 of 3600 since 11:00 risk 11:15 breach 11:30\n"},
    {"R the risk lies before a pause", "10:00 c sla:SWT:3600:w; 10:50 H; 11:00 O; 11:01 u",
     "sla_cycle SWT #0 running 10:00 to -: 3000 of 3600 since 11:00 risk 10:45 breach 11:10\n"},
    {"S the risk of a later target begins with it", "10:00 c sla:FRT:36000:w; 10:50 sla:FRT:3600:w",
     "sla_cycle FRT #0 running 10:00 to -: 0 of 3600 since 10:00 risk 10:50 breach 11:00\n"},
    {"T hold pauses support alone", "10:00 c sla:RWT:3600:w sla:SWT:3600:w; 10:30 H; 11:30 O; 11:45 S",
     "sla_cycle RWT #0 breached 10:00 to 11:45: 6300 of 3600 breach 11:00\n"
     "sla_cycle SWT #0 met 10:00 to 11:45: 2700 of 3600\n"},
    {"U reopened into pending", "10:00 c sla:RWT:3600:w; 10:10 S; 11:00 P; 15:00 O; 15:30 S",
     "sla_cycle RWT #0 met 10:00 to 10:10: 600 of 3600\n"
     "sla_cycle RWT #1 met 11:00 to 15:30: 1800 of 3600\n"},
    {"U1 each its own pauses",
     "10:00 c sla:RWT:2400:w; 10:10 P; 10:20 O; 10:30 S; 11:00 O; 11:20 P; 11:30 O; 11:51 S",
     "sla_cycle RWT #0 met 10:00 to 10:30: 1200 of 2400\n"
     "sla_cycle RWT #1 breached 11:00 to 11:51: 2460 of 2400 breach 11:50\n"},
    {"V solved to closed is nothing", "10:00 c sla:RWT:3600:w; 10:10 S; 11:00 C; 12:00 S",
     "sla_cycle RWT #0 met 10:00 to 10:10: 600 of 3600\n"},

    /* clocks */
    {"W a named calendar", "20:00 c{site=ward} sla:FRT:3600:b:-:office; d1 09:30 >",
     "sla_cycle FRT #0 met 20:00 to d1 09:30: 1800 of 3600 business office {site=ward}\n"},
    {"X the site's calendar", "20:00 c{site=ward} sla:FRT:3600:b; 21:30 >",
     "sla_cycle FRT #0 breached 20:00 to 21:30: 5400 of 3600 business breach 21:00 {site=ward}\n"},
    {"Y the site changes", "16:30 c{site=ward} sla:FRT:3600:b; 16:45 u{site=}; d1 09:15 >",
     "sla_cycle FRT #0 met 16:30 to d1 09:15: 2700 of 3600 business\n"},
    {"Z from the new site on", "16:30 c sla:FRT:3600:b; 18:00 u{site=ward}",
     "sla_cycle FRT #0 running 16:30 to -: 1800 of 3600 business since 18:00 risk 18:15 breach 18:30 "
     "{site=ward}\n"},
    {"Z1 there and back at one instant", "10:00 c sla:FRT:3600:b; 10:10 u{site=ward}~1 u{site=}~2",
     "sla_cycle FRT #0 running 10:00 to -: 0 of 3600 business since 10:00 risk 10:45 breach 11:00\n"},
    {"a1 a calendar that there is not", "10:00 c sla:FRT:3600:b:-:nothing; 10:10 >",
     "sla_cycle FRT #0 unmeasured 10:00 to 10:10: - of 3600 business nothing\n"},
    {"b1 so also while it runs", "10:00 c sla:FRT:3600:b:-:nothing",
     "sla_cycle FRT #0 unmeasured 10:00 to -: 0 of 3600 business nothing since 10:00\n"},
    {"c1 a part without a calendar", "10:00 c sla:FRT:3600:b; 10:10 u{site=wrong}; 10:20 u{site=}; 10:30 >",
     "sla_cycle FRT #0 unmeasured 10:00 to 10:30: - of 3600 business\n"},
    {"d1 no time in it", "10:00 c sla:FRT:3600:b; 10:10 u{site=wrong}~1 u{site=}~2; 10:30 >",
     "sla_cycle FRT #0 met 10:00 to 10:30: 1800 of 3600 business\n"},
    {"e1 breached before that part", "10:00 c sla:FRT:300:b; 10:10 u{site=wrong}; 10:30 >",
     "sla_cycle FRT #0 breached 10:00 to 10:30: - of 300 business breach 10:05\n"},
    {"f1 a target applied after that part",
     "10:00 c{site=wrong}; 10:10 u{site=}; 10:20 sla:FRT:60:b; 10:21 u; 10:22 >",
     "sla_cycle FRT #0 unmeasured 10:00 to 10:22: - of 60 business\n"},
    {"f2 nor is it breached before it is applied",
     "10:00 c; 10:10 u{site=wrong}; 10:15 u{site=}; 10:20 sla:FRT:300:b; 10:21 u; 10:22 >",
     "sla_cycle FRT #0 unmeasured 10:00 to 10:22: - of 300 business\n"},
    {"g1 a wall clock makes it known", "10:00 c{site=wrong} sla:FRT:60:b; 10:10 sla:FRT:1800:w; 10:22 >",
     "sla_cycle FRT #0 met 10:00 to 10:22: 1320 of 1800 {site=wrong}\n"},
    {"h1 pauses on the business clock", "d4 16:00 c sla:RWT:7200:b; d4 16:30 P; d7 09:30 O; d7 11:00 S",
     "sla_cycle RWT #0 met d4 16:00 to d7 11:00: 7200 of 7200 business\n"},
    {"i1 another clock after pauses",
     "d4 16:00 c sla:RWT:7200:w; d4 16:30 P; d7 08:00 O; d7 08:30 sla:RWT:7200:b; d7 10:31 S",
     "sla_cycle RWT #0 breached d4 16:00 to d7 10:31: 7260 of 7200 business breach d7 10:30\n"},

    /* tickets */
    {"j1 no ticket yet", "10:00 sla:FRT:1800:w", ""},
    {"k1 excluded with its ticket", "10:00 c sla:FRT:1800:w; 10:10 >; 10:20 x:spam",
     "sla_cycle FRT #0 met 10:00 to 10:10: 600 of 1800 spam\n"},
    {"l1 nothing ends it but its own end", "10:00 c sla:FRT:1800:w; 10:10 x:merged; 10:20 x:restored",
     "sla_cycle FRT #0 running 10:00 to -: 0 of 1800 since 10:00 risk 10:22:30.000 breach 10:30\n"},
};

/* Policies for tickets without sla.* events of the metric. */
static const struct case_of POLICY_CASES[] = {
    {"at creation", "10:00 c{severity=1}; 10:20 >",
     "sla_cycle FRT #0 met 10:00 to 10:20: 1200 of 1800 by urgent {severity=1}\n"},
    {"the first that matches", "10:00 c{severity=1,vendor=acme}; 10:20 >",
     "sla_cycle FRT #0 breached 10:00 to 10:20: 1200 of 600 by acme breach 10:10 {vendor=acme,severity=1}\n"},
    {"all conditions", "10:00 c{vendor=acme}; 10:20 >",
     "sla_cycle FRT #0 met 10:00 to 10:20: 1200 of 14400 business office by rest {vendor=acme}\n"},
    {"one of the values", "10:00 c{severity=2}; 10:20 >",
     "sla_cycle FRT #0 met 10:00 to 10:20: 1200 of 1800 by urgent {severity=2}\n"},
    {"a change keeps what has elapsed", "10:00 c{severity=3}; 10:20 u{severity=2}; 10:31 >",
     "sla_cycle FRT #0 breached 10:00 to 10:31: 1860 of 1800 by urgent breach 10:30 {severity=2}\n"},
    {"a breach stays", "10:00 c{severity=2}; 10:40 u{severity=3}; 10:50 >",
     "sla_cycle FRT #0 breached 10:00 to 10:50: 3000 of 1800 by urgent breach 10:30 {severity=2}\n"},
    {"the new target had passed", "10:00 c; 11:00 u{severity=1}; 11:10 >",
     "sla_cycle FRT #0 breached 10:00 to 11:10: 4200 of 1800 by urgent breach 11:00 {severity=1}\n"},
    {"nothing matches any more", "10:00 c{channel=phone} <; 10:10 >; 10:15 u{channel=web}; 10:20 S",
     "sla_cycle FRT #0 met 10:00 to 10:10: 600 of 14400 business office by rest {channel=phone}\n"
     "sla_cycle FRS #0 ended 10:00 to 10:15: 900 of 3600 by calls {channel=web}\n"},
    {"what did not change the dimensions", "10:00 c{channel=phone} >; 10:15 u{channel=phone}; 10:20 S",
     "sla_cycle FRT #0 met 10:00 to 10:00: 0 of 14400 business office by rest {channel=phone}\n"
     "sla_cycle FRS #0 met 10:00 to 10:20: 1200 of 3600 by calls {channel=phone}\n"},
    {"one that still matches is not applied anew", "10:00 c{severity=1}; 10:25 u{category=x}",
     "sla_cycle FRT #0 running 10:00 to -: 0 of 1800 by urgent since 10:00 risk 10:22:30.000 breach 10:30 "
     "{severity=1,category=x}\n"},
    {"events of the metric instead",
     "10:00 c{severity=1,channel=phone}; 12:00 sla:FRT:3600:w:theirs; 12:30 > S",
     "sla_cycle FRT #0 breached 10:00 to 12:30: 9000 of 3600 by theirs breach 12:00 "
     "{channel=phone,severity=1}\n"
     "sla_cycle FRS #0 breached 10:00 to 12:30: 9000 of 3600 by calls breach 11:00 "
     "{channel=phone,severity=1}\n"},
    {"a cancellation alone is one too", "10:00 c{severity=1}; 12:00 sla-:FRT; 12:30 >", ""},
    {"not before it is made", "09:00 u{severity=1}; 09:10 >; 10:00 c{severity=3}; 10:20 >", ""},
    {"with what came before it was made", "09:00 u{severity=1}; 10:00 c; 10:20 >",
     "sla_cycle FRT #0 met 10:00 to 10:20: 1200 of 1800 by urgent {severity=1}\n"},
    {"after all of the event", "10:00 c >; 10:20 S{channel=phone}; 11:00 O",
     "sla_cycle FRT #0 met 10:00 to 10:00: 0 of 14400 business office by rest\n"},
    {"the dimensions of a reopening", "10:00 c > S~1; 11:00 O{category=wait}; 12:00 S",
     "sla_cycle FRT #0 met 10:00 to 10:00: 0 of 14400 business office by rest\n"
     "sla_cycle RWT #0 met 11:00 to 12:00: 3600 of 7200 by waits {category=wait}\n"},
    {"none on inferred tickets", "10:00 O{severity=1}; 10:10 >", ""},
};

/* --- the world
 * ----------------------------------------------------------------------------------------------- */

struct world {
    struct fold *fold;
    struct reference *reference;
    struct policy *policies;
    size_t n_policies;
};

static void add_calendar(struct reference *r, const char *name, const char *hours)
{
    json_t *d = json_pack("{s:s, s:s}", "zone", "UTC", "hours", hours);
    struct calendar *c;
    assert_int_equal(calendar_new(d, &c, NULL), 0);
    json_decref(d);
    assert_int_equal(reference_set_calendar(r, name, INT64_MIN, c, NULL), 0);
    calendar_unref(c);
}

static void add_site(struct reference *r, const char *site, const char *calendar)
{
    const char *values[REFERENCE_ATTRIBUTES_N] = {[REFERENCE_CALENDAR] = calendar};
    assert_int_equal(reference_set(r, REFERENCE_SITE, site, INT64_MIN, values, NULL), 0);
}

#define VALUES(...)                                                                                          \
    .n_values = sizeof((struct policy_value[]){__VA_ARGS__}) / sizeof(struct policy_value),                  \
    .values = (struct policy_value[])                                                                        \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }

static void make_policies(struct world *w)
{
    const struct policy policies[] = {
        {.name = "acme",
         .metric = METRIC_FIRST_RESPONSE_TIME,
         .target_ms = 600000,
         .clock = CLOCK_WALL,
         .n_conditions = 2,
         .conditions = {{.field = FIELD_VENDOR, VALUES({.text = "acme"})},
                        {.field = FIELD_SEVERITY, VALUES({.text = "1"})}}},
        {.name = "calls",
         .metric = METRIC_FIRST_RESOLUTION_TIME,
         .target_ms = 3600000,
         .clock = CLOCK_WALL,
         .n_conditions = 1,
         .conditions = {{.field = FIELD_CHANNEL, VALUES({.text = "phone"})}}},
        {.name = "urgent",
         .metric = METRIC_FIRST_RESPONSE_TIME,
         .target_ms = 1800000,
         .clock = CLOCK_WALL,
         .n_conditions = 1,
         .conditions = {{.field = FIELD_SEVERITY, VALUES({.text = "1"}, {.text = "2"})}}},
        {.name = "rest",
         .metric = METRIC_FIRST_RESPONSE_TIME,
         .target_ms = 14400000,
         .clock = CLOCK_BUSINESS,
         .calendar = "office"},
        {.name = "waits",
         .metric = METRIC_REQUESTER_WAIT_TIME,
         .target_ms = 7200000,
         .clock = CLOCK_WALL,
         .n_conditions = 1,
         .conditions = {{.field = FIELD_CATEGORY, VALUES({.text = "wait"}, {.text = "other"})}}},
    };
    w->n_policies = sizeof(policies) / sizeof(*policies);
    assert_int_equal(policies_copy(policies, w->n_policies, &w->policies), 0);
}

static int setup(void **state)
{
    static struct world w;
    assert_int_equal(fold_new(&w.fold), 0);
    assert_int_equal(reference_new(NULL, &w.reference), 0);
    add_calendar(w.reference, "office", "mon-fri 09:00-17:00");
    add_calendar(w.reference, "always", "daily 00:00-24:00");
    add_site(w.reference, "ward", "always");
    add_site(w.reference, "wrong", "nothing");
    make_policies(&w);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    fold_free(w->fold);
    reference_unref(w->reference);
    policies_free(w->policies, w->n_policies);
    return 0;
}

/* --- folding
 * ------------------------------------------------------------------------------------------------- */

struct rows {
    struct buffer text;
    const struct dictionary *dictionary;
};

static int add_row(void *context, const struct fact_row *row)
{
    struct rows *rows = context;
    if (row->table == FACT_SLA_CYCLE)
        notation_print(&rows->text, rows->dictionary, row);
    return 0;
}

static void fold_is(const struct world *w, const struct notation *n, bool has_policies, const char *expected)
{
    const struct fold_settings settings = {.calendar = "office",
                                           .policies = has_policies ? w->policies : NULL,
                                           .n_policies = has_policies ? w->n_policies : 0};
    const struct fold_environment environment = {
        .dictionary = n->dictionary, .reference = w->reference, .settings = &settings};
    const struct fold_subject subject = {.number = 1, .namespace = 1};
    struct rows rows = {.dictionary = n->dictionary};
    buffer_init(&rows.text, TEXT_BYTES_MAX);
    assert_int_equal(fold_run(w->fold, &environment, &subject, (const struct event *const *)n->events, n->n,
                              FACT_TABLES_ALL, add_row, &rows),
                     0);
    buffer_append(&rows.text, "", 1);
    assert_string_equal((const char *)rows.text.data, expected);
    buffer_fini(&rows.text);
}

/* As written, and from each event on: every one comes first and last once. */
static void case_is(const struct world *w, const struct case_of *c, bool has_policies)
{
    struct notation n;
    print_message("# %s\n", c->name);
    notation_init(&n, c->events);
    if (has_policies)
        assert_int_equal(policies_intern(w->policies, w->n_policies, n.dictionary), 0);
    for (size_t turn = 0; turn < n.n; turn++) {
        fold_is(w, &n, has_policies, c->rows);
        struct event *first = n.events[0];
        memmove(n.events, n.events + 1, (n.n - 1) * sizeof(*n.events));
        n.events[n.n - 1] = first;
    }
    for (size_t i = 0; i < n.n / 2; i++) {
        struct event *e = n.events[i];
        n.events[i] = n.events[n.n - 1 - i];
        n.events[n.n - 1 - i] = e;
    }
    fold_is(w, &n, has_policies, c->rows);
    notation_fini(&n);
}

static void test_cycles(void **state)
{
    for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++)
        case_is(*state, &CASES[i], false);
}

static void test_policies(void **state)
{
    for (size_t i = 0; i < sizeof(POLICY_CASES) / sizeof(*POLICY_CASES); i++)
        case_is(*state, &POLICY_CASES[i], true);
}

/* A tenant without any calendar measures on the wall alone. */
static void test_no_calendars(void **state)
{
    const struct world *w = *state;
    struct world bare = *w;
    assert_int_equal(reference_new(NULL, &bare.reference), 0);
    case_is(&bare,
            &(struct case_of){"without calendars", "10:00 c sla:FRT:60:b sla:RWT:1800:w; 10:10 > S",
                              "sla_cycle FRT #0 unmeasured 10:00 to 10:10: - of 60 business\n"
                              "sla_cycle RWT #0 met 10:00 to 10:10: 600 of 1800\n"},
            false);
    reference_unref(bare.reference);
}

/* A source that changes target, clock and class in turns as often as a ticket may have events. */
static void test_largest_ticket(void **state)
{
    const struct world *w = *state;
    static struct event *events[EVENT_TICKET_MAX];
    struct dictionary *dictionary;
    uint32_t calendars[2];
    assert_int_equal(dictionary_new(&dictionary), 0);
    assert_int_equal(dictionary_intern(dictionary, FIELD_CALENDAR, "office", 6, &calendars[0], NULL), 0);
    assert_int_equal(dictionary_intern(dictionary, FIELD_CALENDAR, "always", 6, &calendars[1], NULL), 0);
    for (unsigned i = 0; i < EVENT_TICKET_MAX; i++) {
        struct event *e = events[i] = calloc(1, event_size(4));
        assert_non_null(e);
        *e = (struct event){.at = INT64_C(1704704400000) + (int64_t)i * 60000, .id = i + 1};
        if (i == 0) {
            e->type = EVENT_TICKET_CREATED;
        } else if (i % 2) {
            e->type = EVENT_SLA_APPLIED;
            e->fields[e->n_fields++] = event_field_pack(FIELD_METRIC, METRIC_REQUESTER_WAIT_TIME);
            e->fields[e->n_fields++] = event_field_pack(FIELD_TARGET_S, EVENT_DURATION_MAX_S * 1000ll);
            e->fields[e->n_fields++] =
                event_field_pack(FIELD_CLOCK, i % 8 == 1 ? CLOCK_WALL : CLOCK_BUSINESS);
            if (i % 8 > 3)
                e->fields[e->n_fields++] = event_field_pack(FIELD_CALENDAR, calendars[i % 8 == 5]);
        } else {
            e->type = EVENT_TICKET_STATUS;
            e->fields[e->n_fields++] =
                event_field_pack(FIELD_TO, i % 4 ? (int)STATUS_PENDING : (int)STATUS_OPEN);
        }
    }
    const struct fold_settings settings = {.calendar = "office"};
    const struct fold_environment environment = {
        .dictionary = dictionary, .reference = w->reference, .settings = &settings};
    const struct fold_subject subject = {.number = 1, .namespace = 1};
    struct rows rows = {.dictionary = dictionary};
    buffer_init(&rows.text, TEXT_BYTES_MAX);
    assert_int_equal(fold_run(w->fold, &environment, &subject, (const struct event *const *)events,
                              EVENT_TICKET_MAX, FACT_TABLES_ALL, add_row, &rows),
                     0);
    buffer_append(&rows.text, "", 1);
    /* it runs two of four minutes from 09:00 on, so half of the office's three days */
    assert_string_equal((const char *)rows.text.data,
                        "sla_cycle RWT #0 running 09:00 to -: 43200 of 315576000 business office\n");
    buffer_fini(&rows.text);
    for (unsigned i = 0; i < EVENT_TICKET_MAX; i++)
        free(events[i]);
    dictionary_free(dictionary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_no_calendars),
        cmocka_unit_test(test_largest_ticket),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
