/* <semaphore.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SEMAPHORE_H
#define VMGEN_SHIM_SEMAPHORE_H

typedef union {
    char __size[32];
    long int __align;
} sem_t;

#endif
