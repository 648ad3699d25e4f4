#include "plugins/host/http/fetch.h"

#include "core/base/instant.h"
#include "plugins/host/http/origin.h"
#include "plugins/host/http/request.h"
#include "plugins/host/http/response.h"
#include "plugins/host/parcel.h"
#include "plugins/host/pipe.h"
#include "proto/tendon_plugin.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 10000L
#define FDS_MAX    8

enum state {
    STATE_NONE,
    STATE_HELD, /* not sent before origin->next_ms: so many a minute */
    STATE_SENT,
    STATE_DONE /* the answer waits to be taken */
};

struct fetch {
    const struct options *options;
    struct tape *tape;
    struct origins origins;
    CURLM *multi;
    enum state state;
    struct request request;
    int64_t held_ms; /* STATE_HELD: until when */
    CURL *easy;
    bool is_in_multi, is_too_large;
    char trouble[CURL_ERROR_SIZE];
    struct response response;
    struct buffer answer;
};

int fetch_new(const struct options *options, struct tape *tape, struct fetch **ret, struct error *err)
{
    struct fetch *f = calloc(1, sizeof(*f));
    if (!f || origins_init(&f->origins, options->urls) < 0) {
        fetch_free(f);
        return error_set(err, -ENOMEM, "no_memory", "no memory for an HTTP client");
    }
    f->options = options;
    f->tape = tape;
    buffer_init(&f->answer, PIPE_ANSWER_BYTES);
    *ret = f;
    return 0;
}

static void let_go(struct fetch *f)
{
    if (f->easy) {
        if (f->is_in_multi)
            (void)curl_multi_remove_handle(f->multi, f->easy);
        curl_easy_cleanup(f->easy);
    }
    f->easy = NULL;
    f->is_in_multi = false;
    request_fini(&f->request);
    response_fini(&f->response);
}

void fetch_free(struct fetch *f)
{
    if (!f)
        return;
    let_go(f);
    curl_multi_cleanup(f->multi);
    origins_fini(&f->origins);
    buffer_fini(&f->answer);
    free(f);
}

static void finish(struct fetch *f)
{
    let_go(f);
    f->state = STATE_DONE;
}

static void fail(struct fetch *f, int result, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void fail(struct fetch *f, int result, const char *format, ...)
{
    char text[TENDON_ERROR_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    response_fail(&f->answer, result, text);
    finish(f);
}

/* --- what libcurl calls ----------------------------------------------------------------------------------
 */

static size_t take_body(char *data, size_t size, size_t n, void *ctx)
{
    struct fetch *f = ctx;
    buffer_append(&f->response.body, data, size * n);
    f->is_too_large = buffer_failed(&f->response.body);
    return f->is_too_large ? 0 : size * n;
}

static size_t take_header(char *data, size_t size, size_t n, void *ctx)
{
    struct fetch *f = ctx;
    response_header(&f->response, data, size * n);
    return size * n;
}

/* --- a request -------------------------------------------------------------------------------------------
 */

static struct tape_request taped(const struct request *r)
{
    return (struct tape_request){r->method, r->target, r->has_body ? r->asked : NULL, r->n_asked};
}

/* What was answered, by the network or by the tape. */
static void take_response(struct fetch *f, int64_t now_ms)
{
    char name[512];
    struct origin *origin = f->request.origin;
    int64_t wait_ms = response_pack(&f->response, f->request.url, origin_text(origin, name, sizeof(name)),
                                    f->request.method, &f->answer);
    if (wait_ms > 0 && !(f->tape && tape_is_replay(f->tape)))
        origin->retry_ms = now_ms + wait_ms;
    if (buffer_failed(&f->answer))
        fail(f, TENDON_E_TEMPORARY, "there is no memory for the answer of %s", name);
    else
        finish(f);
}

static void play_back(struct fetch *f, int64_t now_ms)
{
    struct tape_request request = taped(&f->request);
    int r = tape_find(f->tape, &request, &f->response);
    char name[512];
    if (r == -EIO)
        fail(f, TENDON_E_TEMPORARY, "%s cannot be asked", origin_text(f->request.origin, name, sizeof(name)));
    else if (r < 0)
        fail(f, TENDON_E_CONFIG, "the recording has no unused answer to %s %s", request.method,
             request.target);
    else if (buffer_failed(&f->response.body))
        fail(f, TENDON_E_TEMPORARY, "the recorded answer is larger than the plugin takes");
    else
        take_response(f, now_ms);
}

static bool set_options(struct fetch *f)
{
    const struct request *r = &f->request;
    CURL *e = f->easy;
    CURLcode code = CURLE_OK;
#define SET(option, value) (code = code == CURLE_OK ? curl_easy_setopt(e, CURLOPT_##option, value) : code)
    SET(CURLU, r->url);
    SET(PROTOCOLS_STR, "http,https");
    SET(FOLLOWLOCATION, 0L);
    SET(NOSIGNAL, 1L);
    SET(TIMEOUT_MS, (long)r->timeout_ms);
    SET(CONNECTTIMEOUT_MS, CONNECT_MS);
    SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(ACCEPT_ENCODING, "");
    SET(USERAGENT, "tendon-plugin-host/" TENDON_VERSION);
    SET(ERRORBUFFER, f->trouble);
    SET(WRITEFUNCTION, take_body);
    SET(WRITEDATA, f);
    SET(HEADERFUNCTION, take_header);
    SET(HEADERDATA, f);
    SET(SUPPRESS_CONNECT_HEADERS, 1L);
    SET(HTTPHEADER, r->headers);
    SET(MAXFILESIZE_LARGE, (curl_off_t)r->body_bytes);
    if (r->ca_file)
        SET(CAINFO, r->ca_file);
    if (r->user) {
        SET(HTTPAUTH, (long)CURLAUTH_BASIC);
        SET(USERNAME, r->user);
        SET(PASSWORD, r->password ? r->password : "");
    }
    if (strcmp(r->method, "HEAD") == 0)
        SET(NOBODY, 1L);
    if (r->has_body) {
        SET(POST, 1L);
        SET(POSTFIELDSIZE_LARGE, (curl_off_t)r->body.size);
        SET(POSTFIELDS, r->body.data ? (const char *)r->body.data : "");
    }
#undef SET
    return code == CURLE_OK;
}

static void send_request(struct fetch *f)
{
    /* No "100 Continue" dance: bodies are small. */
    struct curl_slist *longer = curl_slist_append(f->request.headers, "Expect:");
    f->request.headers = longer ? longer : f->request.headers;
    /* Most plugins ask no server: their hosts need no TLS library made ready. */
    if (!f->multi && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        f->multi = curl_multi_init();
    f->easy = f->multi ? curl_easy_init() : NULL;
    f->trouble[0] = '\0';
    if (!f->easy || !set_options(f) || curl_multi_add_handle(f->multi, f->easy) != CURLM_OK) {
        fail(f, TENDON_E_TEMPORARY, "no memory for a request");
        return;
    }
    f->is_in_multi = true;
    f->state = STATE_SENT;
}

void fetch_begin(struct fetch *f, const void *parcel, size_t size, int64_t now_ms)
{
    struct error err = ERROR_INIT;
    let_go(f);
    f->is_too_large = false;
    int r = request_read(parcel, size, f->options, &f->origins, &f->request, &err);
    if (r < 0) {
        fail(f,
             r == -ENOMEM ? TENDON_E_TEMPORARY
             : r == -EIO  ? TENDON_E_AUTH
                          : TENDON_E_CONFIG,
             "%s%s%s", err.message, *err.hint ? "; " : "", err.hint);
        return;
    }
    response_init(&f->response, (size_t)f->request.body_bytes);
    struct origin *origin = f->request.origin;
    if (f->tape && tape_is_replay(f->tape)) {
        play_back(f, now_ms);
    } else if (now_ms < origin->retry_ms) {
        char name[512];
        int64_t left = origin->retry_ms - now_ms;
        fail(f, TENDON_E_TEMPORARY, "%s said to wait; nothing is asked for another %lld s",
             origin_text(origin, name, sizeof(name)), (long long)(left + 999) / 1000);
        parcel_put_number(&f->answer, PARCEL_RETRY_MS, left);
    } else {
        int64_t start = origin->next_ms > now_ms ? origin->next_ms : now_ms;
        f->state = STATE_HELD;
        origin->next_ms = start + 60000 / f->request.per_minute;
        f->held_ms = start;
    }
}

static void take_end(struct fetch *f, CURLcode code, int64_t now_ms)
{
    char name[512];
    struct error err = ERROR_INIT;
    (void)origin_text(f->request.origin, name, sizeof(name));
    const char *trouble = curl_easy_strerror(code);
    if (code == CURLE_OK) {
        (void)curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &f->response.status);
        struct tape_request request = taped(&f->request);
        if (f->tape && tape_add(f->tape, f->options->secrets, &request, &f->response, &err) < 0)
            fail(f, TENDON_E_CONFIG, "%s", err.message);
        else
            take_response(f, now_ms);
    } else if (f->is_too_large || code == CURLE_FILESIZE_EXCEEDED) {
        fail(f, TENDON_E_TEMPORARY, "the answer of %s is larger than the %lld bytes that the plugin takes",
             name, (long long)f->request.body_bytes);
    } else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
        fail(f, TENDON_E_CONFIG, "the certificate of %s is not trusted: %s", name, trouble);
    } else {
        fail(f, TENDON_E_TEMPORARY, "%s cannot be asked: %s", name, trouble);
    }
}

bool fetch_work(struct fetch *f, int64_t now_ms, const struct buffer **ret)
{
    if (f->state == STATE_HELD && now_ms >= f->held_ms)
        send_request(f);
    if (f->state == STATE_SENT) {
        int running, left;
        (void)curl_multi_perform(f->multi, &running);
        for (CURLMsg *message; f->state == STATE_SENT && (message = curl_multi_info_read(f->multi, &left));)
            if (message->msg == CURLMSG_DONE)
                take_end(f, message->data.result, now_ms);
    }
    if (f->state != STATE_DONE)
        return false;
    f->state = STATE_NONE;
    *ret = &f->answer;
    return true;
}

void fetch_cancel(struct fetch *f)
{
    if (f->state == STATE_HELD || f->state == STATE_SENT)
        fail(f, TENDON_E_TEMPORARY, "the plugin is to stop");
}

int64_t fetch_next_ms(const struct fetch *f)
{
    long ms = -1;
    switch (f->state) {
    case STATE_HELD:
        return f->held_ms;
    case STATE_DONE:
        return 0;
    case STATE_SENT:
        (void)curl_multi_timeout(f->multi, &ms);
        return instant_monotonic_ms() + (ms < 0 || ms > 1000 ? 1000 : ms);
    default:
        return INT64_MAX;
    }
}

void fetch_wait(struct fetch *f, struct pollfd *fds, unsigned n, int timeout_ms)
{
    struct curl_waitfd extra[FDS_MAX];
    if (f->state != STATE_SENT || n > FDS_MAX) {
        (void)poll(fds, n, timeout_ms);
        return;
    }
    unsigned n_extra = 0;
    for (unsigned i = 0; i < n; i++) {
        fds[i].revents = 0;
        if (fds[i].fd >= 0)
            extra[n_extra++] = (struct curl_waitfd){.fd = fds[i].fd, .events = CURL_WAIT_POLLIN};
    }
    (void)curl_multi_poll(f->multi, extra, n_extra, timeout_ms, NULL);
    for (unsigned i = 0, j = 0; i < n; i++)
        if (fds[i].fd >= 0 && extra[j++].revents)
            fds[i].revents = POLLIN;
}
