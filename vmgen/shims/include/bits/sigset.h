/* <bits/sigset.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_BITS_SIGSET_H
#define VMGEN_SHIM_BITS_SIGSET_H

typedef struct {
    unsigned long int __val[16];
} sigset_t;

#endif
