/* Integers of every width, a bool, an array and padding. */
#include "migration/vmstate.h"

typedef struct Clock {
    bool running;
    uint8_t divider;
    int16_t trim;
    uint32_t ticks[3];
    uint64_t total;
} Clock;

const VMStateDescription vmstate_clock = {
    .name = "clock",
    .version_id = 2,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(running, Clock),
        VMSTATE_UINT8(divider, Clock),
        VMSTATE_INT16(trim, Clock),
        VMSTATE_UINT32_ARRAY(ticks, Clock, 3),
        VMSTATE_UNUSED(2),
        VMSTATE_UINT64_V(total, Clock, 2),
        VMSTATE_END_OF_LIST()
    }
};
