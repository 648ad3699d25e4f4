/* Everything that a plugin and a host hand each other, so that a description of the ABI can be made of it. */
#include <tendon_plugin.h>

__attribute__((visibility("default"))) int tendon_abi_surface(
    const struct tendon_plugin *plugin, const struct tendon_option *option, const struct tendon_host *host,
    const struct tendon_file_options *file_options, const struct tendon_record *record,
    const struct tendon_file_1 *file, const struct tendon_http_options *http_options,
    const struct tendon_http_request *http_request, const struct tendon_http_answer *http_answer,
    const struct tendon_http_1 *http, const struct tendon_json_1 *json,
    const struct tendon_push_options *push_options, const struct tendon_push_request *push_request,
    const struct tendon_push_1 *push, enum tendon_result result, enum tendon_level level,
    enum tendon_type type, enum tendon_shape shape, enum tendon_file_format format);

int tendon_abi_surface(const struct tendon_plugin *plugin, const struct tendon_option *option,
                       const struct tendon_host *host, const struct tendon_file_options *file_options,
                       const struct tendon_record *record, const struct tendon_file_1 *file,
                       const struct tendon_http_options *http_options,
                       const struct tendon_http_request *http_request,
                       const struct tendon_http_answer *http_answer, const struct tendon_http_1 *http,
                       const struct tendon_json_1 *json, const struct tendon_push_options *push_options,
                       const struct tendon_push_request *push_request, const struct tendon_push_1 *push,
                       enum tendon_result result, enum tendon_level level, enum tendon_type type,
                       enum tendon_shape shape, enum tendon_file_format format)
{
    return plugin && option && host && file_options && record && file && http_options && http_request &&
           http_answer && http && json && push_options && push_request && push && result && level && type &&
           shape && format;
}
