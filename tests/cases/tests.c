/* Field tests: of the version, of a member before, and one that asks the machine. */
#include "migration/vmstate.h"

typedef struct Port {
    uint8_t kind;
    uint32_t speed;
    uint16_t wide;
    bool has_fifo;
    uint8_t fifo[4];
} Port;

static bool is_old(void *opaque, int version_id)
{
    return version_id < 2;
}

static bool is_fast(void *opaque, int version_id)
{
    Port *port = opaque;

    if (version_id < 2) {
        return false;
    }
    return port->kind == 7;
}

static bool with_fifo(void *opaque, int version_id)
{
    Port *port = opaque;

    return port->has_fifo;
}

static bool kind_is_valid(void *opaque, int version_id)
{
    return ((Port *)opaque)->kind < 9;
}

const VMStateDescription vmstate_port = {
    .name = "port",
    .version_id = 2,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(kind, Port),
        VMSTATE_UINT16_TEST(wide, Port, is_old),
        VMSTATE_UINT32_TEST(speed, Port, is_fast),
        VMSTATE_BUFFER_TEST(fifo, Port, with_fifo),
        VMSTATE_VALIDATE("kind is valid", kind_is_valid),
        VMSTATE_END_OF_LIST()
    }
};
