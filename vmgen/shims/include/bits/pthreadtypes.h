/* <bits/pthreadtypes.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_BITS_PTHREADTYPES_H
#define VMGEN_SHIM_BITS_PTHREADTYPES_H

typedef unsigned long int pthread_t;
typedef unsigned int pthread_key_t;
typedef int pthread_once_t;
typedef volatile int pthread_spinlock_t;
typedef union {
    char __size[40];
    long int __align;
} pthread_mutex_t;
typedef union {
    char __size[48];
    long long int __align;
} pthread_cond_t;
typedef union {
    char __size[56];
    long int __align;
} pthread_rwlock_t;
typedef union {
    char __size[32];
    long int __align;
} pthread_barrier_t;
typedef union {
    char __size[56];
    long int __align;
} pthread_attr_t;
typedef union {
    char __size[4];
    int __align;
} pthread_mutexattr_t;
typedef union {
    char __size[4];
    int __align;
} pthread_condattr_t;
typedef union {
    char __size[8];
    long int __align;
} pthread_rwlockattr_t;

#endif
