/* Any bytes as what a plugin asks the HTTP service for: nothing goes out but to the server that is named. */
#include "plugins/host/http/request.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct options options = {
        .paths = json_pack("[s]", "/srv/ca"),
        .urls = json_pack("[{s:s,s:s}]", "option", "url", "url", "https://desk.example:8443/api"),
        .secrets = json_pack("{s:s}", "{secret:token:0}", "/nonexistent/secret"),
    };
    struct origins origins;
    struct request request;
    struct error err = ERROR_INIT;
    if (size > 65536 || origins_init(&origins, options.urls) < 0)
        abort();
    int r = request_read(data, size, &options, &origins, &request, &err);
    if (r < 0 && !*err.message)
        abort();
    if (r == 0) {
        char *host = NULL, *port = NULL;
        if (curl_url_get(request.url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
            curl_url_get(request.url, CURLUPART_PORT, &port, 0) != CURLUE_OK ||
            strcasecmp(host, "desk.example") != 0 || strcmp(port, "8443") != 0)
            abort();
        for (const struct curl_slist *header = request.headers; header; header = header->next)
            if (strpbrk(header->data, "\r\n"))
                abort();
        curl_free(host);
        curl_free(port);
        request_fini(&request);
    }
    origins_fini(&origins);
    options_fini(&options);
    return 0;
}
