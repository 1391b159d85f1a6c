/*
 * The C that every other header here stands on.
 *
 * No system header is read and no compiler is asked: widths are those of the x86-64
 * System V ABI, which is what QEMU's own tables are laid out with on the usual hosts.
 * A file may read system headers as well, before this one or after: what both define is
 * the same.
 */
#ifndef QEMU_TYPES_H
#define QEMU_TYPES_H

/* --- integers of a known width --------------------------------------------------- */

typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;

typedef unsigned long size_t;
typedef long ssize_t;
typedef long ptrdiff_t;
typedef long intptr_t;
typedef unsigned long uintptr_t;

/* The Linux kernel's names, which structures shared with KVM use. */
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;

/* A bool is one byte in memory and one byte, 0 or 1, on the wire. */
#ifndef bool
#define bool _Bool
#define true 1
#define false 0
#endif

#ifndef NULL
#define NULL ((void *)0)
#endif

#ifndef INT8_MAX
#define INT8_MAX (127)
#define INT16_MAX (32767)
#define INT32_MAX (2147483647)
#define INT64_MAX (9223372036854775807L)
#define UINT8_MAX (255)
#define UINT16_MAX (65535)
#define UINT32_MAX (4294967295U)
#define UINT64_MAX (18446744073709551615UL)
#endif

/* --- asking about types ---------------------------------------------------------- */

#ifndef offsetof
#define offsetof(_type, _member) __builtin_offsetof(_type, _member)
#endif

/* The type of a member, without an object to take it from. */
#define typeof_field(_type, _member) typeof(((_type *)0)->_member)

/* Zero, if both types are the same; otherwise no valid C: subtracting pointers to
 * different types is an error. */
#define type_check(_type1, _type2) ((_type1 *)0 - (_type2 *)0)

/* True for an array, false for a pointer: only an array differs from the address of its
 * first element. */
#define QEMU_IS_ARRAY(_x) \
    (!__builtin_types_compatible_p(typeof(_x), typeof(&(_x)[0])))

/* Zero, if the constant condition is false; otherwise a bit-field of negative width. */
#define QEMU_BUILD_BUG_ON_STRUCT(_bad) struct { int : (_bad) ? -1 : 1; }
#define QEMU_BUILD_BUG_ON_ZERO(_bad)            \
    (sizeof(QEMU_BUILD_BUG_ON_STRUCT(_bad)) -   \
     sizeof(QEMU_BUILD_BUG_ON_STRUCT(_bad)))
#define QEMU_BUILD_BUG_MSG(_bad, _text) _Static_assert(!(_bad), _text)
#define QEMU_BUILD_BUG_ON(_bad) QEMU_BUILD_BUG_MSG(_bad, "not expecting: " #_bad)

#define ARRAY_SIZE(_x) \
    (sizeof(_x) / sizeof((_x)[0]) + QEMU_BUILD_BUG_ON_ZERO(!QEMU_IS_ARRAY(_x)))

/* The object that a member, known by its address, belongs to. */
#define container_of(_pointer, _type, _member) \
    ((_type *)((char *)(_pointer) - offsetof(_type, _member)))

/* --- small arithmetic ------------------------------------------------------------ */

#ifndef MIN
#define MIN(_a, _b) ((_a) < (_b) ? (_a) : (_b))
#define MAX(_a, _b) ((_a) > (_b) ? (_a) : (_b))
#endif
#define DIV_ROUND_UP(_n, _d) (((_n) + (_d) - 1) / (_d))
#define ROUND_UP(_n, _d) (((_n) + (_d) - 1) & -(_d))
#define BIT(_n) (1UL << (_n))
#define BIT_ULL(_n) (1ULL << (_n))
#define MAKE_64BIT_MASK(_shift, _length) ((~0ULL >> (64 - (_length))) << (_shift))
#define BITS_PER_LONG 64
#define BITS_TO_LONGS(_n) DIV_ROUND_UP(_n, BITS_PER_LONG)

/* Text of an argument, after the argument's own macros are expanded. */
#define stringify(_x) tostring(_x)
#define tostring(_x) #_x
#define glue(_x, _y) xglue(_x, _y)
#define xglue(_x, _y) _x##_y

/* A predicate may assert what it relies on; nothing is checked here. */
#ifndef assert
#define assert(_condition) ((void)0)
#endif

#endif
