/* qemu-system-i386: 32-bit registers, little-endian, emulated (TCG) or on KVM. */
#define TARGET_I386 1
#define TARGET_NAME "i386"
#define TARGET_LONG_BITS 32
#define TARGET_BIG_ENDIAN 0
#define CONFIG_SOFTMMU 1
#define CONFIG_KVM 1
