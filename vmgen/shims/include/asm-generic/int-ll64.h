/* <asm-generic/int-ll64.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_ASM_GENERIC_INT_LL64_H
#define VMGEN_SHIM_ASM_GENERIC_INT_LL64_H

#include <asm/types.h>

#endif
