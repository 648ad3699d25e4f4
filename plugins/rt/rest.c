#include "plugins/rt/rest.h"

#include <stdio.h>
#include <string.h>

static int fail(char *err, int result, const char *why)
{
    (void)snprintf(err, TENDON_ERROR_BYTES, "%s", why);
    return result;
}

int rest_open(struct rest *rest, const struct tendon_host *host, const struct tendon_config *config,
              char *err)
{
    const char *token = host->get_string(config, "token", 0), *user = host->get_string(config, "user", 0);
    const char *password = host->get_string(config, "password", 0);
    char authorization[TENDON_ERROR_BYTES] = "";
    const char *headers[3];
    size_t n_headers = 0;

    rest->host = host;
    rest->http = host->extension(host, TENDON_HTTP_1);
    rest->json = host->extension(host, TENDON_JSON_1);
    if (!rest->http || !rest->json)
        return fail(err, TENDON_E_CONFIG, "this host lacks the services http/1 and json/1: take a newer one");
    if (!token == !password)
        return fail(err, TENDON_E_CONFIG,
                    "who asks is not clear: give token, or user and password, and not both");
    if (!user != !password)
        return fail(err, TENDON_E_CONFIG, "user and password go together");
    headers[n_headers++] = "Accept: application/json";
    if (token) { /* a handle, in whose place the host puts the token when it sends the request */
        (void)snprintf(authorization, sizeof(authorization), "Authorization: token %s", token);
        headers[n_headers++] = authorization;
    }
    headers[n_headers] = NULL;

    const struct tendon_http_options options = {
        .struct_size = sizeof(options),
        .per_minute = (uint32_t)host->get_int(config, "per_minute", 0),
        .base = host->get_string(config, "url", 0),
        .user = user,
        .password = password,
        .headers = headers,
        .ca_file = host->get_string(config, "ca_file", 0),
        .timeout_ms = 60000,
    };

    return rest->http->open(host, &options, &rest->client, err);
}

void rest_close(struct rest *rest)
{
    if (rest->http)
        rest->http->close(rest->client);
}

static int parse(struct rest *rest, const struct tendon_http_answer *answer, struct tendon_json **ret,
                 char *err)
{
    if (rest->json->parse(rest->host, answer->body, answer->size, ret, err) != TENDON_OK)
        return TENDON_E_TEMPORARY;
    if (rest->json->type(*ret) == 'o')
        return TENDON_OK;
    rest->json->free(*ret);
    *ret = NULL;
    return fail(err, TENDON_E_TEMPORARY, "RT answered with JSON that is no object");
}

int rest_list(struct rest *rest, const char *path, const char *query, const char *fields, const char *order,
              uint32_t page, struct tendon_json **ret, char *err)
{
    const struct tendon_http_request request = {.struct_size = sizeof(request), .path = path};
    const struct tendon_http_answer *answer;
    char number[16];
    int result;

    *ret = NULL;
    rest->http->parameter(rest->client, "query", query);
    rest->http->parameter(rest->client, "fields", fields);
    rest->http->parameter(rest->client, "orderby", "id");
    rest->http->parameter(rest->client, "order", order);
    (void)snprintf(number, sizeof(number), "%d", REST_PAGE);
    rest->http->parameter(rest->client, "per_page", number);
    (void)snprintf(number, sizeof(number), "%u", page);
    rest->http->parameter(rest->client, "page", number);
    result = rest->http->send(rest->client, &request, &answer, err);
    if (result == TENDON_INVALID) {
        (void)snprintf(err, TENDON_ERROR_BYTES,
                       answer->status == 404
                           ? "no RT answers there (404): url is RT's address, without /REST/2.0, of RT 5"
                           : "RT does not take the question (%d): is it RT 5?",
                       answer->status);
        return TENDON_E_CONFIG;
    }
    if (result != TENDON_OK)
        return result == TENDON_IDLE ? fail(err, TENDON_E_TEMPORARY, "RT says that nothing changed") : result;
    result = parse(rest, answer, ret, err);
    if (result == TENDON_OK && rest->json->type(rest->json->get(*ret, "items")) != 'a') {
        rest->json->free(*ret);
        *ret = NULL;
        return fail(err, TENDON_E_TEMPORARY, "RT answered without a list of items");
    }
    return result;
}

int rest_record(struct rest *rest, const char *path, struct tendon_json **ret, char *err)
{
    const struct tendon_http_request request = {.struct_size = sizeof(request), .path = path};
    const struct tendon_http_answer *answer;
    int result = rest->http->send(rest->client, &request, &answer, err);

    *ret = NULL;
    /* 403 is RT's answer for a single record that the account may not see; a token that is no good is 401. */
    if (answer && (answer->status == 403 || answer->status == 404))
        return TENDON_OK;
    if (result == TENDON_INVALID)
        return TENDON_E_CONFIG;
    if (result != TENDON_OK)
        return result == TENDON_IDLE ? fail(err, TENDON_E_TEMPORARY, "RT says that nothing changed") : result;
    return parse(rest, answer, ret, err);
}

int64_t rest_now(const struct rest *rest)
{
    const char *date = rest->http->header(rest->client, "Date");
    int64_t now_ms;

    /* "Sun, 06 Nov 1994 08:49:37 GMT", whose name of the day says nothing */
    if (date && strlen(date) > 5 &&
        rest->host->time_parse(rest->host, "%d %b %Y %H:%M:%S GMT", NULL, date + 5, TENDON_TEXT, &now_ms) ==
            TENDON_OK)
        return now_ms;
    return rest->host->now(rest->host);
}
