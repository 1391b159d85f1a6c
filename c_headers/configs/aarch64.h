/* 64-bit Arm: everything of 32-bit Arm, and AArch64. */
#define TARGET_NAME "aarch64"
#define TARGET_ARM 1
#define TARGET_AARCH64 1
#define TARGET_BIG_ENDIAN 0
#define TARGET_LONG_BITS 64
