/* qemu-system-riscv32: 32-bit registers, little-endian, emulated (TCG). */
#define TARGET_RISCV32 1
#define TARGET_RISCV 1
#define TARGET_NAME "riscv32"
#define TARGET_LONG_BITS 32
#define TARGET_BIG_ENDIAN 0
#define CONFIG_SOFTMMU 1
