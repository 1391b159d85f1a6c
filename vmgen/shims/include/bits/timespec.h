/* <bits/timespec.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_BITS_TIMESPEC_H
#define VMGEN_SHIM_BITS_TIMESPEC_H

struct timespec {
    long int tv_sec;
    long int tv_nsec;
};

#endif
