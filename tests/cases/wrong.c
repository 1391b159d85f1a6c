/* Four mistakes, all to be told in one run, each with its line. */
#include "migration/vmstate.h"

typedef struct Bad {
    uint32_t word;
    uint32_t few[4];
    uint8_t *data;
} Bad;

static const VMStateInfo vmstate_info_made_up;

const VMStateDescription vmstate_bad = {
    .name = "bad",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(word, Bad),
        VMSTATE_UINT32_ARRAY(few, Bad, 5),
        VMSTATE_UINT32(absent, Bad),
        {
            .name = "data",
            .info = &vmstate_info_buffer,
            .flags = VMS_VBUFFER | VMS_POINTER,
            .offset = offsetof(Bad, data),
        },
        {
            .name = "flagged",
            .info = &vmstate_info_uint32,
            .size = sizeof(uint32_t),
            .flags = 0x40000000,
            .offset = offsetof(Bad, word),
        },
        VMSTATE_END_OF_LIST()
    }
};
