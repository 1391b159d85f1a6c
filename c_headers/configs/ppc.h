/* 32-bit PowerPC. */
#define TARGET_NAME "ppc"
#define TARGET_PPC 1
#define TARGET_BIG_ENDIAN 1
#define TARGET_LONG_BITS 32
