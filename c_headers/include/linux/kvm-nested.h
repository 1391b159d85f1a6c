/*
 * State of nested virtualisation as Linux hands it out on x86: a header of 128 bytes, then
 * what the processor's vendor needs.  Offsets count: the member size is compared with them.
 */
#ifndef LINUX_KVM_NESTED_H
#define LINUX_KVM_NESTED_H

#include "qemu/types.h"

/* format: whose virtualisation the guest uses */
#define KVM_STATE_NESTED_FORMAT_VMX 0 /* Intel */
#define KVM_STATE_NESTED_FORMAT_SVM 1 /* AMD */

#define KVM_STATE_NESTED_VMX_VMCS_SIZE 0x1000
#define KVM_STATE_NESTED_SVM_VMCB_SIZE 0x1000

/* Intel: addresses of the control structures; their contents. */
struct kvm_vmx_nested_state_hdr {
    __u64 vmxon_pa; /* all ones: not in use */
    __u64 vmcs12_pa;
    struct {
        __u16 flags;
    } smm;
    __u16 pad;
    __u32 flags;
    __u64 preemption_timer_deadline;
};

struct kvm_vmx_nested_state_data {
    __u8 vmcs12[KVM_STATE_NESTED_VMX_VMCS_SIZE];
    __u8 shadow_vmcs12[KVM_STATE_NESTED_VMX_VMCS_SIZE];
};

/* AMD: address of the control block; its contents. */
struct kvm_svm_nested_state_hdr {
    __u64 vmcb_pa;
};

struct kvm_svm_nested_state_data {
    __u8 vmcb12[KVM_STATE_NESTED_SVM_VMCB_SIZE];
};

struct kvm_nested_state {
    __u16 flags;
    __u16 format;
    __u32 size; /* of all of it, in bytes */
    union {
        struct kvm_vmx_nested_state_hdr vmx;
        struct kvm_svm_nested_state_hdr svm;
        __u8 pad[120];
    } hdr;
    union {
        struct kvm_vmx_nested_state_data vmx[0];
        struct kvm_svm_nested_state_data svm[0];
    } data;
};

#endif
