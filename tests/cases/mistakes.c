#include "migration/vmstate.h"

typedef struct Uart {
    uint32_t control;
    uint32_t baud;
    uint32_t level;
} Uart;

static bool level_needed(void *opaque)
{
    return ((Uart *)opaque)->level;
}

/* .version_id was forgotten. */
const VMStateDescription vmstate_unloadable = {
    .name = "unloadable",
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(control, Uart),
        VMSTATE_END_OF_LIST()
    },
};

/* A macro that there is not: as an expression it is the call of a function. */
const VMStateDescription vmstate_macro = {
    .name = "macro",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(control, Uart),
        VMSTATE_UNUSEDD(4),
        VMSTATE_END_OF_LIST()
    },
};

/* One with a type among its arguments is not even that. */
const VMStateDescription vmstate_macro_of_type = {
    .name = "macro-of-type",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT31(control, Uart),
        VMSTATE_END_OF_LIST()
    },
};

/* Names that nothing declares. */
const VMStateDescription vmstate_names = {
    .name = "names",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = level_neded,
    .post_load = names_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT(control, Uart, 1, vmstate_unloadabl, uint32_t),
        VMSTATE_SINGLE(baud, Uart, 0, vmstate_info_baud, uint32_t),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription *const[]) {
        &vmstate_macr,
        NULL
    },
};
