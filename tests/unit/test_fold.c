/* The fold on the worked cases of the metric catalogue: each as written, in every order, and beside events
 * that contradict it. */
#include "core/fold/fold.h"

#include "tests/unit/fold_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Numbers are those of the worked cases; letters tell cases apart that they leave open. */
static const struct fold_case CASES[] = {
    {"1 solved, then closed", "10:00 c; 11:00 S; d5 11:00 C",
     "ticket closed created 10:00\n"
     "acknowledgement 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 last\n"
     "span 10:00 to 11:00\n"
     "holding 3600 until 11:00\n"},
    {"2 solved twice", "10:00 c; 11:00 S; 13:00 O; 14:00 S; d3 14:00 C",
     "ticket closed created 10:00\n"
     "acknowledgement 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened 13:00\n"
     "solve 14:00 #1 new 3600 open 3600 pending 0 hold 0 again 7200 last\n"
     "reopen 13:00\n"
     "span 10:00 to 11:00\n"
     "span 13:00 to 14:00\n"
     "holding 7200 until 14:00\n"},
    {"3 new until the first status", "10:00 c",
     "ticket new created 10:00\n"
     "span 10:00 to -\n"},
    {"4 milliseconds", "10:00 c; 10:00:00.600 O; 10:00:01.400 H; 10:00:02.300 S",
     "ticket solved created 10:00\n"
     "acknowledgement 10:00:00.600\n"
     "solve 10:00:02.300 #0 new 0.600 open 0.800 pending 0 hold 0.900 last\n"
     "span 10:00 to 10:00:02.300\n"
     "holding 1.400 until 10:00:02.300\n"},
    {"5 an event before creation", "09:30 O; 10:00 c; 10:30 S",
     "ticket solved created 10:00\n"
     "acknowledgement 10:00\n"
     "solve 10:30 #0 new 0 open 1800 pending 0 hold 0 last\n"
     "span 10:00 to 10:30\n"
     "holding 1800 until 10:30\n"},
    {"5a a solve, an answer and a team before creation", "09:00 > @A; 09:30 S; 10:00 c; 10:30 O",
     "ticket open created 10:00 speaks {team=A}\n"
     "acknowledgement 10:00 {team=A}\n"
     "reply 10:00 to 10:00 {team=A}\n"
     "solve 10:00 #0 new 0 open 0 pending 0 hold 0 reopened 10:30 tier 1 {team=A}\n"
     "reopen 10:30 {team=A}\n"
     "span 10:30 to - {team=A}\n"},
    {"6 inferred", "10:00 O; 12:00 S",
     "ticket solved created 10:00 inferred\n"
     "solve 12:00 #0 new - open - pending - hold - last inferred\n"
     "span 10:00 to 12:00 inferred\n"},
    {"6a inferred: no first response, even after a bot's solve", "10:00 S-; 11:00 O; 11:10 >",
     "ticket open created 10:00 speaks inferred\n"
     "solve 10:00 #0 new - open - pending - hold - reopened 11:00 inferred\n"
     "reopen 11:00 inferred\n"
     "span 11:00 to - inferred\n"},
    {"7 phantom", "10:00 q:5/1-5",
     "ticket orphans 1\n"
     "rating 10:00 5/1-5 survey\n"
     "answer 10:00 #0 5/1-5\n"},
    {"7a adopted", "09:00 sla:FRT:1800:w call:answered; 10:00 c",
     "ticket new created 10:00 speaks\n"
     "span 10:00 to -\n"
     "sla_cycle FRT #0 running 10:00 to -: 0 of 1800 since 10:00 risk 10:22:30.000 breach 10:30\n"
     "contact 10:00 answered queue 0\n"},
    {"8 created twice", "10:00 c{severity=3}; 10:05 c{severity=2}; 10:30 S",
     "ticket solved created 10:00 {severity=3} now {severity=2}\n"
     "acknowledgement 10:30 {severity=2}\n"
     "solve 10:30 #0 new 1800 open 0 pending 0 hold 0 last {severity=2}\n"
     "span 10:00 to 10:05 {severity=3}\n"
     "span 10:05 to 10:30 {severity=2}\n"
     "holding 1800 until 10:30 {severity=2}\n"},
    {"9 one action, one instant", "10:00 c; 11:00 > S",
     "ticket solved created 10:00 speaks\n"
     "acknowledgement 11:00\n"
     "reply 10:00 to 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 touches 1 last\n"
     "span 10:00 to 11:00\n"
     "holding 3600 until 11:00\n"},
    {"10 assigned and solved at one instant", "10:00 c{team=A}; 11:00 @B S",
     "ticket solved created 10:00 {team=A} now {team=B}\n"
     "acknowledgement 11:00 {team=B}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 handoffs 1 escalated tier 1 before last {team=B}\n"
     "span 10:00 to 11:00 {team=A}\n"
     "holding 3600 until 11:00 {team=A}\n"},
    {"11 pending", "10:00 c; 10:10 O; 10:30 P; 11:00 S; d1 11:00 O; d1 11:20 S",
     "ticket solved created 10:00\n"
     "acknowledgement 10:10\n"
     "solve 11:00 #0 new 600 open 1200 pending 1800 hold 0 reopened d1 11:00\n"
     "solve d1 11:20 #1 new 600 open 2400 pending 1800 hold 0 again 86400 last\n"
     "reopen d1 11:00\n"
     "span 10:00 to 11:00\n"
     "span d1 11:00 to d1 11:20\n"
     "holding 3000 until d1 11:20\n"},
    {"12 hold", "10:00 c; 10:05 O; 10:20 H; 11:20 O; 11:30 S",
     "ticket solved created 10:00\n"
     "acknowledgement 10:05\n"
     "solve 11:30 #0 new 300 open 1500 pending 0 hold 3600 last\n"
     "span 10:00 to 11:30\n"
     "holding 1800 until 11:30\n"},
    {"13 not done now", "10:00 c; 11:00 S; 12:00 O",
     "ticket open created 10:00\n"
     "acknowledgement 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened 12:00\n"
     "reopen 12:00\n"
     "span 10:00 to 11:00\n"
     "span 12:00 to -\n"},
    {"13a a status to the class it is in", "10:00 c; 10:10 N; 10:20 O; 10:30 O; 10:40 S; 10:50 S",
     "ticket solved created 10:00\n"
     "acknowledgement 10:20\n"
     "solve 10:40 #0 new 1200 open 1200 pending 0 hold 0 last\n"
     "span 10:00 to 10:40\n"
     "holding 2400 until 10:40\n"},
    {"13b solved and reopened at one instant: statuses rank", "10:00 c; 11:00 S O",
     "ticket solved created 10:00\n"
     "acknowledgement 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 last\n"
     "span 10:00 to 11:00\n"
     "holding 3600 until 11:00\n"},
    {"13c the source's own order", "10:00 c; 11:00 S~1 O~2",
     "ticket open created 10:00\n"
     "acknowledgement 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened 11:00\n"
     "reopen 11:00\n"
     "span 10:00 to -\n"},
    {"14 first response", "10:00 c <; 10:25 >",
     "ticket new created 10:00 speaks\n"
     "acknowledgement 10:25\n"
     "reply 10:00 to 10:25\n"
     "span 10:00 to -\n"},
    {"15 a chaser", "10:00 c; 11:00 <; 11:05 >",
     "ticket new created 10:00 speaks\n"
     "acknowledgement 11:05\n"
     "reply 10:00 to 11:05\n"
     "span 10:00 to -\n"},
    {"16 automated and internal", "10:00 c; 10:00:05 >-; 10:10 >.; 10:30 >",
     "ticket new created 10:00 speaks\n"
     "acknowledgement 10:30\n"
     "reply 10:00 to 10:30\n"
     "span 10:00 to -\n"},
    {"17 opened by the agent", "10:00 c!; 10:01 >; 11:00 <; 11:20 >",
     "ticket new created 10:00 speaks\n"
     "acknowledgement 10:01\n"
     "reply 11:00 to 11:20\n"
     "span 10:00 to -\n"},
    {"17a an automated message in starts nothing", "10:00 c!; 10:30 <-; 11:00 >",
     "ticket new created 10:00 speaks\n"
     "acknowledgement 11:00\n"
     "span 10:00 to -\n"},
    {"18 opened by the agent, no answer wanted", "10:00 c!; 10:01 >; 12:00 S",
     "ticket solved created 10:00 speaks\n"
     "acknowledgement 10:01\n"
     "solve 12:00 #0 new 7200 open 0 pending 0 hold 0 touches 1 last\n"
     "span 10:00 to 12:00\n"
     "holding 7200 until 12:00\n"},
    {"19 only a bot had solved", "10:00 c <; 10:00:05 >-; 10:01 S-; d3 10:00 < O; d3 10:10 >",
     "ticket open created 10:00 speaks\n"
     "acknowledgement d3 10:10\n"
     "reply d3 10:00 to d3 10:10\n"
     "solve 10:01 #0 new 60 open 0 pending 0 hold 0 reopened d3 10:00\n"
     "reopen d3 10:00\n"
     "span 10:00 to 10:01\n"
     "span d3 10:00 to -\n"},
    {"19a the last reopening with only bots before", "10:00 c; 11:00 S-; 12:00 O; 13:00 S; 14:00 O; 14:10 >",
     "ticket open created 10:00 speaks\n"
     "acknowledgement 14:10\n"
     "reply 12:00 to 14:10\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened 12:00\n"
     "solve 13:00 #1 new 3600 open 3600 pending 0 hold 0 reopened 14:00\n"
     "reopen 12:00\n"
     "reopen 14:00\n"
     "span 10:00 to 11:00\n"
     "span 12:00 to 13:00\n"
     "span 14:00 to -\n"},
    {"20 a person had solved silently", "10:00 c <; 11:00 S; d3 10:00 < O; d3 10:10 >",
     "ticket open created 10:00 speaks\n"
     "acknowledgement 11:00\n"
     "reply 10:00 to d3 10:10\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened d3 10:00\n"
     "reopen d3 10:00\n"
     "span 10:00 to 11:00\n"
     "span d3 10:00 to -\n"},
    {"43 merged", "10:05 c; 10:30 x:merged",
     "ticket new created 10:05 merged\n"
     "span 10:05 to - merged\n"
     "merge 10:30 merged\n"},
    {"44 spam that was none", "10:00 c; 10:10 x:spam; 10:20 x:restored; 11:00 S",
     "ticket solved created 10:00\n"
     "acknowledgement 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 last\n"
     "span 10:00 to 11:00\n"
     "holding 3600 until 11:00\n"},
    {"44a excluded for the last reason, every row",
     "10:00 c <; 10:05 >; 10:10 x:spam; 10:20 x:test; 11:00 S O~1 q:4/1-5~2",
     "ticket open created 10:00 speaks test\n"
     "acknowledgement 10:05 test\n"
     "reply 10:00 to 10:05 test\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened 11:00 test\n"
     "reopen 11:00 test\n"
     "span 10:00 to - test\n"
     "rating 11:00 of 11:00 4/1-5 survey test\n"
     "answer 11:00 #0 of 11:00 4/1-5 test\n"},
    {"46 dimensions as-of", "d0 10:00 c{severity=3}; d1 10:00 u{severity=2}; d2 10:00 S",
     "ticket solved created 10:00 {severity=3} now {severity=2}\n"
     "acknowledgement d2 10:00 {severity=2}\n"
     "solve d2 10:00 #0 new 172800 open 0 pending 0 hold 0 last {severity=2}\n"
     "span 10:00 to d1 10:00 {severity=3}\n"
     "span d1 10:00 to d2 10:00 {severity=2}\n"
     "holding 172800 until d2 10:00 {severity=2}\n"},
    {"46a nil clears, other events say nothing of the ticket",
     "10:00 c{severity=3,site=H1}; 10:10 sla:FRT:1800:w{severity=1} u{site=}; 10:20 S; 10:30 "
     "q:3/1-5{severity=4}",
     "ticket solved created 10:00 {severity=3,site=H1} now {severity=3}\n"
     "acknowledgement 10:20 {severity=3}\n"
     "solve 10:20 #0 new 1200 open 0 pending 0 hold 0 last {severity=3}\n"
     "span 10:00 to 10:10 {severity=3,site=H1}\n"
     "span 10:10 to 10:20 {severity=3}\n"
     "holding 1200 until 10:20 {severity=3}\n"
     "sla_cycle FRT #0 ended 10:00 to 10:20: 1200 of 1800 {severity=3}\n"
     "rating 10:30 of 10:20 3/1-5 survey {severity=3}\n"
     "answer 10:30 #0 of 10:20 3/1-5 {severity=3}\n"},
    {"46b there and back at one instant cuts nothing",
     "10:00 c{severity=3}; 10:10 u{severity=2}~1 u{severity=3}~2",
     "ticket new created 10:00 {severity=3}\n"
     "span 10:00 to - {severity=3}\n"},
    {"47 each solve is a trial", "10:00 c; 11:00 S; d1 10:00 O; d1 12:00 S",
     "ticket solved created 10:00\n"
     "acknowledgement 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened d1 10:00\n"
     "solve d1 12:00 #1 new 3600 open 7200 pending 0 hold 0 again 82800 last\n"
     "reopen d1 10:00\n"
     "span 10:00 to 11:00\n"
     "span d1 10:00 to d1 12:00\n"
     "holding 10800 until d1 12:00\n"},
    {"58 escalated and back", "10:00 c @A; 10:20 @D; 10:50 @A; 11:00 S",
     "ticket solved created 10:00 now {team=A}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 handoffs 2 escalated ping-pong tier 1 before last "
     "{team=A}\n"
     "span 10:00 to 10:20 {team=A}\n"
     "span 10:20 to 10:50 {team=D}\n"
     "span 10:50 to 11:00 {team=A}\n"
     "holding 1800 until 10:50 {team=D}\n"
     "holding 1800 until 11:00 {team=A}\n"},
    {"59 another employer", "10:00 c @A; 10:20 @B; 11:00 S",
     "ticket solved created 10:00 now {team=B}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 handoffs 1 escalated tier 1 before last {team=B}\n"
     "span 10:00 to 10:20 {team=A}\n"
     "span 10:20 to 11:00 {team=B}\n"
     "holding 1200 until 10:20 {team=A}\n"
     "holding 2400 until 11:00 {team=B}\n"},
    {"60 down is none", "10:00 c @D; 10:20 @A; 11:00 S",
     "ticket solved created 10:00 now {team=A}\n"
     "acknowledgement 10:00 {team=D}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 handoffs 1 level tier 2 last {team=A}\n"
     "span 10:00 to 10:20 {team=D}\n"
     "span 10:20 to 11:00 {team=A}\n"
     "holding 1200 until 10:20 {team=D}\n"
     "holding 2400 until 11:00 {team=A}\n"},
    {"60a the event's tier wins over the table's", "10:00 c{tier=2} @A; 10:20 @D; 11:00 S",
     "ticket solved created 10:00 {tier=2} now {team=D,tier=2}\n"
     "acknowledgement 10:00 {team=A,tier=2}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 handoffs 1 level tier 2 last {team=D,tier=2}\n"
     "span 10:00 to 10:20 {team=A,tier=2}\n"
     "span 10:20 to 11:00 {team=D,tier=2}\n"
     "holding 1200 until 10:20 {team=A,tier=2}\n"
     "holding 2400 until 11:00 {team=D,tier=2}\n"},
    {"60b a table that changes is no escalation", "10:00 c @L; 13:00 @D; 14:00 S",
     "ticket solved created 10:00 now {team=D}\n"
     "acknowledgement 10:00 {team=L}\n"
     "solve 14:00 #0 new 14400 open 0 pending 0 hold 0 handoffs 1 level tier 1 last {team=D}\n"
     "span 10:00 to 13:00 {team=L}\n"
     "span 13:00 to 14:00 {team=D}\n"
     "holding 10800 until 13:00 {team=L}\n"
     "holding 3600 until 14:00 {team=D}\n"},
    {"60c through nobody's hands", "10:00 c @A; 10:20 u{team=}; 10:30 @B; 11:00 S",
     "ticket solved created 10:00 now {team=B}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 handoffs 1 escalated tier 1 before last {team=B}\n"
     "span 10:00 to 10:20 {team=A}\n"
     "span 10:20 to 10:30\n"
     "span 10:30 to 11:00 {team=B}\n"
     "holding 1200 until 10:20 {team=A}\n"
     "holding 600 until 10:30\n"
     "holding 1800 until 11:00 {team=B}\n"},
    {"60d a higher tier alone", "10:00 c{tier=1}; 10:20 u{tier=2}; 11:00 S",
     "ticket solved created 10:00 {tier=1} now {tier=2}\n"
     "acknowledgement 11:00 {tier=2}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 escalated tier 1 before last {tier=2}\n"
     "span 10:00 to 10:20 {tier=1}\n"
     "span 10:20 to 11:00 {tier=2}\n"
     "holding 3600 until 11:00 {tier=2}\n"},
    {"60e handed on after the last solve counts", "10:00 c @A; 11:00 S; 12:00 @B",
     "ticket solved created 10:00 now {team=B}\n"
     "acknowledgement 10:00 {team=A}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 handoffs 1 escalated tier 1 last {team=A}\n"
     "span 10:00 to 11:00 {team=A}\n"
     "holding 3600 until 11:00 {team=A}\n"},
    {"76 the latest of each solve",
     "10:00 c; 11:00 S; 12:00 q:2/1-5; 13:00 q:5/1-5; d1 10:00 O; d1 11:00 S; d1 12:00 q:1/1-5",
     "ticket solved created 10:00\n"
     "acknowledgement 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 reopened d1 10:00\n"
     "solve d1 11:00 #1 new 3600 open 3600 pending 0 hold 0 again 82800 last\n"
     "reopen d1 10:00\n"
     "span 10:00 to 11:00\n"
     "span d1 10:00 to d1 11:00\n"
     "holding 7200 until d1 11:00\n"
     "rating 13:00 of 11:00 5/1-5 survey\n"
     "rating d1 12:00 of d1 11:00 1/1-5 survey\n"
     "answer 12:00 #0 of 11:00 2/1-5\n"
     "answer 13:00 #1 of 11:00 5/1-5\n"
     "answer d1 12:00 #2 of d1 11:00 1/1-5\n"},
    {"76a at the solve's instant, before any solve, each question",
     "10:00 c{site=H1}; 10:30 q:1/1-5{site=H2}; 11:00 S q:2/1-5:speed; 12:00 q:3/1-5:tone; 13:00 "
     "q:4/1-5:speed",
     "ticket solved created 10:00 {site=H1}\n"
     "acknowledgement 11:00 {site=H1}\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 last {site=H1}\n"
     "span 10:00 to 11:00 {site=H1}\n"
     "holding 3600 until 11:00 {site=H1}\n"
     "rating 10:30 1/1-5 survey {site=H2}\n"
     "rating 12:00 of 11:00 3/1-5 tone {site=H1}\n"
     "rating 13:00 of 11:00 4/1-5 speed survey {site=H1}\n"
     "answer 10:30 #0 1/1-5 {site=H2}\n"
     "answer 11:00 #1 of 11:00 2/1-5 speed {site=H1}\n"
     "answer 12:00 #2 of 11:00 3/1-5 tone {site=H1}\n"
     "answer 13:00 #3 of 11:00 4/1-5 speed {site=H1}\n"},
    {"76b a reseller's takes nobody's place",
     "10:00 c; 11:00 S; 12:00 q:2/1-5:all:self; 13:00 q:5/1-5:all:reseller",
     "ticket solved created 10:00\n"
     "acknowledgement 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 last\n"
     "span 10:00 to 11:00\n"
     "holding 3600 until 11:00\n"
     "rating 12:00 of 11:00 2/1-5 all self survey\n"
     "rating 13:00 of 11:00 5/1-5 all reseller survey\n"
     "answer 12:00 #0 of 11:00 2/1-5 all self\n"
     "answer 13:00 #1 of 11:00 5/1-5 all reseller\n"},
    {"76c rated in the solve's instant, its source's seq behind", "10:00 c; 11:00 S~7 q:2/1-5~3",
     "ticket solved created 10:00\n"
     "acknowledgement 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 last\n"
     "span 10:00 to 11:00\n"
     "holding 3600 until 11:00\n"
     "rating 11:00 of 11:00 2/1-5 survey\n"
     "answer 11:00 #0 of 11:00 2/1-5\n"},
    {"a conflict: the earlier is used", "10:00 c; 11:00 S=5; 12:00 C=5; 12:00 O=5",
     "ticket solved conflicts 2 created 10:00\n"
     "acknowledgement 11:00\n"
     "solve 11:00 #0 new 3600 open 0 pending 0 hold 0 last\n"
     "span 10:00 to 11:00\n"
     "holding 3600 until 11:00\n"},
    {"a conflict: the lower rank is used", "10:00 c; 11:00 S=5 O=5",
     "ticket open conflicts 1 created 10:00\n"
     "acknowledgement 11:00\n"
     "span 10:00 to -\n"},
    {"a conflict: the content that sorts first, not the number",
     "10:00 u{category=zz}; 10:00 c{category=b}=5 c{category=a}=5",
     "ticket new conflicts 1 created 10:00 {category=a} now {category=zz}\n"
     "span 10:00 to - {category=zz}\n"},
    {"no event, no row", "", ""},
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

static void exchange(struct event **events, size_t a, size_t b)
{
    struct event *e = events[a];
    events[a] = events[b];
    events[b] = e;
}

static void test_event_without_ticket(void **state)
{
    struct fold_bench *b = *state;
    struct notation n;
    notation_init(&n, "10:00 q:4/1-5{site=H1}=1");
    assert_string_equal(fold_bench_text(b, n.dictionary, n.events, n.n, true),
                        "rating 10:00 4/1-5 survey loose {site=H1}\n"
                        "answer 10:00 #0 4/1-5 loose {site=H1}\n");
    notation_fini(&n);

    notation_init(&n, "10:00 q:4/1-5{site=H1}=1; 10:00 q:3/1-5{site=H1}=1; 11:00 q:1/1-5{site=H1}=1");
    for (size_t i = 0; i < 6; i++) {
        exchange(n.events, i % 2, i % 2 + 1); /* goes through all orders of three */
        assert_string_equal(fold_bench_text(b, n.dictionary, n.events, n.n, true),
                            "ticket conflicts 2 loose\nrating 10:00 3/1-5 survey loose {site=H1}\n"
                            "answer 10:00 #0 3/1-5 loose {site=H1}\n");
    }
    notation_fini(&n);

    notation_init(&n, "10:00 call:answered:q12{site=H1}=1");
    assert_string_equal(fold_bench_text(b, n.dictionary, n.events, n.n, true),
                        "contact 10:00 answered queue 12 loose {site=H1}\n");
    notation_fini(&n);

    notation_init(&n, "10:00 sent:csat{site=H1}=1");
    assert_string_equal(fold_bench_text(b, n.dictionary, n.events, n.n, true),
                        "sending 10:00 csat loose {site=H1}\n");
    notation_fini(&n);
}

static void test_without_reference(void **state)
{
    struct fold_bench *b = *state;
    struct notation n;
    struct reference *kept = b->reference;
    b->reference = NULL;
    notation_init(&n, "10:00 c{tier=1} @A; 10:20 @B{tier=2}; 11:00 S");
    assert_non_null(strstr(fold_bench_text(b, n.dictionary, n.events, n.n, false),
                           "handoffs 1 escalated tier 1 before last"));
    notation_fini(&n);
    notation_init(&n, "10:00 c @A; 10:20 @B; 11:00 S");
    assert_non_null(strstr(fold_bench_text(b, n.dictionary, n.events, n.n, false), "handoffs 1 level last"));
    notation_fini(&n);
    b->reference = kept;
}

/* A ticket as large as one may be, in the worst order: statuses back and forth, each id used by two. */
static void test_large_ticket(void **state)
{
    struct fold_bench *b = *state;
    struct dictionary *dictionary;
    struct event **events = calloc(EVENT_TICKET_MAX, sizeof(struct event *));
    assert_non_null(events);
    assert_int_equal(dictionary_new(&dictionary), 0);
    size_t n = 0;
    for (; n < EVENT_TICKET_MAX; n++) {
        struct event *e = calloc(1, event_size(2));
        assert_non_null(e);
        /* the second of each pair, a minute later, is the conflict */
        e->at = INT64_C(1704672000000) + (int64_t)(n / 2) * 3600000 + (n % 2) * 60000;
        e->id = (n / 2) * UINT64_C(0x9e3779b97f4a7c15);
        e->type = n < 2 ? EVENT_TICKET_CREATED : EVENT_TICKET_STATUS;
        e->n_fields = n < 2 ? 1 : 2;
        e->fields[0] =
            n < 2 ? event_field_pack(FIELD_BY, BY_REQUESTER) : event_field_pack(FIELD_AUTOMATED, 0);
        e->fields[1] = event_field_pack(FIELD_TO, n / 2 % 2 ? STATUS_SOLVED : STATUS_OPEN);
        events[n] = e;
    }
    const char *text = fold_bench_text(b, dictionary, events, n, false);
    assert_non_null(strstr(text, "ticket solved conflicts 2048 created 00:00\n"));
    assert_non_null(
        strstr(text, "solve d85 07:00 #1023 new 3600 open 3682800 pending 0 hold 0 again 3600 last\n"));
    char *expected = strdup(text);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = n; i > 1; i--)
            exchange(events, round ? (size_t)rand_r(&b->seed) % i : (n - i) / 2, i - 1);
        assert_string_equal(fold_bench_text(b, dictionary, events, n, false), expected);
    }
    free(expected);
    for (size_t i = 0; i < n; i++)
        free(events[i]);
    free(events);
    dictionary_free(dictionary);
}

static int refuse_row(void *context, const struct fact_row *row)
{
    unsigned *n = context;
    return ++*n == 2 ? -EIO : 0;
}

static void test_emit_ends_the_fold(void **state)
{
    struct fold_bench *b = *state;
    struct notation n;
    unsigned n_rows = 0;
    notation_init(&n, "10:00 c; 11:00 S");
    const struct fold_environment environment = {.dictionary = n.dictionary};
    const struct fold_subject subject = {.number = 7};
    assert_int_equal(fold_run(b->fold, &environment, &subject, (const struct event *const *)n.events, n.n,
                              FACT_TABLES_ALL, refuse_row, &n_rows),
                     -EIO);
    assert_int_equal(n_rows, 2);
    notation_fini(&n);
    fold_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_in_every_order), cmocka_unit_test(test_cases_contradicted),
        cmocka_unit_test(test_event_without_ticket), cmocka_unit_test(test_without_reference),
        cmocka_unit_test(test_large_ticket),         cmocka_unit_test(test_emit_ends_the_fold),
    };
    return cmocka_run_group_tests(tests, fold_bench_setup, fold_bench_teardown);
}
