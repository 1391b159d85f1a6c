/* <sys/eventfd.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_EVENTFD_H
#define VMGEN_SHIM_SYS_EVENTFD_H

#define EFD_CLOEXEC 02000000
#define EFD_NONBLOCK 04000

#endif
