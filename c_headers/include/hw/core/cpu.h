/*
 * What CPUs of all targets have in common.
 */
#ifndef QEMU_CPU_H
#define QEMU_CPU_H

#include "migration/vmstate.h"
#include "qemu/types.h"

typedef struct CPUState CPUState;
typedef struct CPUClass CPUClass;

/* The first member, parent_obj, of the CPU object of every target. */
struct CPUState {
    int cpu_index; /* also the instance number of the CPU's sections in a stream */

    bool start_powered_off;
    bool crash_occurred; /* the guest told of a panic */

    uint32_t interrupt_request; /* one bit for each kind of request, CPU_INTERRUPT_* */
    uint32_t halted;            /* waits for an interrupt */
    int32_t exception_index;    /* exception being delivered; -1 for none */
};

/* The class of a CPU model; a target's own class begins with it. */
struct CPUClass {
    const char *deprecation_note;
};

extern const VMStateDescription vmstate_cpu_common;

#endif
