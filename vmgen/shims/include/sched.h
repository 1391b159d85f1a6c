/* <sched.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SCHED_H
#define VMGEN_SHIM_SCHED_H

#include <sys/types.h>
struct sched_param {
    int sched_priority;
};
typedef struct {
    unsigned long int __bits[16];
} cpu_set_t;
#define SCHED_OTHER 0
#define SCHED_FIFO 1
#define SCHED_RR 2

#endif
