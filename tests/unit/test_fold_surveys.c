/* The fold on surveys: what was sent, what answered it, and what each response rates and votes. */
#include "tests/unit/fold_bench.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct fold_case CASES[] = {
    {"83 one sending, three questions",
     "10:00 c; 11:00 S; 12:00 sent:csat; 13:00 q:5/1-5:a q:4/1-5:b q:3/1-5:c",
     "ticket solved created 10:00\n"
     "acknowledgement 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 last\n"
     "span 10:00 to 11:00\n"
     "holding 3600 until 11:00\n"
     "rating 13:00 of 11:00 5/1-5 a\n"
     "rating 13:00 of 11:00 4/1-5 b\n"
     "rating 13:00 of 11:00 3/1-5 c survey\n"
     "answer 13:00 #0 of 11:00 5/1-5 a\n"
     "answer 13:00 #1 of 11:00 4/1-5 b\n"
     "answer 13:00 #2 of 11:00 3/1-5 c\n"
     "sending 12:00 csat answered 13:00\n"},
    {"83a the sending before it, not one that another came after",
     "10:00 c; 11:00 q:1/1-5; 12:00 sent:csat; 13:00 sent:csat; 14:00 q:5/1-5; 15:00 sent:csat",
     "ticket new created 10:00\n"
     "span 10:00 to -\n"
     "rating 14:00 5/1-5 survey\n"
     "answer 11:00 #0 1/1-5\n"
     "answer 14:00 #1 5/1-5\n"
     "sending 12:00 csat\n"
     "sending 13:00 csat answered 14:00\n"
     "sending 15:00 csat\n"},
    {"83b at its instant, which at the next one's is the next one's",
     "10:00 c; 12:00 sent:csat q:3/1-5; 13:00 sent:csat q:4/1-5",
     "ticket new created 10:00\n"
     "span 10:00 to -\n"
     "rating 13:00 4/1-5 survey\n"
     "answer 12:00 #0 3/1-5\n"
     "answer 13:00 #1 4/1-5\n"
     "sending 12:00 csat answered 12:00\n"
     "sending 13:00 csat answered 13:00\n"},
    {"83c at its instant, though its source's seq is behind", "10:00 c; 12:00 sent:csat~2 q:3/1-5~1",
     "ticket new created 10:00\n"
     "span 10:00 to -\n"
     "rating 12:00 3/1-5 survey\n"
     "answer 12:00 #0 3/1-5\n"
     "sending 12:00 csat answered 12:00\n"},
    {"83d two sendings at one instant", "10:00 c; 12:00 sent:csat~1 sent:csat~2; 13:00 q:3/1-5",
     "ticket new created 10:00\n"
     "span 10:00 to -\n"
     "rating 13:00 3/1-5 survey\n"
     "answer 13:00 #0 3/1-5\n"
     "sending 12:00 csat\n"
     "sending 12:00 csat answered 13:00\n"},
    {"83e each instrument's own, the first answer",
     "10:00 c; 12:00 sent:csat sent:nps; 13:00 q:yes:plan; 14:00 q:3/1-5; 15:00 q:9/0-10:-:-:nps",
     "ticket new created 10:00\n"
     "span 10:00 to -\n"
     "rating 14:00 3/1-5 survey\n"
     "rating 15:00 9/0-10 survey\n"
     "answer 13:00 #0 yes plan\n"
     "answer 14:00 #1 3/1-5\n"
     "answer 15:00 #2 9/0-10\n"
     "sending 12:00 nps answered 15:00\n"
     "sending 12:00 csat answered 13:00\n"},
    {"83f a reseller answers for nobody",
     "10:00 c; 12:00 sent:csat; 13:00 q:3/1-5:-:reseller; 14:00 q:4/1-5:-:affiliate",
     "ticket new created 10:00\n"
     "span 10:00 to -\n"
     "rating 13:00 3/1-5 reseller survey\n"
     "rating 14:00 4/1-5 affiliate survey\n"
     "answer 13:00 #0 3/1-5 reseller\n"
     "answer 14:00 #1 4/1-5 affiliate\n"
     "sending 12:00 csat answered 14:00\n"},
    {"83g of a ticket that is not seen", "12:00 sent:csat; 13:00 q:3/1-5; 14:00 call:answered",
     "ticket orphans 3 speaks\n"
     "rating 13:00 3/1-5 survey\n"
     "answer 13:00 #0 3/1-5\n"
     "sending 12:00 csat answered 13:00\n"
     "contact 14:00 answered queue 0\n"},
    {"83h sent after a solve: its dimensions; before any: its own",
     "10:00 c{site=H1}; 10:30 sent:csat{site=H2}; 11:00 S; 12:00 u{site=H3}; 12:30 sent:csat{site=H4}",
     "ticket solved created 10:00 {site=H1} now {site=H3}\n"
     "acknowledgement 11:00 {site=H1}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 last {site=H1}\n"
     "span 10:00 to 11:00 {site=H1}\n"
     "holding 3600 until 11:00 {site=H1}\n"
     "sending 10:30 csat {site=H2}\n"
     "sending 12:30 csat {site=H1}\n"},
    {"80 an answer is of the team that it names, a rating of the one that solved",
     "10:00 c @A; 11:00 S; 12:00 q:4/1-5:tone{team=B,site=H9}; 12:30 q:no:plan{team=}",
     "ticket solved created 10:00 now {team=A}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 level tier 1 last {team=A}\n"
     "span 10:00 to 11:00 {team=A}\n"
     "holding 3600 until 11:00 {team=A}\n"
     "rating 12:00 of 11:00 4/1-5 tone survey {team=A}\n"
     "answer 12:00 #0 of 11:00 4/1-5 tone {team=B}\n"
     "answer 12:30 #1 of 11:00 no plan {team=A}\n"},
    {"80a before any solve it has its own dimensions",
     "10:00 c @A; 10:30 q:yes:plan{team=B,site=H9}; 10:40 q:no:plan",
     "ticket new created 10:00 now {team=A}\n"
     "acknowledgement 10:00 {team=A}\n"
     "span 10:00 to - {team=A}\n"
     "answer 10:30 #0 yes plan {team=B,site=H9}\n"
     "answer 10:40 #1 no plan\n"},
    {"76d before creation the source's own instants are compared",
     "09:00 S; 09:30 q:3/1-5 sent:csat; 10:00 c",
     "ticket solved created 10:00\n"
     "acknowledgement 10:00\n"
     "solve 10:00 #0 new 0 open 0 pending 0 hold 0 last\n"
     "rating 10:00 of 10:00 3/1-5 survey\n"
     "answer 10:00 #0 of 10:00 3/1-5\n"
     "sending 10:00 csat answered 10:00\n"},
    {"76e rated before the solve that creation moved", "09:00 q:3/1-5; 09:30 S; 10:00 c",
     "ticket solved created 10:00\n"
     "acknowledgement 10:00\n"
     "solve 10:00 #0 new 0 open 0 pending 0 hold 0 last\n"
     "rating 10:00 3/1-5 survey\n"
     "answer 10:00 #0 3/1-5\n"},
    {"76f sent before it, too", "09:00 sent:csat{site=H1}; 09:30 S; 10:00 c",
     "ticket solved created 10:00\n"
     "acknowledgement 10:00\n"
     "solve 10:00 #0 new 0 open 0 pending 0 hold 0 last\n"
     "sending 10:00 csat {site=H1}\n"},
    {"76g excluded with its ticket, the merge beside it",
     "10:00 c{site=H1}; 11:00 S sent:csat; 12:00 q:2/1-5; 12:30 x:merged{site=H2}; 13:00 u{site=H3}",
     "ticket solved created 10:00 merged {site=H1} now {site=H3}\n"
     "acknowledgement 11:00 merged {site=H1}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 last merged {site=H1}\n"
     "span 10:00 to 11:00 merged {site=H1}\n"
     "holding 3600 until 11:00 merged {site=H1}\n"
     "rating 12:00 of 11:00 2/1-5 survey merged {site=H1}\n"
     "answer 12:00 #0 of 11:00 2/1-5 merged {site=H1}\n"
     "sending 11:00 csat answered 12:00 merged {site=H1}\n"
     "merge 12:30 merged {site=H2}\n"},
    {"43a merged twice: the last; deleted after it: no merge any more",
     "10:00 c; 10:10 x:merged; 10:20 x:merged; 10:30 x:spam",
     "ticket new created 10:00 spam\n"
     "span 10:00 to - spam\n"},
};

#define N_CASES (sizeof(CASES) / sizeof(CASES[0]))

static void test_cases_in_every_order(void **state)
{
    fold_bench_check(*state, CASES, N_CASES);
}

static void test_cases_contradicted(void **state)
{
    fold_bench_contradict(*state, CASES, N_CASES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_in_every_order),
        cmocka_unit_test(test_cases_contradicted),
    };
    return cmocka_run_group_tests(tests, fold_bench_setup, fold_bench_teardown);
}
