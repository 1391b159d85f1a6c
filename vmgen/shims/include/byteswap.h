/* <byteswap.h> for x86-64 Linux: the types and constants that sources name. */
#ifndef VMGEN_SHIM_BYTESWAP_H
#define VMGEN_SHIM_BYTESWAP_H

#define bswap_16(x) __builtin_bswap16(x)
#define __bswap_16(x) __builtin_bswap16(x)
#define bswap_32(x) __builtin_bswap32(x)
#define __bswap_32(x) __builtin_bswap32(x)
#define bswap_64(x) __builtin_bswap64(x)
#define __bswap_64(x) __builtin_bswap64(x)

#endif
