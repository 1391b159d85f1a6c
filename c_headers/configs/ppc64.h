/* 64-bit PowerPC, which runs the 32-bit models as well. */
#define TARGET_NAME "ppc64"
#define TARGET_PPC 1
#define TARGET_PPC64 1
#define TARGET_BIG_ENDIAN 1
#define TARGET_LONG_BITS 64
