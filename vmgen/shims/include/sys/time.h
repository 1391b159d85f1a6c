/* <sys/time.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_TIME_H
#define VMGEN_SHIM_SYS_TIME_H

#include <sys/types.h>
#include <bits/timeval.h>
struct timezone {
    int tz_minuteswest;
    int tz_dsttime;
};
struct itimerval {
    struct timeval it_interval;
    struct timeval it_value;
};
#define ITIMER_REAL 0
#define ITIMER_VIRTUAL 1
int gettimeofday(struct timeval *, void *);

#endif
