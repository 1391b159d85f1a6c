/*
 * The state of an x86 processor, as far as it travels, decides what travels, or counts
 * it.
 *
 * target_ulong is the width of the general registers: 32 bits on i386, 64 on x86_64.
 */
#ifndef I386_CPU_H
#define I386_CPU_H

#include "exec/cpu-defs.h"
#include "hw/core/cpu.h"
#include "migration/vmstate.h"
#include "qemu/cpu-float.h"
#include "qemu/types.h"

#ifdef CONFIG_KVM
#include "linux/kvm-nested.h"
#endif

typedef struct CPUArchState CPUX86State;
typedef struct ArchCPU X86CPU;

/* --- how many ---------------------------------------------------------------------- */

/* General and vector registers. */
#ifdef TARGET_X86_64
#define CPU_NB_REGS 16
#define CPU_NB_ZMM_REGS 32 /* AVX-512 has 16 more */
#else
#define CPU_NB_REGS 8
#define CPU_NB_ZMM_REGS 8
#endif

#define NB_OPMASK_REGS 8       /* k0 ... k7 of AVX-512 */
#define MAX_FIXED_COUNTERS 3   /* performance counters with a fixed event */
#define MAX_GP_COUNTERS 18     /* performance counters with a selectable one */
#define MAX_RTIT_ADDRS 8       /* address filters of the processor trace */
#define ARCH_LBR_NR_ENTRIES 32 /* last branch records */
#define MSR_MTRRcap_VCNT 8     /* memory type ranges of variable size */
#define MCE_BANKS_DEF 10       /* machine check banks, four registers each */
#define HV_CRASH_PARAMS 5      /* Hyper-V: parameters of a crash */
#define HV_SINT_COUNT 16       /* Hyper-V: synthetic interrupt sources */
#define HV_STIMER_COUNT 4      /* Hyper-V: synthetic timers */
#define XEN_NR_VIRQS 24        /* Xen: virtual interrupts */

/* --- bits that predicates ask for ------------------------------------------------ */

/* Order of env.regs; r8 ... r15 follow on x86_64. */
enum {
    R_EAX = 0,
    R_ECX = 1,
    R_EDX = 2,
    R_EBX = 3,
    R_ESP = 4,
    R_EBP = 5,
    R_ESI = 6,
    R_EDI = 7,
};

/* Order of env.segs. */
typedef enum X86Seg {
    R_ES = 0,
    R_CS = 1,
    R_SS = 2,
    R_DS = 3,
    R_FS = 4,
    R_GS = 5,
    R_LDTR = 6,
    R_TR = 7,
} X86Seg;

/* env.hflags: a nested guest runs.  env.hflags2: it has nested paging. */
#define HF_GUEST_MASK (1 << 21)
#define HF2_NPT_MASK (1 << 6)

#define MSR_IA32_MISC_ENABLE_DEFAULT 1

/* X86CPU.hyperv_features: bit numbers. */
#define HYPERV_FEAT_RUNTIME 6

/* Words of env.features: the register of a CPUID leaf, or a capability MSR. */
typedef enum FeatureWord {
    FEAT_1_EDX,
    FEAT_1_ECX,
    FEAT_7_0_EBX,
    FEAT_7_0_ECX,
    FEAT_7_0_EDX,
    FEAT_7_1_EAX,
    FEAT_8000_0001_EDX,
    FEAT_8000_0001_ECX,
    FEAT_8000_0007_EBX,
    FEAT_8000_0007_EDX,
    FEAT_8000_0008_EBX,
    FEAT_8000_0021_EAX,
    FEAT_8000_0021_EBX,
    FEAT_8000_0022_EAX,
    FEAT_C000_0001_EDX,
    FEAT_KVM,
    FEAT_KVM_HINTS,
    FEAT_SVM,
    FEAT_XSAVE,
    FEAT_6_EAX,
    FEAT_XSAVE_XCR0_LO,
    FEAT_XSAVE_XCR0_HI,
    FEAT_ARCH_CAPABILITIES,
    FEAT_CORE_CAPABILITY,
    FEAT_PERF_CAPABILITIES,
    FEAT_VMX_PROCBASED_CTLS,
    FEAT_VMX_SECONDARY_CTLS,
    FEAT_VMX_PINBASED_CTLS,
    FEAT_VMX_EXIT_CTLS,
    FEAT_VMX_ENTRY_CTLS,
    FEAT_VMX_MISC,
    FEAT_VMX_EPT_VPID_CAPS,
    FEAT_VMX_BASIC,
    FEAT_VMX_VMFUNC,
    FEAT_14_0_ECX,
    FEAT_SGX_12_0_EAX,
    FEAT_SGX_12_0_EBX,
    FEAT_SGX_12_1_EAX,
    FEAT_XSAVE_XSS_LO,
    FEAT_XSAVE_XSS_HI,
    FEAT_7_1_EDX,
    FEAT_7_2_EDX,
    FEAT_24_0_EBX,
    FEATURE_WORDS,
} FeatureWord;

typedef uint64_t FeatureWordArray[FEATURE_WORDS];

#define CPUID_7_0_ECX_SGX_LC (1U << 30)   /* SGX launch control */
#define CPUID_7_0_EDX_ARCH_LBR (1U << 19) /* last branch records */
#define CPUID_7_0_EDX_AMX_TILE (1U << 24) /* matrix tiles */
#define CPUID_7_1_EAX_FRED (1U << 17)     /* flexible return and event delivery */
#define CPUID_D_1_EAX_XFD (1U << 4)       /* extended feature disable */
#define CPUID_SVM_TSCSCALE (1U << 4)      /* time stamp scaling for guests */
#define ARCH_CAP_TSX_CTRL_MSR (1 << 7)    /* transactions can be turned off */

/* --- parts --------------------------------------------------------------------------- */

/* A segment register with the descriptor that was loaded with it. */
typedef struct SegmentCache {
    uint32_t selector;
    target_ulong base;
    uint32_t limit;
    uint32_t flags; /* the descriptor's second word */
} SegmentCache;

/* A vector register: XMM is the first 128 bits, YMM the first 256.  ZMM_Q(n) is the nth
 * 64 bits from the low end. */
typedef union ZMMReg {
    uint8_t _b_ZMMReg[512 / 8];
    uint16_t _w_ZMMReg[512 / 16];
    uint32_t _l_ZMMReg[512 / 32];
    uint64_t _q_ZMMReg[512 / 64];
} ZMMReg;

#define ZMM_Q(_n) _q_ZMMReg[_n]

/* An MMX register lies in the significand of an x87 register. */
typedef union MMXReg {
    uint8_t _b_MMXReg[64 / 8];
    uint16_t _w_MMXReg[64 / 16];
    uint32_t _l_MMXReg[64 / 32];
    uint64_t _q_MMXReg[64 / 64];
} MMXReg;

typedef union {
    floatx80 d;
    MMXReg mmx;
} FPReg;

/* Memory protection extensions: a bound; configuration and status. */
typedef struct BNDReg {
    uint64_t lb;
    uint64_t ub;
} BNDReg;

typedef struct BNDCSReg {
    uint64_t cfgu;
    uint64_t sts;
} BNDCSReg;

/* A memory type range of variable size. */
typedef struct {
    uint64_t base;
    uint64_t mask;
} MTRRVar;

/* A last branch record. */
typedef struct {
    uint64_t from;
    uint64_t to;
    uint64_t info;
} LBREntry;

/* --- registers ----------------------------------------------------------------------- */

struct CPUArchState {
    /* General registers, instruction pointer, flags. */
    target_ulong regs[CPU_NB_REGS];
    target_ulong eip;
    target_ulong eflags;

    /* Modes of the processor and of the emulation, HF_* and HF2_*. */
    uint32_t hflags;
    uint32_t hflags2;

    /* Segments, descriptor tables. */
    SegmentCache segs[6];
    SegmentCache ldt;
    SegmentCache tr;
    SegmentCache gdt;
    SegmentCache idt;

    /* Control registers cr0, cr2, cr3, cr4; page directory pointers of PAE paging. */
    target_ulong cr[5];
    bool pdptrs_valid;
    uint64_t pdptrs[4];
    int32_t a20_mask; /* all ones, or all but bit 20 */
    uint64_t efer;

    /* Debug registers. */
    target_ulong dr[8];

    /* x87: control word, registers; last opcode, instruction and operand address. */
    uint16_t fpuc;
    FPReg fpregs[8];
    uint16_t fpop;
    uint64_t fpip;
    uint64_t fpdp;

    /* x87 in the form that travels: status word with the top of stack, a tag bit for each
     * register (one: in use), 0 for the format of the registers. */
    uint16_t fpus_vmstate;
    uint16_t fptag_vmstate;
    uint16_t fpregs_format_vmstate;

    /* Vectors: SSE control and status, XMM/YMM/ZMM registers, masks, matrix tiles. */
    uint32_t mxcsr;
    ZMMReg xmm_regs[CPU_NB_ZMM_REGS];
    uint64_t opmask_regs[NB_OPMASK_REGS];
#ifdef TARGET_X86_64
    uint8_t xtilecfg[64];
    uint8_t xtiledata[8192];
#endif

    /* Which of the extended states are enabled, in use, for supervisors, disabled. */
    uint64_t xcr0;
    uint64_t xstate_bv;
    uint64_t xss;
    uint64_t msr_xfd;
    uint64_t msr_xfd_err;

    /* Bounds (MPX), protection keys of user and supervisor pages. */
    BNDReg bnd_regs[4];
    BNDCSReg bndcs_regs;
    uint64_t msr_bndcfgs;
    uint32_t pkru;
    uint32_t pkrs;

    /* System calls. */
    uint32_t sysenter_cs;
    target_ulong sysenter_esp;
    target_ulong sysenter_eip;
    uint64_t star;
#ifdef TARGET_X86_64
    target_ulong lstar;
    target_ulong cstar;
    target_ulong fmask;
    target_ulong kernelgsbase;

    /* Flexible return and event delivery. */
    uint64_t fred_rsp0;
    uint64_t fred_rsp1;
    uint64_t fred_rsp2;
    uint64_t fred_rsp3;
    uint64_t fred_stklvls;
    uint64_t fred_ssp1;
    uint64_t fred_ssp2;
    uint64_t fred_ssp3;
    uint64_t fred_config;
#endif

    /* Time stamp counter. */
    uint64_t tsc;
    uint64_t tsc_adjust;
    uint64_t tsc_deadline;
    uint64_t tsc_aux;
    int64_t tsc_khz;
    uint64_t amd_tsc_scale_msr;

    /* Memory types. */
    uint64_t pat;
    uint64_t mtrr_fixed[11];
    uint64_t mtrr_deftype;
    MTRRVar mtrr_var[MSR_MTRRcap_VCNT];

    /* System management mode. */
    uint32_t smbase;
    uint64_t msr_smi_count;

    /* Machine checks. */
    uint64_t mcg_cap;
    uint64_t mcg_status;
    uint64_t mcg_ctl;
    uint64_t mcg_ext_ctl;
    uint64_t mce_banks[MCE_BANKS_DEF * 4];

    /* Miscellaneous model-specific registers. */
    uint64_t msr_ia32_misc_enable;
    uint64_t msr_ia32_feature_control;
    uint64_t msr_ia32_sgxlepubkeyhash[4];
    uint32_t tsx_ctrl;
    uint64_t spec_ctrl;
    uint64_t virt_ssbd;
    uint64_t msr_hwcr;
    uint32_t umwait;

    /* Performance counters. */
    uint64_t msr_fixed_ctr_ctrl;
    uint64_t msr_global_ctrl;
    uint64_t msr_global_status;
    uint64_t msr_global_ovf_ctrl;
    uint64_t msr_fixed_counters[MAX_FIXED_COUNTERS];
    uint64_t msr_gp_counters[MAX_GP_COUNTERS];
    uint64_t msr_gp_evtsel[MAX_GP_COUNTERS];

    /* Processor trace, last branch records. */
    uint64_t msr_rtit_ctrl;
    uint64_t msr_rtit_status;
    uint64_t msr_rtit_output_base;
    uint64_t msr_rtit_output_mask;
    uint64_t msr_rtit_cr3_match;
    uint64_t msr_rtit_addrs[MAX_RTIT_ADDRS];
    uint64_t msr_lbr_ctl;
    uint64_t msr_lbr_depth;
    LBREntry lbr_records[ARCH_LBR_NR_ENTRIES];

    /* AMD virtualisation: where state is, what a guest is stopped for. */
    uint64_t vm_hsave;
    uint64_t vm_vmcb;
    uint64_t tsc_offset;
    uint64_t intercept;
    uint16_t intercept_cr_read;
    uint16_t intercept_cr_write;
    uint16_t intercept_dr_read;
    uint16_t intercept_dr_write;
    uint32_t intercept_exceptions;
    uint64_t nested_cr3;
    uint32_t nested_pg_mode;
    uint8_t v_tpr;
    uint32_t int_ctl;

    /* Events on their way, as KVM has them; numbers are -1 for none. */
    uint32_t mp_state;
    int32_t exception_nr;
    int32_t interrupt_injected;
    uint8_t soft_interrupt;
    uint8_t nmi_injected;
    uint8_t nmi_pending;
    uint8_t exception_pending;
    uint8_t exception_injected;
    uint8_t has_error_code;
    uint8_t exception_has_payload;
    uint64_t exception_payload;
    uint8_t triple_fault_pending;
    uint32_t sipi_vector;

    /* What a guest tells KVM: clocks, stolen time, page faults, end of interrupt. */
    uint64_t system_time_msr;
    uint64_t wall_clock_msr;
    uint64_t steal_time_msr;
    uint64_t async_pf_en_msr;
    uint64_t async_pf_int_msr;
    uint64_t pv_eoi_en_msr;
    uint64_t poll_control_msr;

    /* What a guest tells Hyper-V. */
    uint64_t msr_hv_hypercall;
    uint64_t msr_hv_guest_os_id;
    uint64_t msr_hv_tsc;
    uint64_t msr_hv_vapic;
    uint64_t msr_hv_crash_params[HV_CRASH_PARAMS];
    uint64_t msr_hv_runtime;
    uint64_t msr_hv_synic_control;
    uint64_t msr_hv_synic_evt_page;
    uint64_t msr_hv_synic_msg_page;
    uint64_t msr_hv_synic_sint[HV_SINT_COUNT];
    uint64_t msr_hv_stimer_config[HV_STIMER_COUNT];
    uint64_t msr_hv_stimer_count[HV_STIMER_COUNT];
    uint64_t msr_hv_reenlightenment_control;
    uint64_t msr_hv_tsc_emulation_control;
    uint64_t msr_hv_tsc_emulation_status;

#ifdef CONFIG_KVM
    /* Virtualisation inside the guest. */
    struct kvm_nested_state *nested_state;

    /* Xen, emulated on KVM. */
    uint64_t xen_vcpu_info_gpa;
    uint64_t xen_vcpu_info_default_gpa;
    uint64_t xen_vcpu_time_info_gpa;
    uint64_t xen_vcpu_runstate_gpa;
    uint8_t xen_vcpu_callback_vector;
    uint16_t xen_virq[XEN_NR_VIRQS];
    uint64_t xen_singleshot_timer_ns;
    uint64_t xen_periodic_timer_period;
#endif

    /* What the model can do; does not travel. */
    FeatureWordArray features;
};

/* --- the object ------------------------------------------------------------------ */

struct ArchCPU {
    CPUState parent_obj;
    CPUX86State env;

    /* Options of the model that decide which subsections are sent. */
    uint64_t hyperv_features;
    bool migrate_smi_count;
    bool enable_lmce;
};

static inline bool hyperv_feat_enabled(X86CPU *cpu, int feat)
{
    return !!(cpu->hyperv_features & BIT(feat));
}

/* The machine, and what its version has: known to the running QEMU only. */
typedef struct Object Object;
typedef struct MachineClass MachineClass;
typedef struct X86MachineClass {
    bool save_tsc_khz;
} X86MachineClass;

Object *qdev_get_machine(void);
MachineClass *MACHINE_GET_CLASS(const void *obj);
X86MachineClass *X86_MACHINE_CLASS(const void *klass);

extern const VMStateDescription vmstate_x86_cpu;

#endif
