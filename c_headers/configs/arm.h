/* 32-bit Arm: A, R and M profile, AArch32 only. */
#define TARGET_NAME "arm"
#define TARGET_ARM 1
#define TARGET_BIG_ENDIAN 0
#define TARGET_LONG_BITS 32
