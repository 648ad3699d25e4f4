#include "tests/bench/pack.h"

#include <string.h>

static void pack_text(msgpack_packer *packer, const char *text)
{
    size_t size = strlen(text);

    msgpack_pack_str(packer, size);
    msgpack_pack_str_body(packer, text, size);
}

void pack_event(msgpack_sbuffer *buffer, const struct world_event *event)
{
    bool has_ticket = event->ticket[0] != '\0';
    msgpack_packer packer;

    msgpack_packer_init(&packer, buffer, msgpack_sbuffer_write);
    msgpack_pack_map(&packer, 4 + has_ticket + event->n_values);
    pack_text(&packer, "type");
    pack_text(&packer, EVENT_TYPE_INFO[event->type].name);
    pack_text(&packer, "id");
    pack_text(&packer, event->id);
    pack_text(&packer, "at");
    msgpack_pack_int64(&packer, event->at_ms);
    pack_text(&packer, "seq");
    msgpack_pack_uint32(&packer, event->seq);
    if (has_ticket) {
        pack_text(&packer, "ticket");
        pack_text(&packer, event->ticket);
    }
    for (uint32_t i = 0; i < event->n_values; i++) {
        const struct world_value *value = &event->values[i];

        pack_text(&packer, FIELDS[value->field].name);
        if (value->string)
            pack_text(&packer, value->string);
        else if (FIELDS[value->field].kind == VALUE_BOOL && value->number)
            msgpack_pack_true(&packer);
        else if (FIELDS[value->field].kind == VALUE_BOOL)
            msgpack_pack_false(&packer);
        else
            msgpack_pack_int64(&packer, value->number);
    }
}
