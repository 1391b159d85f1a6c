/*
 * The state of a PowerPC CPU, as far as its migration sees it: what travels, what counts
 * the elements of what travels, and what decides if a part travels at all.
 *
 * LR, CTR, XER, the BATs and the decrementer are copied into their special purpose
 * registers (spr) to travel there.
 */
#ifndef PPC_CPU_H
#define PPC_CPU_H

#include "exec/cpu-defs.h"
#include "hw/registerfields.h"

#define MAX_SLB_ENTRIES 64
#define BHRB_MAX_NUM_ENTRIES_LOG2 5
#define BHRB_MAX_NUM_ENTRIES (1 << BHRB_MAX_NUM_ENTRIES_LOG2)

/* --- registers that are structures ----------------------------------------------- */

/*
 * A vector-scalar register, 128 bits as an integer of the host: little-endian, so that
 * doubleword 0 of the architecture, which holds the floating point register, comes second
 * in memory.  Altivec has registers 32 to 63.
 */
typedef union _ppc_vsr_t {
    uint8_t u8[16];
    uint16_t u16[8];
    uint32_t u32[4];
    uint64_t u64[2];
} ppc_vsr_t;

typedef ppc_vsr_t ppc_avr_t;

/* Doubleword i of a vector-scalar register as the architecture counts them. */
#define VsrD(i) u64[1 - (i)]

/* An entry of the segment lookaside buffer; the page sizes follow from the rest. */
typedef struct PPCHash64SegmentPageSizes PPCHash64SegmentPageSizes;

typedef struct ppc_slb_t {
    uint64_t esid;
    uint64_t vsid;
    const PPCHash64SegmentPageSizes *sps;
} ppc_slb_t;

/* --- TLBs that the guest's software fills ---------------------------------------- */

/* 603 and its kin. */
typedef struct ppc6xx_tlb_t {
    target_ulong pte0;
    target_ulong pte1;
    target_ulong EPN;
} ppc6xx_tlb_t;

/* 40x and 440. */
typedef struct ppcemb_tlb_t {
    uint64_t RPN;
    target_ulong EPN;
    target_ulong PID;
    target_ulong size;
    uint32_t prot;
    uint32_t attr;
} ppcemb_tlb_t;

/* e500 and later BookE: as in the MMU assist registers. */
typedef struct ppcmas_tlb_t {
    uint32_t mas8;
    uint32_t mas1;
    uint64_t mas2;
    uint64_t mas7_3;
} ppcmas_tlb_t;

/* Which of them there is, tlb_type says. */
typedef union ppc_tlb_t {
    ppc6xx_tlb_t *tlb6;
    ppcemb_tlb_t *tlbe;
    ppcmas_tlb_t *tlbm;
} ppc_tlb_t;

#define TLB_NONE 0
#define TLB_6XX 1
#define TLB_EMB 2
#define TLB_MAS 3

/* --- what a model of CPU is ------------------------------------------------------ */

/* Kinds of MMU; bit POWERPC_MMU_64 marks those with a segment lookaside buffer or a radix
 * tree. */
#define POWERPC_MMU_64 0x00010000

typedef enum powerpc_mmu_t {
    POWERPC_MMU_UNKNOWN = 0,
    POWERPC_MMU_32B = 1,
    POWERPC_MMU_SOFT_6xx = 2,
    POWERPC_MMU_SOFT_74xx = 3,
    POWERPC_MMU_SOFT_4xx = 4,
    POWERPC_MMU_REAL = 6,
    POWERPC_MMU_MPC8xx = 7,
    POWERPC_MMU_BOOKE = 8,
    POWERPC_MMU_BOOKE206 = 9,
    POWERPC_MMU_64B = POWERPC_MMU_64 | 1,
    POWERPC_MMU_2_03 = POWERPC_MMU_64 | 2,
    POWERPC_MMU_2_06 = POWERPC_MMU_64 | 3,
    POWERPC_MMU_2_07 = POWERPC_MMU_64 | 4,
    POWERPC_MMU_3_00 = POWERPC_MMU_64 | 5,
} powerpc_mmu_t;

static inline bool mmu_is_64bit(powerpc_mmu_t mmu_model)
{
    return mmu_model & POWERPC_MMU_64;
}

/* Bits of flags: oddities of a model. */
enum {
    POWERPC_FLAG_BHRB = 0x01000000, /* it has a branch history rolling buffer */
};

/* Bits of insns_flags and insns_flags2: groups of instructions. */
enum {
    PPC_FLOAT = 0x0000000000010000ULL,
    PPC_ALTIVEC = 0x0000000001000000ULL,
    PPC_POPCNTWD = 0x8000000000000000ULL,
    PPC2_VSX = 0x0000000000000002ULL,
};

/* The machine state register.  The architecture counts bits from the most significant one.
 * The field of the transaction state is two bits from MSR_TS0 upwards: TS0, and the bit
 * above it, which is what QEMU tests. */
#define PPC_BIT_NR(_bit) (63 - (_bit))
#define MSR_TS0 PPC_BIT_NR(29)
FIELD(MSR, TS, MSR_TS0, 2)

/* --- the registers --------------------------------------------------------------- */

typedef struct CPUArchState {
    target_ulong gpr[32];
    target_ulong gprh[32];   /* upper halves, for SPE on 32-bit CPUs */
    uint32_t crf[8];         /* condition register, a field each */
    target_ulong nip;        /* address of the next instruction */
    target_ulong msr;        /* machine state */
    target_ulong tgpr[4];    /* r0-r3 of the TLB miss handlers of 603 */

    /* Reservation of lwarx and its kin. */
    target_ulong reserve_addr;
    target_ulong reserve_length;
    target_ulong reserve_val;
#ifdef TARGET_PPC64
    target_ulong reserve_val2;
#endif

    /* Special purpose registers by number. */
    target_ulong spr[1024];

    /* Floating point, Altivec, VSX: registers and status. */
    ppc_vsr_t vsr[64];
    target_ulong fpscr;

    /* Accumulator of the signal processing engine. */
    uint64_t spe_acc;

    /* MMU: segments, TLB. */
#ifdef TARGET_PPC64
    ppc_slb_t slb[MAX_SLB_ENTRIES];
#endif
    target_ulong sr[32];
    int32_t nb_tlb;          /* number of TLB entries, of all ways */
    int tlb_type;            /* one of TLB_* */
    ppc_tlb_t tlb;

#ifdef TARGET_PPC64
    /* Branch history rolling buffer: place of the newest entry, and the entries. */
    target_ulong bhrb_offset;
    uint64_t bhrb[BHRB_MAX_NUM_ENTRIES];
#endif

    /* The model. */
    powerpc_mmu_t mmu_model;
    uint32_t flags;
    uint64_t insns_flags;
    uint64_t insns_flags2;

    /* Always 0: an old release reads it. */
    target_ulong hflags_compat_nmsr;

    /* Transactional memory: the registers as they were when the transaction began. */
    target_ulong tm_gpr[32];
    ppc_avr_t tm_vsr[64];
    uint64_t tm_cr;
    uint64_t tm_lr;
    uint64_t tm_ctr;
    uint64_t tm_fpscr;
    uint64_t tm_amr;
    uint64_t tm_ppr;
    uint64_t tm_vrsave;
    uint32_t tm_vscr;
    uint64_t tm_dscr;
    uint64_t tm_tar;
} CPUPPCState;

/* --- the CPU around them --------------------------------------------------------- */

typedef struct PPCVirtualHypervisor PPCVirtualHypervisor;

typedef struct ArchCPU {
    CPUPPCState env;

    uint32_t compat_pvr;         /* the older model it acts as, 0 for none */
    PPCVirtualHypervisor *vhyp;  /* the hypervisor of a paravirtual machine, or NULL */
} PowerPCCPU;

/* The vector status and control register lives in QEMU in two parts. */
uint32_t ppc_get_vscr(CPUPPCState *env);
void ppc_store_vscr(CPUPPCState *env, uint32_t vscr);

/* --- record and replay ----------------------------------------------------------- */

typedef enum ReplayMode {
    REPLAY_MODE_NONE,
    REPLAY_MODE_RECORD,
    REPLAY_MODE_PLAY,
} ReplayMode;

extern ReplayMode replay_mode;

#endif
