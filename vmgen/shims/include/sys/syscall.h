/* <sys/syscall.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_SYSCALL_H
#define VMGEN_SHIM_SYS_SYSCALL_H

#define __NR_gettid 186
#define __NR_futex 202
#define __NR_membarrier 324
#define __NR_userfaultfd 323
#define SYS_gettid __NR_gettid
#define SYS_futex __NR_futex
long int syscall(long int, ...);


#endif
