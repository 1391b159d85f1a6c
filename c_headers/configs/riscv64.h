/* qemu-system-riscv64: 64-bit registers, little-endian, emulated (TCG). */
#define TARGET_RISCV64 1
#define TARGET_RISCV 1
#define TARGET_NAME "riscv64"
#define TARGET_LONG_BITS 64
#define TARGET_BIG_ENDIAN 0
#define CONFIG_SOFTMMU 1
