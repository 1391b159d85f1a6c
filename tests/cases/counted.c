/* Counts and sizes that other members hold, sub-arrays, a 2-D array. */
#include "migration/vmstate.h"

typedef struct Queue {
    uint32_t used;
    uint16_t *slots;
    int32_t bytes;
    uint8_t *data;
    uint64_t window[8];
    uint8_t map[2][4];
    uint32_t regs[4];
} Queue;

const VMStateDescription vmstate_queue = {
    .name = "queue",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(used, Queue),
        VMSTATE_VARRAY_UINT32(slots, Queue, used, 0, vmstate_info_uint16, uint16_t),
        VMSTATE_INT32(bytes, Queue),
        VMSTATE_VBUFFER(data, Queue, 0, NULL, bytes),
        VMSTATE_UINT64_SUB_ARRAY(window, Queue, 2, 3),
        VMSTATE_UINT8_2DARRAY(map, Queue, 2, 4),
        VMSTATE_UINT32(regs[1], Queue),
        VMSTATE_UINT32_SUB_ARRAY(regs, Queue, 3, 1),
        VMSTATE_END_OF_LIST()
    }
};
