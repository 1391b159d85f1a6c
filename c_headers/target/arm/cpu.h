/*
 * The state of an Arm CPU, as far as its migration sees it: what travels, what counts the
 * elements of what travels, and what decides if a part travels at all.
 *
 * Most system registers are not members here: they travel as a list of pairs of index and
 * value (cpreg_vmstate_indexes, cpreg_vmstate_values of ARMCPU).
 */
#ifndef ARM_CPU_H
#define ARM_CPU_H

#include "exec/cpu-defs.h"
#include "hw/registerfields.h"
#include "qemu/timer.h"

/* --- sizes and indexes ----------------------------------------------------------- */

/* The longest vector, in quadwords: 2048 bits of SVE, or 128 bits of Neon. */
#ifdef TARGET_AARCH64
#define ARM_MAX_VQ 16
#else
#define ARM_MAX_VQ 1
#endif

/* M profile registers that exist once per security state. */
enum {
    M_REG_NS = 0,        /* Non-secure */
    M_REG_S = 1,         /* Secure */
    M_REG_NUM_BANKS = 2,
};

/* The generic timers. */
enum {
    GTIMER_PHYS = 0,        /* EL1 physical */
    GTIMER_VIRT = 1,        /* EL1 virtual */
    GTIMER_HYP = 2,         /* EL2 physical */
    GTIMER_SEC = 3,         /* EL3 physical */
    GTIMER_HYPVIRT = 4,     /* EL2 virtual */
    GTIMER_S_EL2_PHYS = 5,  /* Secure EL2 physical */
    GTIMER_S_EL2_VIRT = 6,  /* Secure EL2 virtual */
    NUM_GTIMERS = 7,
};

/* --- vector registers ------------------------------------------------------------ */

/* Zn, least significant doubleword first: Qn is d[1]:d[0], and Dn of AArch64 is d[0]. */
typedef struct ARMVectorReg {
    uint64_t d[2 * ARM_MAX_VQ];
} ARMVectorReg;

#ifdef TARGET_AARCH64
/* Pn of SVE: a bit for each byte of Zn. */
typedef struct ARMPredicateReg {
    uint64_t p[DIV_ROUND_UP(2 * ARM_MAX_VQ, 8)];
} ARMPredicateReg;
#endif

/* --- the registers --------------------------------------------------------------- */

typedef struct CPUArchState {
    /* AArch32: r0-r15 of the current mode; r15 is the program counter. */
    uint32_t regs[16];

    /* AArch64: x0-x30, the current stack pointer as number 31, and the program counter. */
    uint64_t xregs[32];
    uint64_t pc;

    /* Saved program status of the current AArch32 mode. */
    uint32_t spsr;

    /* AArch32 registers of the other modes: r13, r14, SPSR by bank, and both sets of
     * r8-r12, that of FIQ mode and that of all the others. */
    uint64_t banked_spsr[8];
    uint32_t banked_r13[8];
    uint32_t banked_r14[8];
    uint32_t usr_regs[5];
    uint32_t fiq_regs[5];

    /* Streaming mode (bit 0) and ZA storage (bit 1) of SME, in or out of use. */
    uint64_t svcr;

    /* AArch64: exception link registers and stack pointers of EL0 to EL3. */
    uint64_t elr_el[4];
    uint64_t sp_el[4];

    /* M profile: stack pointers, fault status, interrupt masks, MPU and FP control. */
    struct {
        uint32_t other_sp;       /* the one of MSP and PSP that regs[13] is not */
        uint32_t other_ss_msp;   /* both, of the other security state */
        uint32_t other_ss_psp;
        uint32_t vecbase[M_REG_NUM_BANKS];
        uint32_t basepri[M_REG_NUM_BANKS];
        uint32_t control[M_REG_NUM_BANKS];
        uint32_t ccr[M_REG_NUM_BANKS];
        uint32_t cfsr[M_REG_NUM_BANKS];
        uint32_t hfsr;
        uint32_t dfsr;
        uint32_t sfsr;
        uint32_t mmfar[M_REG_NUM_BANKS];
        uint32_t bfar;
        uint32_t sfar;
        unsigned mpu_ctrl[M_REG_NUM_BANKS];
        int exception;           /* number of the active exception, 0 for none */
        uint32_t primask[M_REG_NUM_BANKS];
        uint32_t faultmask[M_REG_NUM_BANKS];
        uint32_t aircr;
        uint32_t secure;         /* 1 in Secure state */
        uint32_t csselr[M_REG_NUM_BANKS];
        uint32_t scr[M_REG_NUM_BANKS];
        uint32_t msplim[M_REG_NUM_BANKS];
        uint32_t psplim[M_REG_NUM_BANKS];
        uint32_t fpcar[M_REG_NUM_BANKS];
        uint32_t fpccr[M_REG_NUM_BANKS];
        uint32_t fpdscr[M_REG_NUM_BANKS];
        uint32_t cpacr[M_REG_NUM_BANKS];
        uint32_t nsacr;
        uint32_t ltpsize;        /* MVE: loop tail predication */
        uint32_t vpr;            /* MVE: vector predication */
    } v7m;

    /* The exception about to be taken. */
    struct {
        uint32_t syndrome;       /* as in ESR_ELx */
        uint32_t fsr;            /* as in the AArch32 fault status registers */
        uint64_t vaddress;
    } exception;

    /* An SError that waits to be taken. */
    struct {
        uint8_t pending;
        uint8_t has_esr;
        uint64_t esr;
    } serror;

    /* Levels of the interrupt inputs, by bit of the CPU's interrupt request. */
    uint32_t irq_line_state;

    /* Thumb-2 execution environment. */
    uint32_t teecr;
    uint32_t teehbr;

    /* Floating point, Neon, SVE. */
    struct {
        ARMVectorReg zregs[32];
#ifdef TARGET_AARCH64
        ARMPredicateReg pregs[17];  /* P0-P15, and FFR as number 16 */
#endif
        uint32_t xregs[16];         /* FPSID, MVFRn, FPEXC ... as VMRS numbers them */
    } vfp;

    /* The exclusive monitor: address, and the value or pair of values loaded from it. */
    uint64_t exclusive_addr;
    uint64_t exclusive_val;
    uint64_t exclusive_high;

    /* Intel Wireless MMX. */
    struct {
        uint64_t regs[16];
        uint32_t cregs[16];
    } iwmmxt;

#ifdef TARGET_AARCH64
    /* ZA of SME, by horizontal slices. */
    ARMVectorReg zarray[ARM_MAX_VQ * 16];
#endif

    /* What this model of CPU has: a bit per ARM_FEATURE_*. */
    uint64_t features;

    /* Memory protection unit, PMSAv7: pmsav7_dregion regions. */
    struct {
        uint32_t *drbar;
        uint32_t *drsr;
        uint32_t *dracr;
        uint32_t rnr[M_REG_NUM_BANKS];
    } pmsav7;

    /* Memory protection unit, PMSAv8: pmsav7_dregion regions, and pmsav8r_hdregion of EL2
     * in R profile. */
    struct {
        uint32_t *rbar[M_REG_NUM_BANKS];
        uint32_t *rlar[M_REG_NUM_BANKS];
        uint32_t *hprbar;
        uint32_t *hprlar;
        uint32_t mair0[M_REG_NUM_BANKS];
        uint32_t mair1[M_REG_NUM_BANKS];
    } pmsav8;

    /* Security attribution unit: sau_sregion regions. */
    struct {
        uint32_t *rbar;
        uint32_t *rlar;
        uint32_t rnr;
        uint32_t ctrl;
    } sau;
} CPUARMState;

/* --- the CPU around them --------------------------------------------------------- */

/* Power as PSCI counts it. */
typedef enum ARMPSCIState {
    PSCI_ON = 0,
    PSCI_OFF = 1,
    PSCI_ON_PENDING = 2,
} ARMPSCIState;

/* ID registers that tell which instructions there are: those that are asked for here. */
typedef struct ARMISARegisters {
    uint32_t id_pfr1;
    uint32_t mvfr0;
    uint32_t mvfr1;
    uint64_t id_aa64pfr0;
} ARMISARegisters;

typedef struct ArchCPU {
    CPUARMState env;

    /* System registers on their way: index and value of each, in the order of the index.
     * The sender's list may be shorter than the one of the receiver. */
    uint64_t *cpreg_vmstate_indexes;
    uint64_t *cpreg_vmstate_values;
    int32_t cpreg_vmstate_array_len;

    QEMUTimer *gt_timer[NUM_GTIMERS];
    QEMUTimer *wfxt_timer;   /* time-out of WFET and WFIT; NULL where there are none */

    ARMPSCIState power_state;

    /* Numbers of regions of the protection units: properties of the model. */
    uint32_t pmsav7_dregion;
    uint32_t pmsav8r_hdregion;
    uint32_t sau_sregion;

    ARMISARegisters isar;
    uint64_t clidr;          /* which caches there are */
} ARMCPU;

/* --- features -------------------------------------------------------------------- */

/* Bit numbers in features; those that nothing here asks for are left out. */
enum arm_features {
    ARM_FEATURE_IWMMXT = 2,
    ARM_FEATURE_V7 = 5,
    ARM_FEATURE_PMSA = 7,
    ARM_FEATURE_M = 9,
    ARM_FEATURE_THUMB2EE = 11,
    ARM_FEATURE_V8 = 26,
    ARM_FEATURE_AARCH64 = 27,
    ARM_FEATURE_M_SECURITY = 35,
};

static inline int arm_feature(CPUARMState *env, int feature)
{
    return (env->features & (1ULL << feature)) != 0;
}

FIELD(ID_PFR1, MPROGMOD, 8, 4)
FIELD(MVFR0, SIMDREG, 0, 4)
FIELD(MVFR1, MVE, 8, 4)
FIELD(ID_AA64PFR0, FP, 16, 4)
FIELD(ID_AA64PFR0, SVE, 32, 4)
FIELD(SVCR, ZA, 1, 1)
FIELD(V7M_CLIDR, CTYPE_ALL, 0, 21)
FIELD(V7M_CSSELR, INDEX, 0, 4)

/* M profile at all. */
static inline bool isar_feature_aa32_mprofile(const ARMISARegisters *id)
{
    return FIELD_EX32(id->id_pfr1, ID_PFR1, MPROGMOD) != 0;
}

/* M profile vector extension; for the other profiles the field means something else. */
static inline bool isar_feature_aa32_mve(const ARMISARegisters *id)
{
    return isar_feature_aa32_mprofile(id) && FIELD_EX32(id->mvfr1, MVFR1, MVE) > 0;
}

/* VFP or Neon registers in AArch32. */
static inline bool isar_feature_aa32_vfp_simd(const ARMISARegisters *id)
{
    return FIELD_EX32(id->mvfr0, MVFR0, SIMDREG) > 0;
}

/* Floating point and Neon in AArch64: all ones says no. */
static inline bool isar_feature_aa64_fp_simd(const ARMISARegisters *id)
{
    return FIELD_EX64(id->id_aa64pfr0, ID_AA64PFR0, FP) != 0xf;
}

static inline bool isar_feature_aa64_sve(const ARMISARegisters *id)
{
    return FIELD_EX64(id->id_aa64pfr0, ID_AA64PFR0, SVE) != 0;
}

#define cpu_isar_feature(_name, _cpu) isar_feature_##_name(&(_cpu)->isar)

/* M profile: the cache selection register has nothing to select from. */
static inline bool arm_v7m_csselr_razwi(ARMCPU *cpu)
{
    return (cpu->clidr & R_V7M_CLIDR_CTYPE_ALL_MASK) != 0;
}

/* --- registers that QEMU takes apart --------------------------------------------- */

/* These live in QEMU split over several members and are put together to travel. */
#define XPSR_EXCP 0x1ffU     /* xPSR: number of the active exception */
#define PSTATE_nRW 0x10U     /* PSTATE, CPSR: the CPU is in AArch32 state */

typedef enum CPSRWriteType {
    CPSRWriteRaw = 2,        /* as it is: no change of mode follows */
} CPSRWriteType;

bool is_a64(CPUARMState *env);
uint32_t pstate_read(CPUARMState *env);
void pstate_write(CPUARMState *env, uint32_t val);
uint32_t cpsr_read(CPUARMState *env);
void cpsr_write(CPUARMState *env, uint32_t val, uint32_t mask, CPSRWriteType how);
uint32_t xpsr_read(CPUARMState *env);
void xpsr_write(CPUARMState *env, uint32_t val, uint32_t mask);

uint32_t vfp_get_fpcr(CPUARMState *env);
void vfp_set_fpcr(CPUARMState *env, uint32_t val);
uint32_t vfp_get_fpsr(CPUARMState *env);
void vfp_set_fpsr(CPUARMState *env, uint32_t val);
uint32_t vfp_get_fpscr(CPUARMState *env);
void vfp_set_fpscr(CPUARMState *env, uint32_t val);

/* Bits of FPCR and of FPSR that FPSCR of AArch32 has as well. */
#define FPSCR_FPCR_MASK 0x07ff9f00
#define FPSCR_FPSR_MASK 0xf800009f

#endif
