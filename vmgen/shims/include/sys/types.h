/* <sys/types.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_SYS_TYPES_H
#define VMGEN_SHIM_SYS_TYPES_H

#include <stddef.h>
#include <stdint.h>
#include <endian.h>
#include <sys/select.h>
typedef long int ssize_t;
typedef long int off_t;
typedef long int off64_t;
typedef long int loff_t;
typedef long int time_t;
typedef long int clock_t;
typedef long int suseconds_t;
typedef long int blksize_t;
typedef long int blkcnt_t;
typedef unsigned long int fsblkcnt_t;
typedef unsigned long int fsfilcnt_t;
typedef unsigned long int ino_t;
typedef unsigned long int dev_t;
typedef unsigned long int nlink_t;
typedef unsigned int mode_t;
typedef unsigned int uid_t;
typedef unsigned int gid_t;
typedef unsigned int id_t;
typedef unsigned int useconds_t;
typedef int pid_t;
typedef int key_t;
typedef int clockid_t;
typedef void *timer_t;
typedef unsigned char u_char;
typedef unsigned short int u_short;
typedef unsigned int u_int;
typedef unsigned long int u_long;
typedef uint8_t u_int8_t;
typedef uint16_t u_int16_t;
typedef uint32_t u_int32_t;
typedef uint64_t u_int64_t;
typedef char *caddr_t;
#include <bits/pthreadtypes.h>

#endif
