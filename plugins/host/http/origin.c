#include "plugins/host/http/origin.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* curl's own reading of a URL is the one that counts: it is what connects. */
static bool read_origin(CURLU *url, struct origin *ret)
{
    char *scheme = NULL, *host = NULL, *port = NULL;
    bool is_good = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                   curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                   curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                   (strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0);
    if (is_good)
        *ret = (struct origin){.scheme = strdup(scheme), .host = strdup(host), .port = strdup(port)};
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    return is_good;
}

static void origin_fini(struct origin *o)
{
    free(o->scheme);
    free(o->host);
    free(o->port);
}

int origins_init(struct origins *o, const json_t *urls)
{
    *o = (struct origins){.at = calloc(json_array_size(urls) + 1, sizeof(*o->at))};
    if (!o->at)
        return -ENOMEM;
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)urls, i, entry)
    {
        CURLU *url = curl_url();
        const char *s = json_string_value(json_object_get(entry, "url"));
        if (url && s && curl_url_set(url, CURLUPART_URL, s, 0) == CURLUE_OK &&
            read_origin(url, &o->at[o->n])) {
            struct origin *new = &o->at[o->n];
            new->option = json_string_value(json_object_get(entry, "option"));
            if (new->scheme &&new->host &&new->port)
                o->n++;
            else
                origin_fini(&o->at[o->n]);
        }
        curl_url_cleanup(url);
    }
    return 0;
}

void origins_fini(struct origins *o)
{
    for (size_t i = 0; i < o->n; i++)
        origin_fini(&o->at[i]);
    free(o->at);
    *o = (struct origins){0};
}

static struct origin *find(struct origins *o, const struct origin *wanted)
{
    for (size_t i = 0; i < o->n; i++)
        if (strcasecmp(o->at[i].scheme, wanted->scheme) == 0 &&
            strcasecmp(o->at[i].host, wanted->host) == 0 && strcmp(o->at[i].port, wanted->port) == 0)
            return &o->at[i];
    return NULL;
}

struct origin *origins_find(struct origins *o, const char *url, size_t size, CURLU **ret_url,
                            struct error *err)
{
    char *text = strndup(url ? url : "", size);
    CURLU *handle = curl_url();
    struct origin wanted = {0}, *found = NULL;
    char *user = NULL;
    if (!text || !handle || strlen(text) != size ||
        curl_url_set(handle, CURLUPART_URL, text, 0) != CURLUE_OK || !read_origin(handle, &wanted)) {
        error_set(err, -EINVAL, "bad_url", "the plugin asked for something that is no http or https URL");
    } else if (curl_url_get(handle, CURLUPART_USER, &user, 0) == CURLUE_OK) {
        error_set(err, -EINVAL, "bad_url", "the plugin asked for a URL with a user in it");
    } else if (!wanted.scheme || !wanted.host || !wanted.port || !(found = find(o, &wanted))) {
        error_set(err, -EPERM, "bad_url", "the plugin asked for a server that no url option names");
        error_hint(err, "only servers that the configuration names are connected to");
    }
    curl_free(user);
    origin_fini(&wanted);
    free(text);
    if (found && curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK) {
        *ret_url = handle;
        return found;
    }
    curl_url_cleanup(handle);
    return NULL;
}

char *origin_text(const struct origin *origin, char *room, size_t size)
{
    (void)snprintf(room, size, "the server of option %s", origin->option);
    return room;
}
