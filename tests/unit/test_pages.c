/* tendon-event(5) and tendon-protocol(7) against the schema: every name that the code knows is in its page.
 */
#include "proto/event.h"
#include "proto/wire.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *page_read(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", PAGES_PATH, name);
    FILE *f = fopen(path, "re");
    if (!f)
        fail_msg("%s cannot be opened", path);
    char *text = calloc(1, 64 * 1024);
    size_t n = fread(text, 1, 64 * 1024 - 1, f);
    assert_true(n > 1000 && n < 64 * 1024 - 1);
    (void)fclose(f);
    return text;
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* Whether the page has the name as a word of its own (with the page's marks around it). */
static void assert_said(const char *page, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = page; (at = strstr(at, name)); at += n) {
        char before = at == page ? ' ' : at[-1], behind = at[n];
        bool is_marked = before == '_' && behind == '_'; /* _underlined_ */
        bool ends_sentence = behind == '.' && !is_name(at[n + 1]);
        if (is_marked || (!is_name(before) && (!is_name(behind) || ends_sentence)))
            return;
    }
    fail_msg("the page does not say %s", name);
}

static void test_event_page(void **state)
{
    char *page = page_read("tendon-event.5.scd");
    for (int t = 0; t < EVENT_N_TYPES; t++)
        assert_said(page, EVENT_TYPE_INFO[t].name);
    for (int f = 0; f < FIELD_N; f++) {
        if (FIELDS[f].name)
            assert_said(page, FIELDS[f].name);
        for (int v = 0; FIELDS[f].values && FIELDS[f].values[v]; v++)
            assert_said(page, FIELDS[f].values[v]);
    }
    for (int r = 1; r < REJECT_N; r++)
        assert_said(page, event_reject_code((enum event_reject)r));
    free(page);
}

static void test_protocol_page(void **state)
{
    char *page = page_read("tendon-protocol.7.scd");
    for (int k = 0; k < WIRE_N_KINDS; k++)
        assert_said(page, wire_kind_name((enum wire_kind)k));
    for (int c = 0; c < WIRE_N_NACKS; c++)
        assert_said(page, wire_nack_code((enum wire_nack)c));
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event_page),
        cmocka_unit_test(test_protocol_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
