/* <asm/byteorder.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_ASM_BYTEORDER_H
#define VMGEN_SHIM_ASM_BYTEORDER_H

#include <linux/types.h>
#define __LITTLE_ENDIAN_BITFIELD 1

#endif
