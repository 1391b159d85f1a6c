/* A struct in a struct, an array of structs, a subsection with a predicate. */
#include "migration/vmstate.h"

typedef struct Entry {
    uint64_t address;
    uint8_t mode;
} Entry;

typedef struct Unit {
    struct {
        Entry table[4];
        uint32_t flags;
    } env;
    Entry last;
    uint32_t extra;
} Unit;

static bool extra_needed(void *opaque)
{
    Unit *unit = opaque;

    return (unit->env.flags & (1u << 31)) && unit->extra != 0;
}

static const VMStateDescription vmstate_unit_extra = {
    .name = "unit/extra-bits",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = extra_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(extra, Unit),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_entry = {
    .name = "entry",
    .version_id = 3,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(address, Entry),
        VMSTATE_UINT8_V(mode, Entry, 2),
        VMSTATE_END_OF_LIST()
    }
};

const VMStateDescription vmstate_unit = {
    .name = "unit",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT_ARRAY(env.table, Unit, 4, 0, vmstate_entry, Entry),
        VMSTATE_UINT32(env.flags, Unit),
        VMSTATE_STRUCT(last, Unit, 0, vmstate_entry, Entry),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription * const []) {
        &vmstate_unit_extra,
        NULL
    }
};
