/* <linux/const.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_LINUX_CONST_H
#define VMGEN_SHIM_LINUX_CONST_H

#define __VMGEN_SUFFIXED(x, suffix) (x##suffix)
#define _AC(x, suffix) __VMGEN_SUFFIXED(x, suffix)
#define _AT(type, x) ((type)(x))
#define _UL(x) _AC(x, UL)
#define _ULL(x) _AC(x, ULL)
#define _BITUL(x) (1UL << (x))
#define _BITULL(x) (1ULL << (x))

#endif
