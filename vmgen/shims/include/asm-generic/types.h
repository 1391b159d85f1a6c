/* <asm-generic/types.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_ASM_GENERIC_TYPES_H
#define VMGEN_SHIM_ASM_GENERIC_TYPES_H

#include <asm/types.h>

#endif
