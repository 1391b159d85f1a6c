/* Mach's clock. */
#ifndef VMGEN_SHIM_MACH_MACH_TIME_H
#define VMGEN_SHIM_MACH_MACH_TIME_H

#include <stdint.h>
typedef struct mach_timebase_info {
    uint32_t numer;
    uint32_t denom;
} mach_timebase_info_data_t;

#endif
