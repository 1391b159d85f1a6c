/*
 * Does the processor run on the host's own, by way of KVM?  A question to the running
 * QEMU; where the target was built without KVM, the answer is no.
 */
#ifndef SYSTEM_KVM_H
#define SYSTEM_KVM_H

#include "qemu/types.h"

#ifdef CONFIG_KVM
extern bool kvm_allowed;
#define kvm_enabled() (kvm_allowed)
#else
#define kvm_enabled() (0)
#endif

#endif
