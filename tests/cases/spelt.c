/* Initialisers and constructs that GCC takes: order and sizes are what it makes of them. */
#include "migration/vmstate.h"

#define QUIET(text) _Pragma(#text)
QUIET(pack(push, 2))
typedef struct Packet {
    uint8_t kind;
    uint32_t length;
} Packet;
QUIET(pack(pop))

enum { FIRST, SECOND };

typedef struct Port {
    uint32_t a, b, c, größe;
    uint16_t list[8];
    Packet packet;
    _Float16 half;
    float _Complex wave;
    struct Unknown *unknown;
} Port;

static const char port_name[] = "port";

static const VMStateDescription vmstate_parts[] = {
    [SECOND] = { .name = "second", .version_id = 1, .minimum_version_id = 1,
        .fields = (const VMStateField[]) { VMSTATE_UINT32(b, Port), VMSTATE_END_OF_LIST() } },
    [FIRST] = { "first", .version_id = { 1 }, .minimum_version_id = 1,
        .fields = (const VMStateField[]) { VMSTATE_UINT32(a, Port), VMSTATE_END_OF_LIST() } },
};

static const VMStateField shared_fields[] = {
    VMSTATE_UINT32(c, Port), VMSTATE_UINT32(größe, Port), VMSTATE_END_OF_LIST()
};

static const VMStateDescription vmstate_tail = {
    .name = "port/tail", .version_id = 1, .minimum_version_id = 1,
    .fields = sizeof(long) == 8 ? &shared_fields[1] : shared_fields,
};

static const VMStateDescription vmstate_head = {
    .name = "port/head", .version_id = 1, .minimum_version_id = 1,
    .fields = shared_fields + 0,
};

static const VMStateDescription vmstate_port = {
    .name = port_name, .version_id = 1, .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        [3] = VMSTATE_UINT32(c, Port),
        [0] = VMSTATE_UINT32(a, Port), VMSTATE_UINT32(c, Port),
        [1] = VMSTATE_UINT32(b, Port),
        [2] = { .name = "list[2]", .size = 2, .flags = VMS_SINGLE,
                .offset = offsetof(Port, list) + 2 * sizeof(uint16_t),
                .info = _Generic(((Port *)0)->list[0], uint16_t: &vmstate_info_uint16,
                                 default: &vmstate_info_uint32) },
        [4 ... 6] = VMSTATE_UNUSED(3),
        VMSTATE_BUFFER_UNSAFE(packet, Port, 0, sizeof(Packet)),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription *const[]) {
        [1] = &vmstate_tail, [0] = &vmstate_head, [2] = NULL
    },
};
