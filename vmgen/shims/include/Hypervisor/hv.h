/* Apple's hypervisor framework: handles and numbers. */
#ifndef VMGEN_SHIM_HYPERVISOR_HV_H
#define VMGEN_SHIM_HYPERVISOR_HV_H

#include <stdint.h>
#include <stddef.h>
typedef int32_t hv_return_t;
typedef uint64_t hv_vcpu_t;
typedef unsigned hv_vcpuid_t;
typedef uint16_t hv_sys_reg_t;
typedef uint32_t hv_reg_t;
typedef uint32_t hv_simd_fp_reg_t;
typedef uint64_t hv_memory_flags_t;
typedef uint64_t hv_ipa_t;
typedef uint64_t hv_gpaddr_t;
typedef struct hv_vcpu_exit hv_vcpu_exit_t;
typedef struct hv_vcpu_config *hv_vcpu_config_t;
typedef struct hv_vm_config *hv_vm_config_t;

#endif
