/* The fold on what is said: first and next responses, the acknowledgement, touches and contacts. */
#include "tests/unit/fold_bench.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct fold_case CASES[] = {
    {"23 a run of the requester's messages", "10:00 c; 10:10 >; 11:00 <; 11:30 <; 11:45 >",
     "ticket new created 10:00 speaks\n"
     "acknowledgement 10:10\n"
     "reply 10:00 to 10:10\n"
     "reply 11:00 to 11:45 #1\n"
     "span 10:00 to -\n"},
    {"23a one run after another", "10:00 c; 10:10 >; 11:00 <; 11:10 >; 11:20 >; 12:00 <; 12:30 >",
     "ticket new created 10:00 speaks\n"
     "acknowledgement 10:10\n"
     "reply 10:00 to 10:10\n"
     "reply 11:00 to 11:10 #1\n"
     "reply 12:00 to 12:30 #2\n"
     "span 10:00 to -\n"},
    {"24 a run ends at a solve; asked while solved, it starts at the reopening",
     "10:00 c; 10:10 >; 11:00 <; 11:30 S; d21 09:00 < O; d21 09:20 >",
     "ticket open created 10:00 speaks\n"
     "acknowledgement 10:10\n"
     "reply 10:00 to 10:10\n"
     "reply d21 09:00 to d21 09:20 #1\n"
     "solve 11:30 #0 new 5400 open 0 pending 0 hold 0 reopened d21 09:00\n"
     "reopen d21 09:00\n"
     "span 10:00 to 11:30\n"
     "span d21 09:00 to -\n"},
    {"24a no run starts on a ticket that stays solved",
     "10:00 c; 10:10 >; 11:00 S; 12:00 <; 12:30 >; 13:00 <",
     "ticket solved created 10:00 speaks\n"
     "acknowledgement 10:10\n"
     "reply 10:00 to 10:10\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 touches 1 last\n"
     "span 10:00 to 11:00\n"
     "holding 3600 until 11:00\n"},
    {"24b reopened without a word since the solve", "10:00 c; 10:10 >; 11:00 <; 11:30 S; 12:00 O; 12:10 >",
     "ticket open created 10:00 speaks\n"
     "acknowledgement 10:10\n"
     "reply 10:00 to 10:10\n"
     "solve 11:30 #0 new 5400 open 0 pending 0 hold 0 reopened 12:00\n"
     "reopen 12:00\n"
     "span 10:00 to 11:30\n"
     "span 12:00 to -\n"},
    {"24c asked and answered while solved: what is reopened waits all the same",
     "10:00 c; 10:10 >; 11:00 S; 11:10 <; 11:20 >; 12:00 O; 12:30 >",
     "ticket open created 10:00 speaks\n"
     "acknowledgement 10:10\n"
     "reply 10:00 to 10:10\n"
     "reply 12:00 to 12:30 #1\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened 12:00\n"
     "reopen 12:00\n"
     "span 10:00 to 11:00\n"
     "span 12:00 to -\n"},
    {"24d closed since, which is no solve", "10:00 c; 10:10 >; 11:00 S; 11:10 <; 12:00 C; 13:00 P; 13:30 >",
     "ticket pending created 10:00 speaks\n"
     "acknowledgement 10:10\n"
     "reply 10:00 to 10:10\n"
     "reply 13:00 to 13:30 #1\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened 13:00\n"
     "reopen 13:00\n"
     "span 10:00 to 11:00\n"
     "span 13:00 to -\n"},
    {"24e while the first response waits no run starts",
     "10:00 c; 11:00 S; 11:10 <; 12:00 O; 12:30 >; 13:00 >",
     "ticket open created 10:00 speaks\n"
     "acknowledgement 11:00\n"
     "reply 10:00 to 12:30\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened 12:00\n"
     "reopen 12:00\n"
     "span 10:00 to 11:00\n"
     "span 12:00 to -\n"},
    {"25 asked and solved at one instant: the solve takes the run with it",
     "10:00 c; 10:10 >; 11:00 < S; 12:00 O; 12:10 >",
     "ticket open created 10:00 speaks\n"
     "acknowledgement 10:10\n"
     "reply 10:00 to 10:10\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened 12:00\n"
     "reopen 12:00\n"
     "span 10:00 to 11:00\n"
     "span 12:00 to -\n"},
    {"25a asked and answered at one instant: in ranks before out", "10:00 c; 10:10 >; 11:00 < >; 11:30 >",
     "ticket new created 10:00 speaks\n"
     "acknowledgement 10:10\n"
     "reply 10:00 to 10:10\n"
     "reply 11:00 to 11:00 #1\n"
     "span 10:00 to -\n"},
    {"25b asked in the instant of the first response", "10:00 c; 10:10 < >; 10:20 >",
     "ticket new created 10:00 speaks\n"
     "acknowledgement 10:10\n"
     "reply 10:00 to 10:10\n"
     "span 10:00 to -\n"},
    {"25c unless the source says that it was asked after it", "10:00 c; 10:10 >~1 <~2; 10:20 >",
     "ticket new created 10:00 speaks\n"
     "acknowledgement 10:10\n"
     "reply 10:00 to 10:10\n"
     "reply 10:10 to 10:20 #1\n"
     "span 10:00 to -\n"},
    {"25d solved, asked and reopened within one instant", "10:00 c; 10:10 >; 11:00 S~1 <~2 O~3; 11:30 >",
     "ticket open created 10:00 speaks\n"
     "acknowledgement 10:10\n"
     "reply 10:00 to 10:10\n"
     "reply 11:00 to 11:30 #1\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened 11:00\n"
     "reopen 11:00\n"
     "span 10:00 to -\n"},
    {"26 an automated message asks nothing", "10:00 c; 10:10 >; 11:00 <-; 11:30 >",
     "ticket new created 10:00 speaks\n"
     "acknowledgement 10:10\n"
     "reply 10:00 to 10:10\n"
     "span 10:00 to -\n"},
    {"26a what the requester cannot read, or no person wrote, answers nothing",
     "10:00 c; 10:10 >; 11:00 <; 11:10 >.; 11:20 >!; 11:25 >-; 11:30 >",
     "ticket new created 10:00 speaks\n"
     "acknowledgement 10:10\n"
     "reply 10:00 to 10:10\n"
     "reply 11:00 to 11:30 #1\n"
     "span 10:00 to -\n"},
    {"26b inferred: no first response, but runs behind the first message out",
     "10:00 <; 10:10 >; 11:00 <; 11:30 >",
     "ticket new created 10:00 speaks inferred\n"
     "reply 11:00 to 11:30 #1 inferred\n"
     "span 10:00 to - inferred\n"},
    {"26c opened by the agent: the first message in is no run",
     "10:00 c!; 10:01 >; 11:00 <; 11:20 >; 12:00 <; 12:05 >",
     "ticket new created 10:00 speaks\n"
     "acknowledgement 10:01\n"
     "reply 11:00 to 11:20\n"
     "reply 12:00 to 12:05 #1\n"
     "span 10:00 to -\n"},
    {"26d opened by the agent, solved by a person before the requester wrote",
     "10:00 c!; 10:30 S; 11:00 <; 11:10 O; 11:30 >",
     "ticket open created 10:00 speaks\n"
     "acknowledgement 10:30\n"
     "reply 11:00 to 11:30\n"
     "solve 10:30 #0 new 1800 open 0 pending 0 hold 0 reopened 11:10\n"
     "reopen 11:10\n"
     "span 10:00 to 10:30\n"
     "span 11:10 to -\n"},
    {"26e the same, solved by a machine: from the reopening", "10:00 c!; 10:30 S-; 11:00 <; 11:10 O; 11:30 >",
     "ticket open created 10:00 speaks\n"
     "acknowledgement 11:30\n"
     "reply 11:10 to 11:30\n"
     "solve 10:30 #0 new 1800 open 0 pending 0 hold 0 reopened 11:10\n"
     "reopen 11:10\n"
     "span 10:00 to 10:30\n"
     "span 11:10 to -\n"},
    {"27 routing is no acknowledgement", "10:00 c @A/r; 10:20 O; 10:50 >",
     "ticket open created 10:00 speaks now {team=A}\n"
     "acknowledgement 10:20 {team=A}\n"
     "reply 10:00 to 10:50 {team=A}\n"
     "span 10:00 to - {team=A}\n"},
    {"28 leaving new is", "10:00 c; 10:15 P",
     "ticket pending created 10:00\n"
     "acknowledgement 10:15\n"
     "span 10:00 to -\n"},
    {"28a so is an assignment by a person, but not one of no kind",
     "10:00 c; 10:05 @A/r; 10:06 @A/0; 10:07 @A/b",
     "ticket new created 10:00 now {team=A}\n"
     "acknowledgement 10:07 {team=A}\n"
     "span 10:00 to 10:05\n"
     "span 10:05 to - {team=A}\n"},
    {"28b a machine's move out of new is none, a person's later one is",
     "10:00 c; 10:05 O-; 10:10 P; 10:20 N; 10:30 H",
     "ticket hold created 10:00\n"
     "acknowledgement 10:30\n"
     "span 10:00 to -\n"},
    {"28c a message that only the requester does not see is one", "10:00 c; 10:05 >.; 10:10 >!",
     "ticket new created 10:00 speaks\n"
     "acknowledgement 10:10\n"
     "span 10:00 to -\n"},
    {"28d before creation it took no time", "09:00 @A; 10:00 c",
     "ticket new created 10:00 {team=A}\n"
     "acknowledgement 10:00 {team=A}\n"
     "span 10:00 to - {team=A}\n"},
    {"52 an answered call is a touch, and in time", "10:00 c{channel=phone}; 10:05 call:answered:q12:w60 S",
     "ticket solved created 10:00 speaks {channel=phone}\n"
     "acknowledgement 10:05 {channel=phone}\n"
     "solve 10:05 #0 new 300 open 0 pending 0 hold 0 touches 1 in-time last {channel=phone}\n"
     "span 10:00 to 10:05 {channel=phone}\n"
     "holding 300 until 10:05 {channel=phone}\n"
     "contact 10:05 answered queue 12 wrap 60 {channel=phone}\n"},
    {"52a which calls are: answered, and until the solve's instant",
     "10:00 c; 10:05 call:abandoned:q9; 11:00 S~1 call:answered~2; 12:00 call:answered",
     "ticket solved created 10:00 speaks\n"
     "acknowledgement 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 touches 1 last\n"
     "span 10:00 to 11:00\n"
     "holding 3600 until 11:00\n"
     "contact 10:05 abandoned queue 9\n"
     "contact 11:00 answered queue 0\n"
     "contact 12:00 answered queue 0\n"},
    {"52b a message behind the solve is no touch", "10:00 c; 11:00 S~1 >~2",
     "ticket solved created 10:00 speaks\n"
     "acknowledgement 11:00\n"
     "reply 10:00 to 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 last\n"
     "span 10:00 to 11:00\n"
     "holding 3600 until 11:00\n"},
    {"52c all until the last solve, also those while it was solved",
     "10:00 c; 10:30 >; 11:00 S; 11:30 >; 12:00 O; 12:30 >; 13:00 S; 13:30 >",
     "ticket solved created 10:00 speaks\n"
     "acknowledgement 10:30\n"
     "reply 10:00 to 10:30\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened 12:00\n"
     "solve 13:00 #1 new 3600 open 3600 pending 0 hold 0 touches 3 again 3600 last\n"
     "reopen 12:00\n"
     "span 10:00 to 11:00\n"
     "span 12:00 to 13:00\n"
     "holding 7200 until 13:00\n"},
    {"53 silent", "10:00 c <; 10:01 >-; 11:00 S",
     "ticket solved created 10:00 speaks\n"
     "acknowledgement 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 last\n"
     "span 10:00 to 11:00\n"
     "holding 3600 until 11:00\n"},
    {"54 one message, reopened", "10:00 c; 10:30 > S; d2 10:00 O; d2 10:30 S",
     "ticket solved created 10:00 speaks\n"
     "acknowledgement 10:30\n"
     "reply 10:00 to 10:30\n"
     "solve 10:30 #0 new 1800 open 0 pending 0 hold 0 reopened d2 10:00\n"
     "solve d2 10:30 #1 new 1800 open 1800 pending 0 hold 0 touches 1 again 171000 last\n"
     "reopen d2 10:00\n"
     "span 10:00 to 10:30\n"
     "span d2 10:00 to d2 10:30\n"
     "holding 3600 until d2 10:30\n"},
    {"54a the shortest time to a reopening",
     "10:00 c; 11:00 S; 13:00 O; 14:00 S; 14:30 O; 15:00 S; 18:00 O; 19:00 S",
     "ticket solved created 10:00\n"
     "acknowledgement 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened 13:00\n"
     "solve 14:00 #1 new 3600 open 3600 pending 0 hold 0 reopened 14:30\n"
     "solve 15:00 #2 new 3600 open 5400 pending 0 hold 0 reopened 18:00\n"
     "solve 19:00 #3 new 3600 open 9000 pending 0 hold 0 again 1800 last\n"
     "reopen 13:00\n"
     "reopen 14:30\n"
     "reopen 18:00\n"
     "span 10:00 to 11:00\n"
     "span 13:00 to 14:00\n"
     "span 14:30 to 15:00\n"
     "span 18:00 to 19:00\n"
     "holding 12600 until 19:00\n"},
    {"56 live: until the end of talk and wrap-up",
     "10:00 c{channel=phone}; 10:06 call:answered:q12:w60; 10:07 S",
     "ticket solved created 10:00 speaks {channel=phone}\n"
     "acknowledgement 10:07 {channel=phone}\n"
     "solve 10:07 #0 new 420 open 0 pending 0 hold 0 touches 1 in-time last {channel=phone}\n"
     "span 10:00 to 10:07 {channel=phone}\n"
     "holding 420 until 10:07 {channel=phone}\n"
     "contact 10:06 answered queue 12 wrap 60 {channel=phone}\n"},
    {"56a a millisecond later it is late",
     "10:00 c{channel=phone}; 10:06 call:answered:q12:w60; 10:07:00.001 S",
     "ticket solved created 10:00 speaks {channel=phone}\n"
     "acknowledgement 10:07:00.001 {channel=phone}\n"
     "solve 10:07:00.001 #0 new 420.001 open 0 pending 0 hold 0 touches 1 late last {channel=phone}\n"
     "span 10:00 to 10:07:00.001 {channel=phone}\n"
     "holding 420.001 until 10:07:00.001 {channel=phone}\n"
     "contact 10:06 answered queue 12 wrap 60 {channel=phone}\n"},
    {"56b the first answered contact counts, not the abandoned one before",
     "10:00 c{channel=chat}; 10:01 call:abandoned:q30; 10:05 call:answered; 10:30 S; 10:31 call:answered",
     "ticket solved created 10:00 speaks {channel=chat}\n"
     "acknowledgement 10:30 {channel=chat}\n"
     "solve 10:30 #0 new 1800 open 0 pending 0 hold 0 touches 1 late last {channel=chat}\n"
     "span 10:00 to 10:30 {channel=chat}\n"
     "holding 1800 until 10:30 {channel=chat}\n"
     "contact 10:01 abandoned queue 30 {channel=chat}\n"
     "contact 10:05 answered queue 0 {channel=chat}\n"
     "contact 10:31 answered queue 0 {channel=chat}\n"},
    {"56c live without an answered contact: it cannot be said",
     "10:00 c{channel=onsite}; 10:01 call:abandoned:q30; 10:05 S",
     "ticket solved created 10:00 speaks {channel=onsite}\n"
     "acknowledgement 10:05 {channel=onsite}\n"
     "solve 10:05 #0 new 300 open 0 pending 0 hold 0 last {channel=onsite}\n"
     "span 10:00 to 10:05 {channel=onsite}\n"
     "holding 300 until 10:05 {channel=onsite}\n"
     "contact 10:01 abandoned queue 30 {channel=onsite}\n"},
    {"56d before creation the source's own instants are compared",
     "09:49:30 call:answered:w60; 09:50 S{channel=phone}; 10:00 c",
     "ticket solved created 10:00 speaks {channel=phone}\n"
     "acknowledgement 10:00 {channel=phone}\n"
     "solve 10:00 #0 new 0 open 0 pending 0 hold 0 touches 1 in-time last {channel=phone}\n"
     "contact 10:00 answered queue 0 wrap 60\n"},
    {"56e which had ended when it was solved", "09:40 call:answered:w60; 09:50 S{channel=phone}; 10:00 c",
     "ticket solved created 10:00 speaks {channel=phone}\n"
     "acknowledgement 10:00 {channel=phone}\n"
     "solve 10:00 #0 new 0 open 0 pending 0 hold 0 touches 1 late last {channel=phone}\n"
     "contact 10:00 answered queue 0 wrap 60\n"},
    {"56f the channel is the one at the first solve, in time of an inferred ticket too",
     "10:00 O{channel=email}; 10:05 call:answered; 10:05 u{channel=remote} S",
     "ticket solved created 10:00 speaks inferred {channel=email} now {channel=remote}\n"
     "solve 10:05 #0 new - open - pending - hold - touches 1 in-time last inferred {channel=remote}\n"
     "span 10:00 to 10:05 inferred {channel=email}\n"
     "contact 10:05 answered queue 0 inferred {channel=remote}\n"},
    {"84 a contact has the ticket's dimensions after it and its own over them, and says nothing of the "
     "ticket",
     "10:00 c{site=H1,channel=phone,severity=2}; 10:05 call:overflow:q9{site=H2,channel=}; 10:10 "
     "u{severity=1}",
     "ticket new created 10:00 speaks {channel=phone,severity=2,site=H1} now "
     "{channel=phone,severity=1,site=H1}\n"
     "span 10:00 to 10:10 {channel=phone,severity=2,site=H1}\n"
     "span 10:10 to - {channel=phone,severity=1,site=H1}\n"
     "contact 10:05 overflow queue 9 {severity=2,site=H2}\n"},
    {"84a it stays when its ticket is excluded", "10:00 c; 10:05 call:callback:q60; 10:10 x:spam",
     "ticket new created 10:00 speaks spam\n"
     "span 10:00 to - spam\n"
     "contact 10:05 callback queue 60\n"},
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
