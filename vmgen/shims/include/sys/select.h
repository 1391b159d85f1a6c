/* <sys/select.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_SELECT_H
#define VMGEN_SHIM_SYS_SELECT_H

#include <bits/timeval.h>
#include <bits/timespec.h>
#define FD_SETSIZE 1024
typedef struct {
    long int __fds_bits[16];
} fd_set;

#endif
