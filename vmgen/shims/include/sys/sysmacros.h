/* <sys/sysmacros.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_SYSMACROS_H
#define VMGEN_SHIM_SYS_SYSMACROS_H

#define major(device) __vmgen_major(device)
#define minor(device) __vmgen_minor(device)
unsigned int __vmgen_major(unsigned long int);
unsigned int __vmgen_minor(unsigned long int);

#endif
