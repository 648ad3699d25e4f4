/* The plugins csv and servicenow: what becomes of a row, whatever file it stands in. */
#include "tests/unit/fake_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#define INCIDENTS "../shared/data/incidents.csv.gz"

static char FOLDER[64], PATH[128];

static int setup(void **state)
{
    (void)state;
    strcpy(FOLDER, "/tmp/tendon-csv-XXXXXX");
    assert_non_null(mkdtemp(FOLDER));
    snprintf(PATH, sizeof(PATH), "%s/log.csv", FOLDER);
    return 0;
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", FOLDER);
    return system(command);
}

static void put(const char *text)
{
    FILE *file = fopen(PATH, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void open_plugin(struct fake_host *host, const char *so, const struct fake_option *options)
{
    fake_load(host, so, options);
    if (fake_create(host) != TENDON_OK)
        fail_msg("%s", host->err);
    assert_int_equal(fake_start(host), TENDON_OK);
}

/* The line's fields without its id. */
static const char *without_id(const char *line)
{
    static char text[8192];
    char type[64], ticket[160], id[160];
    unsigned seq;
    long long at;
    int n = 0;

    if (!line)
        return "nothing";
    assert_int_equal(sscanf(line, "%63s %159s %lld %u %159s%n", type, ticket, &at, &seq, id, &n), 5);
    snprintf(text, sizeof(text), "%s %s %lld %u%s", type, ticket, at, seq, line + n);
    return text;
}

/* --- one row one event -----------------------------------------------------------------------------------
 */

static void test_event_rows(void **state)
{
    static const struct fake_option options[] = {
        {"path", NULL, PATH},
        {"rows", NULL, "event"},
        {"separator", NULL, ";"},
        {"time_format", NULL, "%d.%m.%Y %H:%M"},
        {"columns", "type", "What"},
        {"columns", "at", "When"},
        {"columns", "ticket", "Case"},
        {"columns", "id", "Key"},
        {"columns", "to", "State"},
        {"columns", "severity", "Prio"},
        {"columns", "direction", "Way"},
        {"columns", "automated", "Bot"},
        {"columns", "score", "Stars"},
        {"constants", "vendor", "acme"},
        {"constants", "min", "1"},
        {"constants", "max", "5"},
        {"constants", "instrument", "csat"},
        {"dimensions", "ward", "Ward"},
        {"values", "type:Opened", "ticket.created"},
        {"values", "type:Mail", "ticket.message"},
        {"values", "type:State", "ticket.status"},
        {"values", "type:Stars", "survey.response"},
        {"values", "to:done", "solved"},
        {"values", "severity:*", ""},
        {"values", "severity:high", "1"},
        {"lower", NULL, "to"},
        {"missing", NULL, "n/a"},
        {0},
    };
    struct fake_host host;

    (void)state;
    put("When;What;Case;Key;State;Prio;Way;Bot;Stars;Ward\n"
        "08.01.2024 10:00;Opened;T1;k1;x;high;;;;W 1\n"
        "08.01.2024 10:05;Mail;T1;k2;;low;out;yes;;n/a\n"
        "08.01.2024 11:00;State; T1 ;;DONE;;in;no;;\n"
        "08.01.2024 12:00;Stars;T1;k4;;;;;4,5;\n"
        "08.01.2024 12:00;Nonsense;T1;k5;;;;;;\n"
        "soon;Opened;T1;k6;;;;;;\n"
        ";Opened;T1;k6;;;;;;\n"
        "08.01.2024 12:00;Opened;;k7;;;;;;\n"
        "08.01.2024 12:00;Stars;T1;k4;;;;;four;\n"
        "08.01.2024 12:00;Mail;T1;k8;;;;maybe;;\n");
    open_plugin(&host, CSV_SO, options);
    assert_int_equal(fake_drain(&host), TENDON_IDLE);
    assert_int_equal(host.n_lines, 4);
    assert_string_equal(host.lines[0],
                        "ticket.created T1 1704708000000 0 k1 vendor=acme severity=1 ward=W 1");
    assert_string_equal(host.lines[1],
                        "ticket.message T1 1704708300000 0 k2 vendor=acme direction=out automated=true");
    assert_string_equal(without_id(host.lines[2]),
                        "ticket.status T1 1704711600000 0 vendor=acme automated=false to=solved");
    assert_string_equal(host.lines[3], "survey.response T1 1704715200000 0 k4 vendor=acme instrument=csat "
                                       "score=4.5 min=1 max=5");
    assert_int_equal(host.n_skips, 6);
    static const char *const codes[] = {"unknown_type", "bad_time",   "no_time",
                                        "no_ticket",    "bad_number", "bad_bool"};
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(host.skips[i].code, codes[i]);
        assert_string_equal(host.skips[i].where, "log.csv");
        assert_int_equal(host.skips[i].line, 6 + i);
    }
    fake_end(&host);
}

/* --- one row one ticket ----------------------------------------------------------------------------------
 */

static void test_ticket_rows(void **state)
{
    static const struct fake_option options[] = {
        {"path", NULL, PATH},
        {"rows", NULL, "ticket"},
        {"header", NULL, "false"},
        {"time_format", NULL, "%Y-%m-%d %H:%M"},
        {"columns", "ticket", "1"},
        {"columns", "team", "2"},
        {"columns", "score", "8"},
        {"constants", "instrument", "csat"},
        {"constants", "min", "1"},
        {"constants", "max", "5"},
        {"constants", "kind", "reassign"},
        {"times", "3", "created"},
        {"times", "4", "assigned"},
        {"times", "5", "responded"},
        {"times", "6", "solved"},
        {"times", "7", "rated"},
        {0},
    };
    struct fake_host host;

    (void)state;
    put("A7,T 1,2024-01-08 10:00,2024-01-08 10:00,2024-01-08 10:30,2024-01-08 11:00,2024-01-09 09:00,2\n"
        "A8,,2024-01-08 10:00,,,,,\n"
        "A9,T 1,2024-01-08 10:00,,,2024-13-08 11:00,,\n"
        "A9,,,,,,,\n");
    open_plugin(&host, CSV_SO, options);
    host.batch_lines = 2; /* a row whose events go into several batches */
    assert_int_equal(fake_drain(&host), TENDON_IDLE);
    assert_int_equal(host.n_lines, 6);
    assert_string_equal(without_id(host.lines[0]), "ticket.created A7 1704708000000 0 team=T 1");
    assert_string_equal(without_id(host.lines[1]),
                        "ticket.assigned A7 1704708000000 1 team=T 1 kind=reassign");
    assert_string_equal(without_id(host.lines[2]),
                        "ticket.message A7 1704709800000 2 team=T 1 direction=out");
    assert_string_equal(without_id(host.lines[3]), "ticket.status A7 1704711600000 3 team=T 1 to=solved");
    assert_string_equal(without_id(host.lines[4]),
                        "survey.response A7 1704790800000 4 team=T 1 instrument=csat score=2 min=1 max=5");
    assert_string_equal(without_id(host.lines[5]), "ticket.created A8 1704708000000 0");
    assert_int_equal(host.n_skips, 2);
    assert_string_equal(host.skips[0].code, "bad_time");
    assert_string_equal(host.skips[1].code, "no_time");
    fake_end(&host);
}

/* --- one row one state -----------------------------------------------------------------------------------
 */

static const char SNAPSHOTS[] =
    "number,incident_state,sys_mod_count,opened_at,sys_updated_at,contact_type,location,category,priority,"
    "assignment_group\n"
    "INC1,New,0,29/2/2016 01:16,29/2/2016 01:23,Phone,Location 143,?,3 - Moderate,Group 56\n"
    "INC1,Resolved,2,29/2/2016 01:16,29/2/2016 08:53,Self service,Location 143,Category 5,5 - Planning,?\n"
    "INC1,-100,3,29/2/2016 01:16,29/2/2016 09:53,Phone,Location 143,?,3 - Moderate,?\n"
    "INC1,New,x,29/2/2016 01:16,29/2/2016 09:53,Phone,Location 143,?,3 - Moderate,?\n"
    "INC1,New,0,29/2/2016 01:16,31/13/2016 09:53,Phone,Location 143,?,3 - Moderate,?\n"
    "INC1,New,0,29/2/2016 01:16,29/2/2016 09:53,Phone,Location 143,?,High,?\n"
    "?,New,0,29/2/2016 01:16,29/2/2016 09:53,Phone,Location 143,?,3 - Moderate,?\n";

static void test_servicenow_rows(void **state)
{
    static const struct fake_option options[] = {{"path", NULL, PATH}, {0}};
    static const char *const codes[] = {"unknown_status", "bad_number", "bad_time", "bad_number",
                                        "no_ticket"};
    struct fake_host host;

    (void)state;
    put(SNAPSHOTS);
    open_plugin(&host, SERVICENOW_SO, options);
    assert_int_equal(fake_drain(&host), TENDON_IDLE);
    assert_int_equal(host.n_lines, 7);
    assert_string_equal(without_id(host.lines[0]),
                        "ticket.updated INC1 1456708560000 1610558975 channel=phone severity=3 "
                        "category=nil site=Location 143");
    assert_string_equal(without_id(host.lines[1]), "ticket.created INC1 1456708560000 2147483648");
    assert_string_equal(without_id(host.lines[2]),
                        "ticket.assigned INC1 1456708980000 2147483649 team=Group 56 kind=route");
    assert_string_equal(without_id(host.lines[3]),
                        "ticket.status INC1 1456708980000 2147483649 channel=phone severity=3 "
                        "team=Group 56 site=Location 143 to=new");
    assert_string_equal(without_id(host.lines[6]),
                        "ticket.status INC1 1456735980000 2147483651 channel=portal severity=4 "
                        "category=Category 5 site=Location 143 to=solved");
    assert_string_equal(host.lines[1], host.lines[5]); /* the same creation, from either row */
    assert_int_equal(host.n_skips, 5);
    for (size_t i = 0; i < host.n_skips; i++)
        assert_string_equal(host.skips[i].code, codes[i]);
    fake_end(&host);
}

static void test_instance_of_its_own(void **state)
{
    static const struct fake_option options[] = {
        {"path", NULL, PATH},
        {"columns", "ticket", "Nr"},
        {"columns", "site", "Clinic"},
        {"dimensions", "ward", "W"},
        {"states", "parked", "hold"},
        {"states", "closed", "solved"},
        {"constants", "vendor", "acme"},
        {0},
    };
    struct fake_host host;

    (void)state;
    put("Nr,incident_state,sys_mod_count,opened_at,sys_updated_at,Clinic,W\n"
        "1,Parked,0,2016-02-29 01:16:00,2016-02-29 01:16:01,C1,W1\n"
        "1,Closed,1,2016-02-29 01:16:00,2016-02-29 01:16:02,C1,W1\n");
    open_plugin(&host, SERVICENOW_SO, options);
    assert_int_equal(fake_drain(&host), TENDON_IDLE);
    assert_non_null(fake_find(&host, "vendor=acme site=C1 ward=W1 to=hold"));
    assert_non_null(fake_find(&host, "vendor=acme site=C1 ward=W1 to=solved"));
    put("number,incident_state,sys_mod_count,opened_at,sys_updated_at\n1,New,0,2016-02-29 "
        "01:16:00,2016-02-29 01:16:01\n");
    fake_clear(&host);
    assert_int_equal(fake_drain(&host), TENDON_E_TEMPORARY); /* nothing of it counts as read */
    assert_non_null(strstr(host.err, "no column \"Nr\""));
    assert_int_equal(host.n_skips, 0);
    fake_end(&host);
}

/* One file of a folder that lacks a column costs its own rows only. */
static void test_folder_with_a_wrong_file(void **state)
{
    static const struct fake_option options[] = {{"path", NULL, FOLDER}, {0}};
    char path[128];
    struct fake_host host;
    FILE *file;

    (void)state;
    put("Nr,incident_state\n1,New\n");
    snprintf(path, sizeof(path), "%s/right.csv", FOLDER);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("number,incident_state,sys_mod_count,opened_at,sys_updated_at\n"
          "7,New,0,2016-02-29 01:16:00,2016-02-29 01:16:01\n",
          file);
    fclose(file);
    open_plugin(&host, SERVICENOW_SO, options);
    assert_int_equal(fake_drain(&host), TENDON_IDLE);
    assert_non_null(fake_find(&host, "ticket.status 7"));
    assert_int_equal(host.n_skips, 1);
    assert_string_equal(host.skips[0].code, "missing_column");
    assert_string_equal(host.skips[0].where, "log.csv");
    assert_non_null(strstr(host.log, "\"number\""));
    fake_end(&host);
}

/* --- wrong configurations --------------------------------------------------------------------------------
 */

static void test_refuses(void **state)
{
    static const struct {
        struct fake_option options[4];
        const char *says;
    } wrong[] = {
        {{{"rows", NULL, "event"}, {"columns", "tiket", "a"}}, "did you mean ticket?"},
        {{{"rows", NULL, "event"}, {"columns", "at", "a"}}, "needs the column of \"type\""},
        {{{"rows", NULL, "ticket"}, {"columns", "ticket", "a"}}, "which column holds which time"},
        {{{"rows", NULL, "event"}, {"values", "state", "a"}}, "is not FIELD:WORD"},
        {{{"rows", NULL, "event"}, {"values", "sevrity:a", "1"}}, "did you mean severity?"},
        {{{"rows", NULL, "event"}, {"dimensions", "ticket", "a"}}, "is a field already"},
        {{{"rows", NULL, "event"}, {"separator", NULL, "::"}}, "separator"},
        {{{"rows", NULL, "event"}, {"separator", NULL, "\""}}, "separator"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct fake_host host;
        struct fake_option options[5] = {{"path", NULL, PATH}};

        memcpy(options + 1, wrong[i].options, 3 * sizeof(options[0]));
        fake_load(&host, CSV_SO, options);
        assert_int_equal(fake_create(&host), TENDON_E_CONFIG);
        if (!strstr(host.err, wrong[i].says))
            fail_msg("\"%s\" does not say \"%s\"", host.err, wrong[i].says);
        fake_end(&host);
    }
}

/* --- the real log ----------------------------------------------------------------------------------------
 */

static const struct fake_option BY_CONFIGURATION[] = {
    {"path", NULL, PATH},
    {"rows", NULL, "snapshot"},
    {"time_format", NULL, "%d/%m/%Y %H:%M"},
    {"missing", NULL, "?"},
    {"columns", "ticket", "number"},
    {"columns", "at", "sys_updated_at"},
    {"columns", "version", "sys_mod_count"},
    {"columns", "opened", "opened_at"},
    {"columns", "to", "incident_state"},
    {"columns", "site", "location"},
    {"columns", "severity", "priority"},
    {"columns", "channel", "contact_type"},
    {"columns", "category", "category"},
    {"columns", "team", "assignment_group"},
    {"values", "to:New", "new"},
    {"values", "to:Active", "open"},
    {"values", "to:Awaiting User Info", "pending"},
    {"values", "to:Awaiting Vendor", "hold"},
    {"values", "to:Awaiting Problem", "hold"},
    {"values", "to:Awaiting Evidence", "hold"},
    {"values", "to:Resolved", "solved"},
    {"values", "to:Closed", "closed"},
    {"values", "severity:1 - Critical", "1"},
    {"values", "severity:2 - High", "2"},
    {"values", "severity:3 - Moderate", "3"},
    {"values", "severity:4 - Low", "4"},
    {"values", "channel:Phone", "phone"},
    {"values", "channel:Email", "email"},
    {"values", "channel:Self service", "portal"},
    {"values", "channel:IVR", "phone"},
    {"values", "channel:Direct opening", "web"},
    {0},
};

static void read_all(struct fake_host *host, const char *so, const struct fake_option *options)
{
    open_plugin(host, so, options);
    host->sums_only = true;
    assert_int_equal(fake_drain(host), TENDON_IDLE);
}

/* The rows of the log, as lines; and in another order as a file. */
struct log {
    char *text;
    char **lines;
    size_t n_lines;
};

static void log_read(struct log *log)
{
    gzFile file = gzopen(INCIDENTS, "rb");
    size_t size = 64 * 1024 * 1024, n;

    assert_non_null(file);
    log->text = malloc(size);
    assert_non_null(log->text);
    n = (size_t)gzread(file, log->text, (unsigned)size - 1);
    gzclose(file);
    log->text[n] = '\0';
    log->lines = calloc(200000, sizeof(*log->lines));
    log->n_lines = 0;
    for (char *line = strtok(log->text, "\n"); line; line = strtok(NULL, "\n"))
        log->lines[log->n_lines++] = line;
}

static void test_incidents(void **state)
{
    static const struct fake_option original[] = {{"path", NULL, INCIDENTS}, {0}};
    static const struct fake_option sorted[] = {{"path", NULL, PATH}, {0}};
    struct fake_host host;
    struct log log;
    uint64_t sum, state_bits = 1;
    FILE *file;

    (void)state;
    if (access(INCIDENTS, R_OK) != 0) {
        print_message("skipped: the incident log is not beside the checkout\n");
        skip();
    }
    read_all(&host, SERVICENOW_SO, original);
    assert_int_equal(host.n_skips, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(host.skips[i].code, "unknown_status");
    assert_int_equal(host.skips[0].line, 115643);
    assert_true(host.n_events > 3 * 141707);
    sum = host.sum;
    fake_end(&host);

    log_read(&log);
    for (size_t i = log.n_lines - 1; i > 1; i--) { /* the same rows in any order: the same events */
        size_t other;
        char *line = log.lines[i];

        state_bits = state_bits * 6364136223846793005u + 1442695040888963407u;
        other = 1 + (state_bits >> 33) % i;
        log.lines[i] = log.lines[other];
        log.lines[other] = line;
    }
    file = fopen(PATH, "w");
    for (size_t i = 0; i < log.n_lines; i++)
        fprintf(file, "%s\n", log.lines[i]);
    fclose(file);
    free(log.lines);
    free(log.text);
    read_all(&host, SERVICENOW_SO, sorted);
    assert_int_equal(host.sum, sum);
    fake_end(&host);
    read_all(&host, CSV_SO, BY_CONFIGURATION); /* and the same by configuration alone */
    assert_int_equal(host.sum, sum);
    fake_end(&host);
}

static void test_resumes(void **state)
{
    static const struct fake_option options[] = {{"path", NULL, PATH}, {0}};
    struct fake_host host;
    uint64_t sum;
    char *text = malloc(1 << 20);
    size_t n;

    (void)state;
    n = (size_t)sprintf(text, "number,incident_state,sys_mod_count,opened_at,sys_updated_at\n");
    for (int i = 0; i < 5000; i++)
        n += (size_t)sprintf(text + n, "INC%d,New,0,29/2/2016 01:16,29/2/2016 01:%02d\n", i, i % 60);
    put(text);
    free(text);
    read_all(&host, SERVICENOW_SO, options);
    sum = host.sum;
    fake_end(&host);
    open_plugin(&host, SERVICENOW_SO, options);
    host.sums_only = true;
    host.batch_lines = 301;
    for (int i = 0; fake_poll(&host) == TENDON_OK; i++) {
        if (i % 3 != 2)
            continue;
        host.plugin->destroy(host.self); /* as after a crash: from the cursor on */
        assert_int_equal(fake_create(&host), TENDON_OK);
        assert_int_equal(fake_start(&host), TENDON_OK);
    }
    assert_int_equal(host.sum, sum);
    fake_end(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_event_rows),
        TEST(test_ticket_rows),
        TEST(test_servicenow_rows),
        TEST(test_instance_of_its_own),
        TEST(test_folder_with_a_wrong_file),
        TEST(test_refuses),
        TEST(test_incidents),
        TEST(test_resumes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
