/* <linux/types.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_LINUX_TYPES_H
#define VMGEN_SHIM_LINUX_TYPES_H

#include <asm/types.h>
#define __bitwise
#define __bitwise__
typedef __u16 __le16;
typedef __u16 __be16;
typedef __u32 __le32;
typedef __u32 __be32;
typedef __u64 __le64;
typedef __u64 __be64;
typedef __u16 __sum16;
typedef __u32 __wsum;
typedef unsigned int __poll_t;
typedef int __kernel_pid_t;
typedef unsigned int __kernel_uid_t;
typedef unsigned long int __kernel_size_t;
typedef long int __kernel_long_t;
typedef unsigned long int __kernel_ulong_t;
typedef long int __kernel_off_t;
typedef long long int __kernel_loff_t;
typedef long int __kernel_time_t;
typedef unsigned short int __kernel_sa_family_t;
#define __aligned_u64 __u64 __attribute__((aligned(8)))
#define __aligned_s64 __s64 __attribute__((aligned(8)))
#define __aligned_be64 __be64 __attribute__((aligned(8)))
#define __aligned_le64 __le64 __attribute__((aligned(8)))

#endif
