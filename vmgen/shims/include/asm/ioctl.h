/* <asm/ioctl.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_ASM_IOCTL_H
#define VMGEN_SHIM_ASM_IOCTL_H

#include <linux/ioctl.h>

#endif
