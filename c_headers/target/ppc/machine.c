/*
 * How a PowerPC CPU travels: description "cpu" and its subsections.
 *
 * 32-bit and 64-bit builds differ in the width of registers; only the latter have
 * transactional memory, the segment lookaside buffer and the branch history.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "migration/cpu.h"

/* --- the three views of the vector-scalar registers ------------------------------ */

/* Altivec: all of a register, in the host's order of doublewords. */
static int get_avr(QEMUFile *f, void *pv, size_t size, const VMStateField *field)
{
    ppc_avr_t *avr = pv;

    avr->u64[0] = qemu_get_be64(f);
    avr->u64[1] = qemu_get_be64(f);
    return 0;
}

static int put_avr(QEMUFile *f, void *pv, size_t size, const VMStateField *field,
                   JSONWriter *vmdesc)
{
    ppc_avr_t *avr = pv;

    qemu_put_be64(f, avr->u64[0]);
    qemu_put_be64(f, avr->u64[1]);
    return 0;
}

static const VMStateInfo vmstate_info_avr = {
    .name = "avr",
    .get = get_avr,
    .put = put_avr,
};

/* Floating point: doubleword 0. */
static int get_fpr(QEMUFile *f, void *pv, size_t size, const VMStateField *field)
{
    ppc_vsr_t *vsr = pv;

    vsr->VsrD(0) = qemu_get_be64(f);
    return 0;
}

static int put_fpr(QEMUFile *f, void *pv, size_t size, const VMStateField *field,
                   JSONWriter *vmdesc)
{
    ppc_vsr_t *vsr = pv;

    qemu_put_be64(f, vsr->VsrD(0));
    return 0;
}

static const VMStateInfo vmstate_info_fpr = {
    .name = "fpr",
    .get = get_fpr,
    .put = put_fpr,
};

/* VSX: doubleword 1, which a floating point register lacks. */
static int get_vsr(QEMUFile *f, void *pv, size_t size, const VMStateField *field)
{
    ppc_vsr_t *vsr = pv;

    vsr->VsrD(1) = qemu_get_be64(f);
    return 0;
}

static int put_vsr(QEMUFile *f, void *pv, size_t size, const VMStateField *field,
                   JSONWriter *vmdesc)
{
    ppc_vsr_t *vsr = pv;

    qemu_put_be64(f, vsr->VsrD(1));
    return 0;
}

static const VMStateInfo vmstate_info_vsr = {
    .name = "vsr",
    .get = get_vsr,
    .put = put_vsr,
};

/* Registers 0 to _n - 1 of _f; Altivec starts at 32. */
#define VMSTATE_FPR_ARRAY(_f, _s, _n) \
    VMSTATE_SUB_ARRAY(_f, _s, 0, _n, 0, vmstate_info_fpr, ppc_vsr_t)
#define VMSTATE_VSR_ARRAY(_f, _s, _n) \
    VMSTATE_SUB_ARRAY(_f, _s, 0, _n, 0, vmstate_info_vsr, ppc_vsr_t)
#define VMSTATE_AVR_ARRAY(_f, _s, _n) \
    VMSTATE_SUB_ARRAY(_f, _s, 32, _n, 0, vmstate_info_avr, ppc_avr_t)

/* --- floating point -------------------------------------------------------------- */

static bool fpu_needed(void *opaque)
{
    PowerPCCPU *cpu = opaque;

    return cpu->env.insns_flags & PPC_FLOAT;
}

static const VMStateDescription vmstate_fpu = {
    .name = "cpu/fpu",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = fpu_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_FPR_ARRAY(env.vsr, PowerPCCPU, 32),
        VMSTATE_UINTTL(env.fpscr, PowerPCCPU),
        VMSTATE_END_OF_LIST()
    }
};

/* --- Altivec --------------------------------------------------------------------- */

static bool altivec_needed(void *opaque)
{
    PowerPCCPU *cpu = opaque;

    return cpu->env.insns_flags & PPC_ALTIVEC;
}

static int get_vscr(QEMUFile *f, void *opaque, size_t size, const VMStateField *field)
{
    PowerPCCPU *cpu = opaque;

    ppc_store_vscr(&cpu->env, qemu_get_be32(f));
    return 0;
}

static int put_vscr(QEMUFile *f, void *opaque, size_t size, const VMStateField *field,
                    JSONWriter *vmdesc)
{
    PowerPCCPU *cpu = opaque;

    qemu_put_be32(f, ppc_get_vscr(&cpu->env));
    return 0;
}

static const VMStateInfo vmstate_vscr = {
    .name = "cpu/altivec/vscr",
    .get = get_vscr,
    .put = put_vscr,
};

static const VMStateDescription vmstate_altivec = {
    .name = "cpu/altivec",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = altivec_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_AVR_ARRAY(env.vsr, PowerPCCPU, 32),
        /* No single member holds it: the info is given the whole CPU. */
        {
            .name = "vscr",
            .version_id = 0,
            .size = sizeof(uint32_t),
            .info = &vmstate_vscr,
            .flags = VMS_SINGLE,
            .offset = 0,
        },
        VMSTATE_END_OF_LIST()
    }
};

/* --- VSX ------------------------------------------------------------------------- */

static bool vsx_needed(void *opaque)
{
    PowerPCCPU *cpu = opaque;

    return cpu->env.insns_flags2 & PPC2_VSX;
}

static const VMStateDescription vmstate_vsx = {
    .name = "cpu/vsx",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = vsx_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_VSR_ARRAY(env.vsr, PowerPCCPU, 32),
        VMSTATE_END_OF_LIST()
    }
};

/* --- transactional memory -------------------------------------------------------- */

#ifdef TARGET_PPC64

static bool tm_needed(void *opaque)
{
    PowerPCCPU *cpu = opaque;

    return FIELD_EX64(cpu->env.msr, MSR, TS);
}

/*
 * tm_vsr is saved as 64 elements from the 32nd on: registers 32 to 63, then 512 bytes of
 * whatever follows the array in memory.  This is what QEMU writes and reads.
 */
static const VMStateDescription vmstate_tm = {
    .name = "cpu/tm",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = tm_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINTTL_ARRAY(env.tm_gpr, PowerPCCPU, 32),
        VMSTATE_AVR_ARRAY(env.tm_vsr, PowerPCCPU, 64),
        VMSTATE_UINT64(env.tm_cr, PowerPCCPU),
        VMSTATE_UINT64(env.tm_lr, PowerPCCPU),
        VMSTATE_UINT64(env.tm_ctr, PowerPCCPU),
        VMSTATE_UINT64(env.tm_fpscr, PowerPCCPU),
        VMSTATE_UINT64(env.tm_amr, PowerPCCPU),
        VMSTATE_UINT64(env.tm_ppr, PowerPCCPU),
        VMSTATE_UINT64(env.tm_vrsave, PowerPCCPU),
        VMSTATE_UINT32(env.tm_vscr, PowerPCCPU),
        VMSTATE_UINT64(env.tm_dscr, PowerPCCPU),
        VMSTATE_UINT64(env.tm_tar, PowerPCCPU),
        VMSTATE_END_OF_LIST()
    }
};

#endif

/* --- segments -------------------------------------------------------------------- */

static bool sr_needed(void *opaque)
{
#ifdef TARGET_PPC64
    PowerPCCPU *cpu = opaque;

    return !mmu_is_64bit(cpu->env.mmu_model);
#else
    return true;
#endif
}

static const VMStateDescription vmstate_sr = {
    .name = "cpu/sr",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = sr_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINTTL_ARRAY(env.sr, PowerPCCPU, 32),
        VMSTATE_END_OF_LIST()
    }
};

#ifdef TARGET_PPC64

static int get_slbe(QEMUFile *f, void *pv, size_t size, const VMStateField *field)
{
    ppc_slb_t *slbe = pv;

    slbe->esid = qemu_get_be64(f);
    slbe->vsid = qemu_get_be64(f);
    return 0;
}

static int put_slbe(QEMUFile *f, void *pv, size_t size, const VMStateField *field,
                    JSONWriter *vmdesc)
{
    ppc_slb_t *slbe = pv;

    qemu_put_be64(f, slbe->esid);
    qemu_put_be64(f, slbe->vsid);
    return 0;
}

static const VMStateInfo vmstate_info_slbe = {
    .name = "slbe",
    .get = get_slbe,
    .put = put_slbe,
};

static bool slb_needed(void *opaque)
{
    PowerPCCPU *cpu = opaque;

    return mmu_is_64bit(cpu->env.mmu_model);
}

/* Finds the page sizes of each entry again. */
int slb_post_load(void *opaque, int version_id);

static const VMStateDescription vmstate_slb = {
    .name = "cpu/slb",
    .version_id = 2,
    .minimum_version_id = 1,
    .needed = slb_needed,
    .post_load = slb_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_ARRAY(env.slb, PowerPCCPU, MAX_SLB_ENTRIES, 0, vmstate_info_slbe,
                      ppc_slb_t),
        VMSTATE_END_OF_LIST()
    }
};

#endif

/* --- TLBs that software fills: at most one of the three -------------------------- */

static const VMStateDescription vmstate_tlb6xx_entry = {
    .name = "cpu/tlb6xx_entry",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINTTL(pte0, ppc6xx_tlb_t),
        VMSTATE_UINTTL(pte1, ppc6xx_tlb_t),
        VMSTATE_UINTTL(EPN, ppc6xx_tlb_t),
        VMSTATE_END_OF_LIST()
    }
};

static bool tlb6xx_needed(void *opaque)
{
    PowerPCCPU *cpu = opaque;

    return cpu->env.nb_tlb && (cpu->env.tlb_type == TLB_6XX);
}

static const VMStateDescription vmstate_tlb6xx = {
    .name = "cpu/tlb6xx",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = tlb6xx_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_INT32_EQUAL(env.nb_tlb, PowerPCCPU, NULL),
        VMSTATE_STRUCT_VARRAY_POINTER_INT32(env.tlb.tlb6, PowerPCCPU, env.nb_tlb,
                                            vmstate_tlb6xx_entry, ppc6xx_tlb_t),
        VMSTATE_UINTTL_ARRAY(env.tgpr, PowerPCCPU, 4),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_tlbemb_entry = {
    .name = "cpu/tlbemb_entry",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(RPN, ppcemb_tlb_t),
        VMSTATE_UINTTL(EPN, ppcemb_tlb_t),
        VMSTATE_UINTTL(PID, ppcemb_tlb_t),
        VMSTATE_UINTTL(size, ppcemb_tlb_t),
        VMSTATE_UINT32(prot, ppcemb_tlb_t),
        VMSTATE_UINT32(attr, ppcemb_tlb_t),
        VMSTATE_END_OF_LIST()
    }
};

static bool tlbemb_needed(void *opaque)
{
    PowerPCCPU *cpu = opaque;

    return cpu->env.nb_tlb && (cpu->env.tlb_type == TLB_EMB);
}

static const VMStateDescription vmstate_tlbemb = {
    .name = "cpu/tlbemb",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = tlbemb_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_INT32_EQUAL(env.nb_tlb, PowerPCCPU, NULL),
        VMSTATE_STRUCT_VARRAY_POINTER_INT32(env.tlb.tlbe, PowerPCCPU, env.nb_tlb,
                                            vmstate_tlbemb_entry, ppcemb_tlb_t),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_tlbmas_entry = {
    .name = "cpu/tlbmas_entry",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(mas8, ppcmas_tlb_t),
        VMSTATE_UINT32(mas1, ppcmas_tlb_t),
        VMSTATE_UINT64(mas2, ppcmas_tlb_t),
        VMSTATE_UINT64(mas7_3, ppcmas_tlb_t),
        VMSTATE_END_OF_LIST()
    }
};

static bool tlbmas_needed(void *opaque)
{
    PowerPCCPU *cpu = opaque;

    return cpu->env.nb_tlb && (cpu->env.tlb_type == TLB_MAS);
}

static const VMStateDescription vmstate_tlbmas = {
    .name = "cpu/tlbmas",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = tlbmas_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_INT32_EQUAL(env.nb_tlb, PowerPCCPU, NULL),
        VMSTATE_STRUCT_VARRAY_POINTER_INT32(env.tlb.tlbm, PowerPCCPU, env.nb_tlb,
                                            vmstate_tlbmas_entry, ppcmas_tlb_t),
        VMSTATE_END_OF_LIST()
    }
};

/* --- acting as an older model ---------------------------------------------------- */

static bool compat_needed(void *opaque)
{
    PowerPCCPU *cpu = opaque;

    /* Only a paravirtual machine can ask for it. */
    assert(!(cpu->compat_pvr && !cpu->vhyp));
    return cpu->compat_pvr != 0;
}

static const VMStateDescription vmstate_compat = {
    .name = "cpu/compat",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = compat_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(compat_pvr, PowerPCCPU),
        VMSTATE_END_OF_LIST()
    }
};

/* --- reservation: only record and replay need it to be exact --------------------- */

static bool reservation_needed(void *opaque)
{
    return replay_mode != REPLAY_MODE_NONE;
}

static const VMStateDescription vmstate_reservation = {
    .name = "cpu/reservation",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = reservation_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINTTL(env.reserve_addr, PowerPCCPU),
        VMSTATE_UINTTL(env.reserve_length, PowerPCCPU),
        VMSTATE_UINTTL(env.reserve_val, PowerPCCPU),
#ifdef TARGET_PPC64
        VMSTATE_UINTTL(env.reserve_val2, PowerPCCPU),
#endif
        VMSTATE_END_OF_LIST()
    }
};

/* --- branch history -------------------------------------------------------------- */

#ifdef TARGET_PPC64

static bool bhrb_needed(void *opaque)
{
    PowerPCCPU *cpu = opaque;

    return (cpu->env.flags & POWERPC_FLAG_BHRB) != 0;
}

static const VMStateDescription vmstate_bhrb = {
    .name = "cpu/bhrb",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = bhrb_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINTTL(env.bhrb_offset, PowerPCCPU),
        VMSTATE_UINT64_ARRAY(env.bhrb, PowerPCCPU, BHRB_MAX_NUM_ENTRIES),
        VMSTATE_END_OF_LIST()
    }
};

#endif

/* --- the CPU itself -------------------------------------------------------------- */

/* Registers that QEMU keeps elsewhere go into spr, and come back. */
int cpu_pre_save(void *opaque);
int cpu_post_load(void *opaque, int version_id);

const VMStateDescription vmstate_ppc_cpu = {
    .name = "cpu",
    .version_id = 5,
    .minimum_version_id = 5,
    .pre_save = cpu_pre_save,
    .post_load = cpu_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UNUSED(sizeof(target_ulong)), /* once the processor version */

        VMSTATE_UINTTL_ARRAY(env.gpr, PowerPCCPU, 32),
#ifndef TARGET_PPC64
        VMSTATE_UINTTL_ARRAY(env.gprh, PowerPCCPU, 32),
#endif
        VMSTATE_UINT32_ARRAY(env.crf, PowerPCCPU, 8),
        VMSTATE_UINTTL(env.nip, PowerPCCPU),

        VMSTATE_UINTTL_ARRAY(env.spr, PowerPCCPU, 1024),
        VMSTATE_UINT64(env.spe_acc, PowerPCCPU),

        VMSTATE_UNUSED(sizeof(target_ulong)), /* once the reservation */

        VMSTATE_UINTTL(env.msr, PowerPCCPU),
        VMSTATE_UINTTL(env.hflags_compat_nmsr, PowerPCCPU),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription *const[]) {
        &vmstate_fpu,
        &vmstate_altivec,
        &vmstate_vsx,
        &vmstate_sr,
#ifdef TARGET_PPC64
        &vmstate_tm,
        &vmstate_slb,
        &vmstate_bhrb,
#endif
        &vmstate_tlb6xx,
        &vmstate_tlbemb,
        &vmstate_tlbmas,
        &vmstate_compat,
        &vmstate_reservation,
        NULL
    }
};
