/* <sys/shm.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_SHM_H
#define VMGEN_SHIM_SYS_SHM_H

#include <sys/types.h>

#endif
