/* <asm/types.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_ASM_TYPES_H
#define VMGEN_SHIM_ASM_TYPES_H

typedef signed char __s8;
typedef unsigned char __u8;
typedef signed short int __s16;
typedef unsigned short int __u16;
typedef signed int __s32;
typedef unsigned int __u32;
typedef signed long long int __s64;
typedef unsigned long long int __u64;

#endif
