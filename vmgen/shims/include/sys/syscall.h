/* <sys/syscall.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_SYSCALL_H
#define VMGEN_SHIM_SYS_SYSCALL_H


#endif
