/* <sys/resource.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_RESOURCE_H
#define VMGEN_SHIM_SYS_RESOURCE_H

#include <sys/types.h>
#include <bits/timeval.h>
typedef unsigned long int rlim_t;
struct rlimit {
    rlim_t rlim_cur;
    rlim_t rlim_max;
};
struct rusage {
    struct timeval ru_utime;
    struct timeval ru_stime;
    long int __ru_counts[14];
};
#define RUSAGE_SELF 0
#define RUSAGE_THREAD 1
#define RLIMIT_NOFILE 7
#define RLIMIT_MEMLOCK 8
#define RLIM_INFINITY (~0UL)

#endif
