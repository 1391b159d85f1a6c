/*
 * Timers: what travels is only when they fire next.
 */
#ifndef QEMU_TIMER_H
#define QEMU_TIMER_H

#include "qemu/types.h"

typedef struct QEMUTimer QEMUTimer;
typedef struct QEMUTimerList QEMUTimerList;
typedef void QEMUTimerCB(void *opaque);

struct QEMUTimer {
    int64_t expire_time; /* ns of the timer's clock; -1 when it is not armed */
    QEMUTimerList *timer_list;
    QEMUTimerCB *cb;
    void *opaque;
    QEMUTimer *next;
    int attributes;
    int scale;
};

/* The clocks a timer can run on. */
typedef enum {
    QEMU_CLOCK_REALTIME = 0,
    QEMU_CLOCK_VIRTUAL = 1,
    QEMU_CLOCK_HOST = 2,
    QEMU_CLOCK_VIRTUAL_RT = 3,
    QEMU_CLOCK_MAX
} QEMUClockType;

#endif
