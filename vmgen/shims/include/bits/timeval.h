/* <bits/timeval.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_BITS_TIMEVAL_H
#define VMGEN_SHIM_BITS_TIMEVAL_H

struct timeval {
    long int tv_sec;
    long int tv_usec;
};

#endif
