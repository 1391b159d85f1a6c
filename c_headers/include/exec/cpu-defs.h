/*
 * Types that depend on the target: a register, an address.
 *
 * A configuration header (configs/TARGET.h) says TARGET_LONG_BITS before this is read.
 */
#ifndef CPU_DEFS_H
#define CPU_DEFS_H

#include "qemu/types.h"

#ifndef TARGET_LONG_BITS
#error "include a header of configs/ first, or define TARGET_LONG_BITS"
#endif

#if TARGET_LONG_BITS == 64
typedef uint64_t target_ulong;
typedef int64_t target_long;
#elif TARGET_LONG_BITS == 32
typedef uint32_t target_ulong;
typedef int32_t target_long;
#else
#error "TARGET_LONG_BITS is neither 32 nor 64"
#endif

/* A physical address of the guest, a guest address of any width. */
typedef uint64_t hwaddr;
typedef uint64_t vaddr;

#endif
