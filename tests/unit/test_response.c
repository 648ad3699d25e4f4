/* What a plugin is told of a server's answer. */
#include "plugins/host/http/response.h"

#include "plugins/host/parcel.h"
#include "proto/tendon_plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void header(struct response *r, const char *line)
{
    response_header(r, line, strlen(line));
}

static int64_t number(const struct buffer *b, enum parcel_tag tag)
{
    struct parcel_field field = parcel_find(b->data, b->size, tag);
    return parcel_number(&field);
}

static void test_results(void **state)
{
    static const struct {
        long status;
        int result;
    } CASES[] = {{200, TENDON_OK},          {204, TENDON_OK},          {301, TENDON_INVALID},
                 {304, TENDON_IDLE},        {400, TENDON_INVALID},     {401, TENDON_E_AUTH},
                 {403, TENDON_E_AUTH},      {404, TENDON_INVALID},     {408, TENDON_E_TEMPORARY},
                 {410, TENDON_INVALID},     {425, TENDON_E_TEMPORARY}, {429, TENDON_E_TEMPORARY},
                 {500, TENDON_E_TEMPORARY}, {503, TENDON_E_TEMPORARY}, {599, TENDON_E_TEMPORARY}};
    struct response r;
    struct buffer b;
    response_init(&r, 1024);
    buffer_init(&b, 65536);
    for (unsigned i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
        char text[256] = "", status[16];
        r.status = CASES[i].status;
        assert_int_equal(response_pack(&r, NULL, "the server of option url", "GET", &b), 0);
        assert_int_equal(number(&b, PARCEL_RESULT), CASES[i].result);
        assert_int_equal(number(&b, PARCEL_STATUS), CASES[i].status);
        struct parcel_field error = parcel_find(b.data, b.size, PARCEL_ERROR);
        memcpy(text, error.data ? error.data : "", error.size);
        (void)snprintf(status, sizeof(status), "%ld", CASES[i].status);
        bool is_error = CASES[i].result != TENDON_OK && CASES[i].result != TENDON_IDLE;
        assert_int_equal(strstr(text, status) != NULL && strstr(text, "option url") != NULL, is_error);
    }
    buffer_fini(&b);
    response_fini(&r);
}

static int64_t retry(const char *value, long status)
{
    struct response r;
    struct buffer b;
    char line[128];
    response_init(&r, 1024);
    buffer_init(&b, 65536);
    r.status = status;
    (void)snprintf(line, sizeof(line), "Retry-After: %s\r\n", value);
    header(&r, line);
    int64_t ms = response_pack(&r, NULL, "it", "GET", &b);
    if (status == 429)
        assert_int_equal(number(&b, PARCEL_RETRY_MS), ms);
    buffer_fini(&b);
    response_fini(&r);
    return ms;
}

static void test_retry_after(void **state)
{
    assert_int_equal(retry("7", 429), 7000);
    assert_int_equal(retry("7", 200), 0); /* nothing has to be waited for */
    assert_int_equal(retry("0", 429), 0);
    assert_int_equal(retry("", 429), 0);
    assert_int_equal(retry("soon", 429), 0);
    assert_int_equal(retry("-3", 429), 0);
    assert_int_equal(retry("99999999999999999999", 503), 86400000);
    char date[64];
    time_t then = time(NULL) + 100;
    (void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime(&then));
    assert_in_range(retry(date, 503), 90000, 100000);
    assert_int_equal(retry("Wed, 21 Oct 2015 07:28:00 GMT", 503), 0);
}

static void test_headers(void **state)
{
    struct response r;
    response_init(&r, 1024);
    header(&r, "HTTP/1.1 200 OK\r\n");
    header(&r, "X-Of-Proxy: 1\r\n");
    header(&r, "\r\n");
    header(&r, "HTTP/1.1 200 OK\r\n");
    header(&r, "LINK: <x>; rel=\"next\"\r\n");
    header(&r, "Set-Cookie: secret\r\n");
    header(&r, "Content-Length: 5\r\n");
    header(&r, "no colon\r\n");
    header(&r, ": no name\r\n");
    header(&r, "Empty:\r\n");
    header(&r, "\r\n");
    buffer_append(&r.headers, "", 1);
    assert_string_equal((const char *)r.headers.data, "link: <x>; rel=\"next\"\nempty: \n");
    /* As many as fit; one more does not spoil them. */
    char line[2000];
    memset(line, 'x', sizeof(line));
    line[1] = ':';
    response_clear(&r);
    for (unsigned i = 0; i < 100; i++)
        response_header(&r, line, sizeof(line));
    assert_false(buffer_failed(&r.headers));
    assert_in_range(r.headers.size, RESPONSE_HEADER_BYTES - 2002, RESPONSE_HEADER_BYTES);
    response_fini(&r);
}

/* The next page of an answer to https://desk.example:8443/api/tickets?page=1, or "". */
static const char *next(const char *link)
{
    static char room[512];
    struct response r;
    struct buffer b;
    char line[600];
    CURLU *url = curl_url();
    assert_int_equal(curl_url_set(url, CURLUPART_URL, "https://desk.example:8443/api/tickets?page=1", 0),
                     CURLUE_OK);
    response_init(&r, 1024);
    buffer_init(&b, 65536);
    r.status = 200;
    (void)snprintf(line, sizeof(line), "Link: %s", link);
    header(&r, line);
    (void)response_pack(&r, url, "it", "GET", &b);
    struct parcel_field field = parcel_find(b.data, b.size, PARCEL_NEXT);
    memcpy(room, field.data ? field.data : "", field.size);
    room[field.size] = '\0';
    buffer_fini(&b);
    response_fini(&r);
    curl_url_cleanup(url);
    return room;
}

static void test_the_next_page(void **state)
{
    assert_string_equal(next("<https://desk.example:8443/api/tickets?page=2>; rel=\"next\""),
                        "https://desk.example:8443/api/tickets?page=2");
    assert_string_equal(next("</api/tickets?page=2>; rel=next"),
                        "https://desk.example:8443/api/tickets?page=2");
    assert_string_equal(next("<?page=2>;rel=\"next\""), "https://desk.example:8443/api/tickets?page=2");
    assert_string_equal(next("<http://a/1>; rel=\"prev\", <http://a/3>; title=\"a, b\"; rel=\"next\", "
                             "<http://a/9>; rel=\"last\""),
                        "http://a/3");
    assert_string_equal(next("<http://a/1,2>; rel=\"next\""), "http://a/1,2");
    static const char *const NONE[] = {"",
                                       "<",
                                       "<x",
                                       "x>; rel=\"next\"",
                                       "<x>; rel=\"nextto\"",
                                       "<x>; rel=\"prev\"",
                                       "<x>",
                                       "<http://[>; rel=\"next\""};
    for (unsigned i = 0; i < sizeof(NONE) / sizeof(*NONE); i++)
        assert_string_equal(next(NONE[i]), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_the_next_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
