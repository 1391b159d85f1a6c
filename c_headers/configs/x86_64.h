/* qemu-system-x86_64: 64-bit registers, little-endian, emulated (TCG) or on KVM. */
#define TARGET_X86_64 1
#define TARGET_I386 1
#define TARGET_NAME "x86_64"
#define TARGET_LONG_BITS 64
#define TARGET_BIG_ENDIAN 0
#define CONFIG_SOFTMMU 1
#define CONFIG_KVM 1
