/* The configuration: what is taken, and the exact words for what is not. */
#include "core/tenant/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static struct config *parse(const char *text, struct config_problems *p)
{
    config_problems_init(p, "t.yaml");
    return config_parse(text, strlen(text), p);
}

/* One file, and all that is told about it. */
static const struct {
    const char *text, *problems;
} WRONG[] = {
    {"dta: /x\n", "t.yaml:1:1: unknown key \"dta\" of the configuration; did you mean \"data\"?\n"},
    {"tenants:\n  - name: a\n    zoen: UTC\n",
     "t.yaml:3:5: unknown key \"zoen\" of a tenant; did you mean \"zone\"?\n"},
    {"plugins: {source: s, plugin: p, stamp: {colour: red}}\ntenants: {name: a}\n",
     "t.yaml:1:41: unknown key \"colour\" of a stamp, which has vendor, outsourcer\n"},
    {"data: var/lib\n", "t.yaml:1:7: data takes an absolute path without \".\" and \"..\" in it\n"},
    {"data: /var/../lib\n", "t.yaml:1:7: data takes an absolute path without \".\" and \"..\" in it\n"},
    {"data: [/a, /b]\n", "t.yaml:1:7: data takes a single value, not a list\n"},
    {"data: ''\n", "t.yaml:1:7: data takes a text that is not empty\n"},
    {"data: /x\nkeys: /x/keys\n",
     "t.yaml:2:7: keys must not lie under data: a copy of the data would hold the keys too\n"},
    {"data: /x/keys\nkeys: /x/keys/\n",
     "t.yaml:2:7: keys must not lie under data: a copy of the data would hold the keys too\n"},
    {"data: /x\nrun: /x/run\n", "t.yaml:2:6: run and data must be two directories, neither in the other\n"},
    {"log_level: inof\n",
     "t.yaml:1:12: log_level takes error, warning, info or debug; did you mean \"info\"?\n"},
    {"committers: 0\n", "t.yaml:1:13: committers takes a whole number from 1 to 64\n"},
    {"committers: 1e1\n", "t.yaml:1:13: committers takes a whole number from 1 to 64\n"},
    {"credit: 64 parsecs\n", "t.yaml:1:9: credit takes a size with its unit (64GiB) from 1MiB to 4GiB\n"},
    {"tenants: {name: a, limits: {query_time: 10}}\n",
     "t.yaml:1:41: query_time takes a duration with its unit (10s) from 100ms to 1h\n"},
    {"listen: ipc:///x\n", "t.yaml:1:9: listen takes tcp://ADDRESS:PORT, for example tcp://127.0.0.1:7780\n"},
    {"listen: [tcp://127.0.0.1:7780, tcp://127.0.0.1:77800]\n",
     "t.yaml:1:32: listen takes tcp://ADDRESS:PORT, for example tcp://127.0.0.1:7780\n"},
    {"tenants: [{zone: UTC}]\n", "t.yaml:1:11: a tenant needs the key \"name\"\n"},
    {"tenants: [River Bend]\n", "t.yaml:1:11: a tenant is a map of keys, not a single value\n"},
    {"tenants: [{name: River}]\n", "t.yaml:1:18: name takes a name: at most 64 of a-z, 0-9, \".\", \"_\" and "
                                   "\"-\", a letter or digit first\n"},
    {"tenants:\n- name: a\n- name: b\n- name: a\n",
     "t.yaml:4:9: the tenant \"a\" stands here and in line 2\n"},
    {"tenants: [{name: a, dimensions: [wing, Wing, severity, wing, beds]}]\n",
     "t.yaml:1:40: a dimension is called by a-z, 0-9 and \"_\", a letter first, at most 64\n"
     "t.yaml:1:46: the name \"severity\" is taken: it has a meaning of its own\n"
     "t.yaml:1:56: the dimension \"wing\" is declared twice\n"
     "t.yaml:1:62: the name \"beds\" is taken: it has a meaning of its own\n"},
    {"tenants: {name: a, closed: category}\n", NULL},
    {"tenants: {name: a, closed: [category, ward, team, wing], dimensions: ward}\n",
     "t.yaml:1:51: there is no dimension \"wing\" to close; the tenant's own stand in dimensions\n"},
    {"tenants: {name: a, closed: [channel, tier, catgory, policy]}\n",
     "t.yaml:1:29: \"channel\" need not be closed: it takes nothing but its fixed list or range\n"
     "t.yaml:1:38: \"tier\" need not be closed: it takes nothing but its fixed list or range\n"
     "t.yaml:1:44: there is no dimension \"catgory\" to close; did you mean \"category\"?\n"
     "t.yaml:1:53: there is no dimension \"policy\" to close; the tenant's own stand in dimensions\n"},
    {"tenants: {name: a, not_level1: [a b c d e f]}\n",
     "t.yaml:1:33: not_level1 takes categories: at most 64 printable bytes with at most 4 spaces\n"},
    {"tenants: {name: a, nearshore: [MX, Canada]}\n",
     "t.yaml:1:36: nearshore takes countries as two capital letters, for example MX\n"},
    {"tenants: {name: a, calendar: \"a b c d e f\"}\n",
     "t.yaml:1:30: calendar takes a code: at most 64 printable bytes with at most 4 spaces\n"},
    {"tenants: {name: a, retention: {log: 400d, facts: 300d}}\n",
     "t.yaml:1:50: facts live at least as long as the log: make \"facts\" the longer of the two, or leave it "
     "out\n"},
    {"tenants: {name: a, retention: {facts: 300d}}\n",
     "t.yaml:1:39: figures cannot go while their events stay for ever: say how long \"log\" is, too\n"},
    {"tenants: {name: a, retention: {log: 400d, facts: 1100d}}\n", NULL},
#define POLICY "tenants:\n- name: a\n  dimensions: [contract]\n  sla:\n"
#define FIRST  "  - {policy: p, metric: first_response_time, target: 30m, clock: wall"
    {POLICY FIRST ", where: {vendor: [acme, bpo], contract: gold, channel: phone, severity: 1}}\n", NULL},
    {POLICY "  - {policy: p, metric: first_responce_time, target: 30, clok: wall}\n",
     "t.yaml:5:58: unknown key \"clok\" of a policy; did you mean \"clock\"?\n"
     "t.yaml:5:25: metric takes first_response_time, next_response_time, time_to_acknowledge, "
     "first_resolution_time, requester_wait_time or support_work_time; did you mean "
     "\"first_response_time\"?\n"
     "t.yaml:5:54: target takes a duration with its unit (10s) from 1ms to 87660h\n"
     "t.yaml:5:5: a policy needs the key \"clock\"\n"},
    {POLICY FIRST ", calendar: clinic}\n",
     "t.yaml:5:82: the clock \"wall\" looks at no calendar: take \"business\", or leave the calendar out\n"},
    {POLICY FIRST ", where: {vender: acme, beds: 5}}\n",
     "t.yaml:5:80: events carry no dimension \"vender\"; did you mean \"vendor\"?\n"
     "t.yaml:5:94: events carry no dimension \"beds\": a policy looks at a built-in dimension or at one that "
     "stands under dimensions\n"},
    {POLICY FIRST
     ", where: {channel: [phone, emial], severity: 5, contract: [], team: {a: b}, tier: null}}\n",
     "t.yaml:5:97: there is no channel \"emial\"; did you mean \"email\"?\n"
     "t.yaml:5:115: severity takes a whole number from 1 to 4\n"
     "t.yaml:5:128: contract takes from 1 to 64 values\n"
     "t.yaml:5:138: team takes a value or a list of values\n"
     "t.yaml:5:152: tier takes a value or a list of values\n"},
    {POLICY FIRST ", where: {}}\n" FIRST ", where: {vendor: x}}\n",
     "t.yaml:6:5: no ticket is left for this policy: the one in line 5 has no conditions and takes all of "
     "that metric\n"},
    {"tenants: {name: a, limits: {stored_bytes: 16TiB}}\n", NULL},
    {"plugins: {source: s, plugin: p}\n",
     "t.yaml:1:10: a plugin needs the key \"tenant\": there is none to take\n"},
    {"tenants: [name: a, name: b]\nplugins: {source: s, plugin: p}\n",
     "t.yaml:2:10: a plugin needs the key \"tenant\": there are several\n"},
    {"tenants: [name: riverbend]\nplugins: {source: s, plugin: p, tenant: riverbent}\n",
     "t.yaml:2:41: there is no tenant \"riverbent\"; did you mean \"riverbend\"?\n"},
    {"tenants: [name: a]\nplugins:\n- {source: s, plugin: p}\n- {source: s, plugin: q, tenant: a}\n",
     "t.yaml:4:12: the source \"s\" of a stands here and in line 3; each needs a name of its own\n"},
    {"tenants: [name: a]\nplugins: {source: s, plugin: p, types: [ticket.*, survey.respond]}\n",
     "t.yaml:2:51: there is no event type \"survey.respond\"; did you mean \"survey.response\"?\n"},
    {"tenants: [name: a]\nplugins: {source: s, plugin: p, enabled: yes}\n",
     "t.yaml:2:42: enabled takes true or false\n"},
    {"tenants: [name: a]\nplugins: {source: s, plugin: p, options: [1]}\n",
     "t.yaml:2:42: options takes a map, not a list\n"},
    {"tenants: [name: a]\nplugins: {source: s, plugin: p, stamp: {vendor: one two three four five six}}\n",
     "t.yaml:2:49: vendor takes a code: at most 64 printable bytes with at most 4 spaces\n"},
    /* the file itself */
    {"data: /a\ndata: /b\n", "t.yaml:2:1: the key \"data\" stands here and in line 1; keep one\n"},
    {"data: &a /x\nrun: *a\n",
     "t.yaml:1:7: anchors, aliases and tags are not taken; write the value itself\n"},
    {"data: !!str /x\n", "t.yaml:1:7: anchors, aliases and tags are not taken; write the value itself\n"},
    {"- data\n", "t.yaml:1:1: the configuration is a map of keys, not a list\n"},
    {"data: /x\n---\ndata: /y\n", "t.yaml:2:1: a second document begins; the configuration is one\n"},
    {"{[a]: b}\n", "t.yaml:1:2: a key must be one word\n"},
    {"data: [/x\n", "t.yaml:2:1: did not find expected ',' or ']' while parsing a flow sequence\n"},
    {"\tdata: /x\n",
     "t.yaml:1:1: found character that cannot start any token while scanning for the next token\n"},
    {"data: \"a\\0b\"\n", "t.yaml:1:7: the text has a NUL byte\n"},
    {"data: \xff\xfe\n", "t.yaml: byte 6: invalid leading UTF-8 octet\n"},
    {"a: [[[[[[[[[[[[[[1]]]]]]]]]]]]]]\n", "t.yaml:1:16: nested deeper than 12\n"},
};

static void wrong_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(*WRONG); i++) {
        struct config_problems p;
        struct config *c = parse(WRONG[i].text, &p);
        if (WRONG[i].problems) {
            assert_null(c);
            assert_string_equal(config_problems_text(&p), WRONG[i].problems);
        } else
            assert_non_null(c);
        config_unref(c);
        config_problems_fini(&p);
    }
}

static void zone_unknown(void **state)
{
    (void)state;
    struct config_problems p;
    assert_null(parse("tenants: {name: a, zone: America/Chicagoo}\n", &p));
    const char *text = config_problems_text(&p);
    assert_memory_equal(text, "t.yaml:1:26: ", 13);
    assert_non_null(strstr(text, "America/Chicago"));
    config_problems_fini(&p);
}

static void twenty_are_told(void **state)
{
    (void)state;
    struct config_problems p;
    char text[1024] = "";
    for (int i = 0; i < 30; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "x%02d: 1\n", i);
    assert_null(parse(text, &p));
    assert_int_equal(p.n, 30);
    const char *told = config_problems_text(&p);
    assert_non_null(strstr(told, "t.yaml:20:1: unknown key \"x19\""));
    assert_null(strstr(told, "x20"));
    assert_non_null(strstr(told, "t.yaml: and 10 more\n"));
    config_problems_fini(&p);
}

static void presets_hold(void **state)
{
    (void)state;
    struct config_problems p;
    struct config *c = parse("# nothing but a remark\n", &p);
    assert_non_null(c);
    assert_string_equal(c->data, "/var/lib/tendon");
    assert_string_equal(c->run, "/run/tendon");
    assert_int_equal(c->listen.n, 0);
    assert_int_equal(c->plugin_path.n, 1);
    assert_int_equal(c->log_level, 2);
    assert_int_equal(c->credit_bytes, 64 << 20);
    assert_int_equal(c->tenants.n, 0);
    config_unref(c);
    config_problems_fini(&p);
}

static const char WHOLE[] = "data: /srv/tendon\n"
                            "run: /run/t\n"
                            "listen: tcp://127.0.0.1:7780  # a list of one, written as the one\n"
                            "keys: /etc/t\n"
                            "log_level:\n"
                            "tenants:\n"
                            "  name: riverbend\n"
                            "  zone: America/Chicago\n"
                            "  dimensions: wing\n"
                            "  closed: [site, team]\n"
                            "  nearshore: [MX, CA]\n"
                            "  not_level1: [hardware, access request]\n"
                            "  limits: {stored_bytes: 2 GiB, query_time: 1m 30s, hot_events: 5000}\n"
                            "plugins:\n"
                            "  - source: desk\n"
                            "    plugin: servicenow\n"
                            "    types: [ticket.*, survey.response]\n"
                            "    stamp: {vendor: Acme Health}\n"
                            "    options:\n"
                            "      path: /srv/in.csv\n"
                            "      version: 1.10\n"
                            "      code: 007\n"
                            "      rate: 100\n"
                            "      follow: true\n"
                            "      text: \"true\"\n"
                            "      columns: {opened_at: Opened, list: [1, two]}\n"
                            "    enabled: false\n";

static void whole_file(void **state)
{
    (void)state;
    struct config_problems p;
    struct config *c = parse(WHOLE, &p);
    assert_string_equal(config_problems_text(&p), "");
    assert_non_null(c);
    assert_int_equal(c->listen.n, 1);
    assert_int_equal(c->log_level, 2); /* nothing written: the preset */
    const struct config_tenant *t = config_tenant_at(c, 0);
    assert_string_equal(t->dimensions.at[0], "wing");
    assert_int_equal(t->closed.n, 2);
    assert_string_equal(t->not_level1.at[1], "access request");
    assert_int_equal(t->limits.value.stored_bytes, 2ll << 30);
    assert_int_equal(t->limits.value.query_time, 90000);
    assert_int_equal(t->limits.value.hot_events, 5000);
    const struct config_plugin *plugin = config_plugin_at(c, 0);
    assert_string_equal(config_plugin_tenant(c, plugin), "riverbend");
    assert_string_equal(plugin->stamp.vendor, "Acme Health");
    assert_null(plugin->stamp.outsourcer);
    assert_true(plugin->type_bits >> EVENT_SURVEY_RESPONSE & 1);
    assert_false(plugin->type_bits >> EVENT_SURVEY_SENT & 1);
    assert_false(plugin->type_bits >> EVENT_CONTACT_ENDED & 1);
    assert_false(plugin->enabled);
    char *options = json_dumps(plugin->options, JSON_COMPACT);
    assert_string_equal(options,
                        "{\"path\":\"/srv/in.csv\",\"version\":\"1.10\",\"code\":\"007\",\"rate\":100,"
                        "\"follow\":true,\"text\":\"true\","
                        "\"columns\":{\"opened_at\":\"Opened\",\"list\":[1,\"two\"]}}");
    free(options);
    config_unref(c);
    config_problems_fini(&p);
}

static void what_needs_a_restart(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after, *key;
    } CASES[] = {
        {"data: /a\n", "data: /a\nlog_level: debug\ntenants: {name: x}\n", NULL},
        {"data: /a\n", "data: /b\n", "data"},
        {"listen: tcp://a:1\n", "listen: [tcp://a:1]\n", NULL},
        {"listen: tcp://a:1\n", "listen: tcp://a:2\n", "listen"},
        {"credit: 1MiB\n", "credit: 2MiB\n", "credit"},
        {"plugin_host: /x\n", "run: /run/tendon\n", "plugin_host"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
        struct config_problems p, q;
        struct config *a = parse(CASES[i].before, &p), *b = parse(CASES[i].after, &q);
        assert_non_null(a);
        assert_non_null(b);
        const char *key = config_section_changed(&CONFIG_DAEMON, a, b);
        if (CASES[i].key)
            assert_string_equal(key, CASES[i].key);
        else
            assert_null(key);
        config_unref(a);
        config_unref(b);
        config_problems_fini(&p);
        config_problems_fini(&q);
    }
}

static void no_file(void **state)
{
    (void)state;
    struct config_problems p;
    config_problems_init(&p, "/nowhere/t.yaml");
    assert_null(config_read("/nowhere/t.yaml", &p));
    assert_string_equal(config_problems_text(&p),
                        "/nowhere/t.yaml: cannot be read: No such file or directory\n");
    config_problems_fini(&p);
}

/* Whatever the bytes: read or refused, never worse. Every prefix of a good file, and one byte changed. */
static void broken_bytes(void **state)
{
    (void)state;
    char text[sizeof(WHOLE)];
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof(WHOLE); i++) {
        struct config_problems p;
        config_problems_init(&p, "t.yaml");
        config_unref(config_parse(WHOLE, i, &p));
        config_problems_fini(&p);
        memcpy(text, WHOLE, sizeof(WHOLE));
        random = random * 1664525 + 1013904223;
        text[i] = (char)(random >> 24);
        config_problems_init(&p, "t.yaml");
        struct config *c = config_parse(text, sizeof(WHOLE) - 1, &p);
        assert_true((c == NULL) == (p.n > 0));
        config_unref(c);
        config_problems_fini(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_files),     cmocka_unit_test(zone_unknown),
        cmocka_unit_test(twenty_are_told), cmocka_unit_test(presets_hold),
        cmocka_unit_test(whole_file),      cmocka_unit_test(what_needs_a_restart),
        cmocka_unit_test(no_file),         cmocka_unit_test(broken_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
