/*
 * The state of a RISC-V hart, as far as it travels, decides what travels, or counts it.
 *
 * target_ulong is XLEN bits wide: 32 on riscv32, 64 on riscv64.  Registers that the
 * specification splits in two on RV32 (mstatus and mstatush ...) are one uint64_t here.
 */
#ifndef RISCV_CPU_H
#define RISCV_CPU_H

#include "exec/cpu-defs.h"
#include "hw/core/cpu.h"
#include "migration/vmstate.h"
#include "qemu/types.h"

typedef struct CPUArchState CPURISCVState;
typedef struct ArchCPU RISCVCPU;
typedef struct RISCVCPUClass RISCVCPUClass;
typedef struct RISCVCPUConfig RISCVCPUConfig;

/* --- constants ------------------------------------------------------------------- */

/* Letters of the misa register; a single-letter extension is one bit in misa_ext. */
#define RV(_letter) ((target_ulong)1 << (_letter - 'A'))
#define RVH RV('H') /* hypervisor */
#define RVV RV('V') /* vector */

/* Register width, as the MXL field of misa has it. */
typedef enum {
    MXL_RV32 = 1,
    MXL_RV64 = 2,
    MXL_RV128 = 3,
} RISCVMXL;

/* Versions of the privileged specification, env.priv_ver. */
enum {
    PRIV_VERSION_1_10_0 = 0,
    PRIV_VERSION_1_11_0,
    PRIV_VERSION_1_12_0,
    PRIV_VERSION_1_13_0,
};

#define RV_VLEN_MAX 1024       /* bits of the longest vector register */
#define MAX_RISCV_PMPS 16      /* entries for physical memory protection */
#define RV_MAX_MHPMEVENTS 32   /* event selectors; the first three are unused */
#define RV_MAX_MHPMCOUNTERS 32 /* performance counters */
#define RV_MAX_TRIGGERS 2      /* of the debug trigger module */
#define SMSTATEEN_MAX_COUNT 4
#define SCTRDEPTH_MAX 4U       /* 16 << 4 entries in the control transfer records */

/* --- parts ----------------------------------------------------------------------- */

/* One entry for physical memory protection. */
typedef struct {
    target_ulong addr_reg; /* pmpaddrN */
    uint8_t cfg_reg;       /* its byte of pmpcfgN */
} pmp_entry_t;

typedef struct {
    pmp_entry_t pmp[MAX_RISCV_PMPS];
} pmp_table_t;

/* One performance counter; the second and fourth member are for RV32. */
typedef struct PMUCTRState {
    target_ulong mhpmcounter_val; /* value */
    target_ulong mhpmcounterh_val;
    target_ulong mhpmcounter_prev; /* value when it was last started */
    target_ulong mhpmcounterh_prev;
    target_ulong irq_overflow_left; /* how far it is from its interrupt; does not travel */
} PMUCTRState;

/* --- registers ------------------------------------------------------------------- */

struct CPUArchState {
    /* Integer registers x0 ... x31, and the upper halves of RV128. */
    target_ulong gpr[32];
    target_ulong gprh[32];
    target_ulong pc;

    /* The reservation of LR: address (all ones for none) and the value read there. */
    target_ulong load_res;
    target_ulong load_val;

    /* Floating point: f0 ... f31 (narrower values are boxed in ones), rounding mode. */
    uint64_t fpr[32];
    target_ulong frm;

    /* Vector: v0 ... v31 one after the other, each RV_VLEN_MAX bits. */
    uint64_t vreg[32 * RV_VLEN_MAX / 64];
    target_ulong vxrm;
    target_ulong vxsat;
    target_ulong vl;
    target_ulong vstart;
    target_ulong vtype;
    bool vill;

    /* The exception being taken. */
    target_ulong badaddr;
    target_ulong guest_phys_fault_addr;

    /* Which specifications, and which width and extensions of them. */
    target_ulong priv_ver;
    target_ulong vext_ver;
    uint32_t misa_mxl; /* a RISCVMXL */
    uint32_t misa_ext;
    uint32_t misa_ext_mask; /* extensions that the CPU model could have */

    /* Mode: user 0, supervisor 1, machine 3; in a guest of the hypervisor or not. */
    target_ulong priv;
    bool virt_enabled;

    uint64_t resetvec;
    target_ulong mhartid;

    /* Table jumps (Zcmt), landing pads (Zicfilp), shadow stack (Zicfiss). */
    target_ulong jvt;
    bool elp;
    target_ulong ssp;

    /* Machine mode: status, interrupts, traps. */
    uint64_t mstatus;
    uint64_t mip;
    uint64_t miclaim; /* interrupts that a controller drives */
    uint64_t mie;
    uint64_t mideleg;
    target_ulong medeleg;
    target_ulong mtvec;
    target_ulong mepc;
    target_ulong mcause;
    target_ulong mtval;
    target_ulong mscratch;

    /* Supervisor mode: translation, interrupts, traps. */
    target_ulong satp;
    uint64_t sie; /* the part that is not an alias of mie */
    target_ulong stvec;
    target_ulong sepc;
    target_ulong scause;
    target_ulong stval;
    target_ulong sscratch;

    /* Upper halves on RV128. */
    uint64_t mscratchh;
    uint64_t sscratchh;

    /* Advanced interrupt architecture: indirect access, virtual interrupts, priorities. */
    target_ulong miselect;
    target_ulong siselect;
    uint64_t mvien;
    uint64_t mvip;
    uint8_t miprio[64];
    uint8_t siprio[64];

    /* Hypervisor. */
    target_ulong hstatus;
    target_ulong hedeleg;
    uint64_t hideleg;
    uint32_t hcounteren;
    target_ulong htval;
    target_ulong htinst;
    target_ulong hgatp;
    target_ulong hgeie;
    target_ulong hgeip;
    uint64_t hvien;
    uint64_t hvip;
    uint64_t htimedelta;
    target_ulong hvictl;
    uint8_t hviprio[64];
    target_ulong mtval2;
    target_ulong mtinst;

    /* What a guest of the hypervisor has as its supervisor registers. */
    uint64_t vsstatus;
    target_ulong vstvec;
    target_ulong vsscratch;
    target_ulong vsepc;
    target_ulong vscause;
    target_ulong vstval;
    target_ulong vsatp;
    target_ulong vsiselect;
    uint64_t vsie;

    /* The hypervisor's own supervisor registers while a guest has them. */
    target_ulong stvec_hs;
    target_ulong sscratch_hs;
    target_ulong sepc_hs;
    target_ulong scause_hs;
    target_ulong stval_hs;
    target_ulong satp_hs;
    uint64_t mstatus_hs;

    /* Timer comparison (Sstc). */
    uint64_t stimecmp;
    uint64_t vstimecmp;

    /* Performance counters. */
    uint32_t scounteren;
    uint32_t mcounteren;
    uint32_t scountinhibit;
    uint32_t mcountinhibit;
    PMUCTRState pmu_ctrs[RV_MAX_MHPMCOUNTERS];
    target_ulong mhpmevent_val[RV_MAX_MHPMEVENTS];
    target_ulong mhpmeventh_val[RV_MAX_MHPMEVENTS];

    /* Control transfer records (Smctr, Ssctr): where from, where to, what kind. */
    uint64_t mctrctl;
    uint32_t sctrdepth;
    uint32_t sctrstatus;
    uint64_t vsctrctl;
    uint64_t ctr_src[16 << SCTRDEPTH_MAX];
    uint64_t ctr_dst[16 << SCTRDEPTH_MAX];
    uint64_t ctr_data[16 << SCTRDEPTH_MAX];

    /* Physical memory protection. */
    pmp_table_t pmp_state;

    /* Debug triggers. */
    target_ulong trigger_cur;
    target_ulong tdata1[RV_MAX_TRIGGERS];
    target_ulong tdata2[RV_MAX_TRIGGERS];
    target_ulong tdata3[RV_MAX_TRIGGERS];

    /* Environment configuration, state enable (Smstateen). */
    uint64_t menvcfg;
    target_ulong senvcfg;
    uint64_t henvcfg;
    uint64_t mstateen[SMSTATEEN_MAX_COUNT];
    uint64_t hstateen[SMSTATEEN_MAX_COUNT];
    uint64_t sstateen[SMSTATEEN_MAX_COUNT];

#ifdef CONFIG_KVM
    /* The timer of a hart that runs on KVM. */
    uint64_t kvm_timer_time;
    uint64_t kvm_timer_compare;
    uint64_t kvm_timer_state;
#endif
};

/* --- the object ------------------------------------------------------------------ */

/* Options of the CPU model that decide which subsections are sent. */
struct RISCVCPUConfig {
    bool ext_zcmt;
    bool ext_zicfilp;
    bool ext_zicfiss;
    bool ext_smstateen;
    bool ext_smctr;
    bool ext_ssctr;
    uint32_t pmu_mask; /* performance counters that exist */
    bool pmp;
    bool debug;
};

struct ArchCPU {
    CPUState parent_obj;
    CPURISCVState env;
    RISCVCPUConfig cfg;
};

struct RISCVCPUClass {
    CPUClass parent_class;
    RISCVMXL misa_mxl_max; /* widest registers that the model has */
};

/* The class of an object: known to the running QEMU only. */
RISCVCPUClass *RISCV_CPU_GET_CLASS(const void *obj);

static inline int riscv_has_ext(CPURISCVState *env, target_ulong ext)
{
    return (env->misa_ext & ext) != 0;
}

extern const VMStateDescription vmstate_riscv_cpu;

#endif
