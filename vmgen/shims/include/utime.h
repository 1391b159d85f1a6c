/* <utime.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_UTIME_H
#define VMGEN_SHIM_UTIME_H

#include <sys/types.h>
struct utimbuf {
    time_t actime;
    time_t modtime;
};

#endif
