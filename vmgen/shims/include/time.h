/* <time.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_TIME_H
#define VMGEN_SHIM_TIME_H

#include <sys/types.h>
#include <bits/timespec.h>
struct tm {
    int tm_sec;
    int tm_min;
    int tm_hour;
    int tm_mday;
    int tm_mon;
    int tm_year;
    int tm_wday;
    int tm_yday;
    int tm_isdst;
    long int tm_gmtoff;
    const char *tm_zone;
};
struct itimerspec {
    struct timespec it_interval;
    struct timespec it_value;
};
#define CLOCKS_PER_SEC 1000000
#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID 3
#define TIMER_ABSTIME 1
time_t time(time_t *);
clock_t clock(void);
time_t mktime(struct tm *);
struct tm *gmtime_r(const time_t *, struct tm *);
struct tm *localtime_r(const time_t *, struct tm *);
int clock_gettime(clockid_t, struct timespec *);

#endif
