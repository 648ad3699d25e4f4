/* The fold on who had a ticket: holdings, ping-pong, escalations and the first tier. */
#include "tests/unit/fold_bench.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct fold_case CASES[] = {
    {"61 holdings", "10:00 c @A; 10:10 O; 10:30 P; 10:40 @B; 11:00 O; 11:30 S",
     "ticket solved created 10:00 now {team=B}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 11:30 #0 new 600 open 3000 pending 1800 hold 0 handoffs 1 escalated tier 1 before last {team=B}\n"
     "span 10:00 to 10:40 {team=A}\n"
     "span 10:40 to 11:30 {team=B}\n"
     "holding 1800 until 10:40 {team=A}\n"
     "holding 1800 until 11:30 {team=B}\n"},
    {"63 held only while pending", "10:00 c @A; 10:10 P; 10:20 @B; 10:30 S",
     "ticket solved created 10:00 now {team=B}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 10:30 #0 new 600 open 0 pending 1200 hold 0 handoffs 1 escalated tier 1 before last {team=B}\n"
     "span 10:00 to 10:20 {team=A}\n"
     "span 10:20 to 10:30 {team=B}\n"
     "holding 600 until 10:20 {team=A}\n"},
    {"63a handed on while solved", "10:00 c @A; 11:00 S; 12:00 @B; 13:00 O; 14:00 S",
     "ticket solved created 10:00 now {team=B}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened 13:00 tier 1 {team=A}\n"
     "solve 14:00 #1 new 3600 open 3600 pending 0 hold 0 handoffs 1 escalated again 7200 last {team=B}\n"
     "reopen 13:00 {team=B}\n"
     "span 10:00 to 11:00 {team=A}\n"
     "span 13:00 to 14:00 {team=B}\n"
     "holding 3600 until 12:00 {team=A}\n"
     "holding 3600 until 14:00 {team=B}\n"},
    {"63b nobody before the first team", "10:00 c; 10:20 @A; 11:00 S",
     "ticket solved created 10:00 now {team=A}\n"
     "acknowledgement 10:20 {team=A}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 level tier 1 last {team=A}\n"
     "span 10:00 to 10:20\n"
     "span 10:20 to 11:00 {team=A}\n"
     "holding 1200 until 10:20\n"
     "holding 2400 until 11:00 {team=A}\n"},
    {"63c taken away and given back is one holding more, no handoff",
     "10:00 c @A; 10:10 u{team=}; 10:20 @A; 10:30 S",
     "ticket solved created 10:00 now {team=A}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 10:30 #0 new 1800 open 0 pending 0 hold 0 level tier 1 last {team=A}\n"
     "span 10:00 to 10:10 {team=A}\n"
     "span 10:10 to 10:20\n"
     "span 10:20 to 10:30 {team=A}\n"
     "holding 600 until 10:20\n"
     "holding 1200 until 10:30 {team=A}\n"},
    {"63d for no time at all", "10:00 c @A~1 @B~2; 11:00 S",
     "ticket solved created 10:00 now {team=B}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 handoffs 1 escalated tier 1 before last {team=B}\n"
     "span 10:00 to 11:00 {team=B}\n"
     "holding 3600 until 11:00 {team=B}\n"},
    {"63e after the last solve nobody holds it", "10:00 c @A; 11:00 S; 12:00 @B; 13:00 C",
     "ticket closed created 10:00 now {team=B}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 handoffs 1 escalated tier 1 last {team=A}\n"
     "span 10:00 to 11:00 {team=A}\n"
     "holding 3600 until 11:00 {team=A}\n"},
    {"63f no holdings while it is active, none of an inferred one", "10:00 O @A; 11:00 S",
     "ticket solved created 10:00 inferred {team=A}\n"
     "solve 11:00 #0 new - open - pending - hold - level tier 1 last inferred {team=A}\n"
     "span 10:00 to 11:00 inferred {team=A}\n"},
    {"58a ping-pong through nobody's hands", "10:00 c @A; 10:10 u{team=}; 10:20 @B; 10:30 @A; 11:00 S",
     "ticket solved created 10:00 now {team=A}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 handoffs 2 escalated ping-pong tier 1 before last "
     "{team=A}\n"
     "span 10:00 to 10:10 {team=A}\n"
     "span 10:10 to 10:20\n"
     "span 10:20 to 10:30 {team=B}\n"
     "span 10:30 to 11:00 {team=A}\n"
     "holding 600 until 10:20\n"
     "holding 600 until 10:30 {team=B}\n"
     "holding 2400 until 11:00 {team=A}\n"},
    {"58b three others are none, there and back after the solve is",
     "10:00 c @A; 10:10 @B; 11:00 S; 12:00 @D; 13:00 @B",
     "ticket solved created 10:00 now {team=B}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 handoffs 3 escalated ping-pong tier 1 before last "
     "{team=B}\n"
     "span 10:00 to 10:10 {team=A}\n"
     "span 10:10 to 11:00 {team=B}\n"
     "holding 600 until 10:10 {team=A}\n"
     "holding 3000 until 11:00 {team=B}\n"},
    {"58c A B D A", "10:00 c @A; 10:10 @B; 10:20 @D; 10:30 @A; 11:00 S",
     "ticket solved created 10:00 now {team=A}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 handoffs 3 escalated tier 1 before last {team=A}\n"
     "span 10:00 to 10:10 {team=A}\n"
     "span 10:10 to 10:20 {team=B}\n"
     "span 10:20 to 10:30 {team=D}\n"
     "span 10:30 to 11:00 {team=A}\n"
     "holding 600 until 10:20 {team=B}\n"
     "holding 600 until 10:30 {team=D}\n"
     "holding 2400 until 11:00 {team=A}\n"},
    {"59a the first tier may come after the first escalation",
     "10:00 c @E; 10:10 @G; 10:20 u{tier=2}; 11:00 S",
     "ticket solved created 10:00 now {team=G,tier=2}\n"
     "acknowledgement 10:00 {team=E}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 handoffs 1 escalated tier 2 before last "
     "{team=G,tier=2}\n"
     "span 10:00 to 10:10 {team=E}\n"
     "span 10:10 to 10:20 {team=G}\n"
     "span 10:20 to 11:00 {team=G,tier=2}\n"
     "holding 600 until 10:10 {team=E,tier=2}\n"
     "holding 3000 until 11:00 {team=G,tier=2}\n"},
    {"59b a tier that comes after the first solve is not the first contact's",
     "10:00 c @E; 11:00 S; 12:00 @A",
     "ticket solved created 10:00 now {team=A}\n"
     "acknowledgement 10:00 {team=E}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 handoffs 1 escalated last {team=E}\n"
     "span 10:00 to 11:00 {team=E}\n"
     "holding 3600 until 11:00 {team=E}\n"},
    {"59c one that comes with the solve is", "10:00 c; 11:00 S{tier=2}",
     "ticket solved created 10:00 now {tier=2}\n"
     "acknowledgement 11:00 {tier=2}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 level tier 2 last {tier=2}\n"
     "span 10:00 to 11:00\n"
     "holding 3600 until 11:00 {tier=2}\n"},
    {"59d the tier of the table is the one in force when the team came", "13:00 c @L; 14:00 S",
     "ticket solved created 13:00 now {team=L}\n"
     "acknowledgement 13:00 {team=L}\n"
     "solve 14:00 #0 new 3600 open 0 pending 0 hold 0 level tier 2 last {team=L}\n"
     "span 13:00 to 14:00 {team=L}\n"
     "holding 3600 until 14:00 {team=L}\n"},
    {"59e escalated only after the first solve", "10:00 c @A; 11:00 S; 12:00 O; 12:10 @D; 13:00 S",
     "ticket solved created 10:00 now {team=D}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened 12:00 tier 1 {team=A}\n"
     "solve 13:00 #1 new 3600 open 3600 pending 0 hold 0 handoffs 1 escalated again 3600 last {team=D}\n"
     "reopen 12:00 {team=A}\n"
     "span 10:00 to 11:00 {team=A}\n"
     "span 12:00 to 12:10 {team=A}\n"
     "span 12:10 to 13:00 {team=D}\n"
     "holding 4200 until 12:10 {team=A}\n"
     "holding 3000 until 13:00 {team=D}\n"},
    {"59f handed on by the event that solves it", "10:00 c @A; 11:00 S{team=D}",
     "ticket solved created 10:00 now {team=D}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 handoffs 1 escalated tier 1 before last {team=D}\n"
     "span 10:00 to 11:00 {team=A}\n"
     "holding 3600 until 11:00 {team=A}\n"},
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
