/*
 * How an Arm CPU travels: description "cpu" and its subsections.
 *
 * 32-bit and 64-bit builds differ in SVE and SME, which only the latter have.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "migration/cpu.h"

/* --- floating point and Neon ----------------------------------------------------- */

static bool vfp_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return arm_feature(&cpu->env, ARM_FEATURE_AARCH64)
               ? cpu_isar_feature(aa64_fp_simd, cpu)
               : cpu_isar_feature(aa32_vfp_simd, cpu);
}

/*
 * Control and status travel in one word, as AArch32 sees them in FPSCR, if they fit.  If
 * FPCR or FPSR has a bit set that FPSCR lacks, that word is 0 and both travel in full in a
 * subsection.
 */
static bool vfp_fpcr_fpsr_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return (vfp_get_fpcr(&cpu->env) & ~FPSCR_FPCR_MASK) ||
           (vfp_get_fpsr(&cpu->env) & ~FPSCR_FPSR_MASK);
}

static int get_fpscr(QEMUFile *f, void *opaque, size_t size, const VMStateField *field)
{
    ARMCPU *cpu = opaque;
    uint32_t fpscr = qemu_get_be32(f);

    if (fpscr) {
        vfp_set_fpscr(&cpu->env, fpscr);
    }
    return 0;
}

static int put_fpscr(QEMUFile *f, void *opaque, size_t size, const VMStateField *field,
                     JSONWriter *vmdesc)
{
    ARMCPU *cpu = opaque;

    qemu_put_be32(f, vfp_fpcr_fpsr_needed(opaque) ? 0 : vfp_get_fpscr(&cpu->env));
    return 0;
}

static const VMStateInfo vmstate_fpscr = {
    .name = "fpscr",
    .get = get_fpscr,
    .put = put_fpscr,
};

static int get_fpcr(QEMUFile *f, void *opaque, size_t size, const VMStateField *field)
{
    ARMCPU *cpu = opaque;

    vfp_set_fpcr(&cpu->env, qemu_get_be64(f));
    return 0;
}

static int put_fpcr(QEMUFile *f, void *opaque, size_t size, const VMStateField *field,
                    JSONWriter *vmdesc)
{
    ARMCPU *cpu = opaque;

    qemu_put_be64(f, vfp_get_fpcr(&cpu->env));
    return 0;
}

static const VMStateInfo vmstate_fpcr = {
    .name = "fpcr",
    .get = get_fpcr,
    .put = put_fpcr,
};

static int get_fpsr(QEMUFile *f, void *opaque, size_t size, const VMStateField *field)
{
    ARMCPU *cpu = opaque;

    vfp_set_fpsr(&cpu->env, qemu_get_be64(f));
    return 0;
}

static int put_fpsr(QEMUFile *f, void *opaque, size_t size, const VMStateField *field,
                    JSONWriter *vmdesc)
{
    ARMCPU *cpu = opaque;

    qemu_put_be64(f, vfp_get_fpsr(&cpu->env));
    return 0;
}

static const VMStateInfo vmstate_fpsr = {
    .name = "fpsr",
    .get = get_fpsr,
    .put = put_fpsr,
};

/* A word that no single member holds: its info is given the whole CPU. */
#define CPU_WORD(_name, _type, _info) { \
        .name = _name,                  \
        .version_id = 0,                \
        .size = sizeof(_type),          \
        .info = &_info,                 \
        .flags = VMS_SINGLE,            \
        .offset = 0,                    \
    }

static const VMStateDescription vmstate_vfp_fpcr_fpsr = {
    .name = "cpu/vfp/fpcr_fpsr",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = vfp_fpcr_fpsr_needed,
    .fields = (const VMStateField[]) {
        CPU_WORD("fpcr", uint64_t, vmstate_fpcr),
        CPU_WORD("fpsr", uint64_t, vmstate_fpsr),
        VMSTATE_END_OF_LIST()
    }
};

/* Qn, the lowest two doublewords of Zn. */
#define Q_REGISTER(_n) VMSTATE_UINT64_SUB_ARRAY(env.vfp.zregs[_n].d, ARMCPU, 0, 2)

static const VMStateDescription vmstate_vfp = {
    .name = "cpu/vfp",
    .version_id = 3,
    .minimum_version_id = 3,
    .needed = vfp_needed,
    .fields = (const VMStateField[]) {
        Q_REGISTER(0), Q_REGISTER(1), Q_REGISTER(2), Q_REGISTER(3),
        Q_REGISTER(4), Q_REGISTER(5), Q_REGISTER(6), Q_REGISTER(7),
        Q_REGISTER(8), Q_REGISTER(9), Q_REGISTER(10), Q_REGISTER(11),
        Q_REGISTER(12), Q_REGISTER(13), Q_REGISTER(14), Q_REGISTER(15),
        Q_REGISTER(16), Q_REGISTER(17), Q_REGISTER(18), Q_REGISTER(19),
        Q_REGISTER(20), Q_REGISTER(21), Q_REGISTER(22), Q_REGISTER(23),
        Q_REGISTER(24), Q_REGISTER(25), Q_REGISTER(26), Q_REGISTER(27),
        Q_REGISTER(28), Q_REGISTER(29), Q_REGISTER(30), Q_REGISTER(31),

        /* System registers; number 1 would be FPSCR, which comes last. */
        VMSTATE_UINT32(env.vfp.xregs[0], ARMCPU),
        VMSTATE_UINT32_SUB_ARRAY(env.vfp.xregs, ARMCPU, 2, 14),
        CPU_WORD("fpscr", uint32_t, vmstate_fpscr),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription *const[]) {
        &vmstate_vfp_fpcr_fpsr,
        NULL
    }
};

/* --- iwMMXt ---------------------------------------------------------------------- */

static bool iwmmxt_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return arm_feature(&cpu->env, ARM_FEATURE_IWMMXT);
}

static const VMStateDescription vmstate_iwmmxt = {
    .name = "cpu/iwmmxt",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = iwmmxt_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(env.iwmmxt.regs, ARMCPU, 16),
        VMSTATE_UINT32_ARRAY(env.iwmmxt.cregs, ARMCPU, 16),
        VMSTATE_END_OF_LIST()
    }
};

/* --- SVE and SME ----------------------------------------------------------------- */

#ifdef TARGET_AARCH64

static bool sve_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return cpu_isar_feature(aa64_sve, cpu);
}

/* What Zn has above Qn. */
static const VMStateDescription vmstate_zreg_hi_reg = {
    .name = "cpu/sve/zreg_hi",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_SUB_ARRAY(d, ARMVectorReg, 2, ARM_MAX_VQ - 2),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_preg_reg = {
    .name = "cpu/sve/preg",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(p, ARMPredicateReg, 2 * ARM_MAX_VQ / 8),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_sve = {
    .name = "cpu/sve",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = sve_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT_ARRAY(env.vfp.zregs, ARMCPU, 32, 0, vmstate_zreg_hi_reg,
                             ARMVectorReg),
        VMSTATE_STRUCT_ARRAY(env.vfp.pregs, ARMCPU, 17, 0, vmstate_preg_reg,
                             ARMPredicateReg),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_vreg = {
    .name = "vreg",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(d, ARMVectorReg, ARM_MAX_VQ * 2),
        VMSTATE_END_OF_LIST()
    }
};

/* ZA means something only while it is switched on. */
static bool za_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return FIELD_EX64(cpu->env.svcr, SVCR, ZA);
}

static const VMStateDescription vmstate_za = {
    .name = "cpu/sme",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = za_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT_ARRAY(env.zarray, ARMCPU, ARM_MAX_VQ * 16, 0, vmstate_vreg,
                             ARMVectorReg),
        VMSTATE_END_OF_LIST()
    }
};

#endif

/* --- pending interrupts ---------------------------------------------------------- */

static bool serror_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return cpu->env.serror.pending != 0;
}

static const VMStateDescription vmstate_serror = {
    .name = "cpu/serror",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = serror_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(env.serror.pending, ARMCPU),
        VMSTATE_UINT8(env.serror.has_esr, ARMCPU),
        VMSTATE_UINT64(env.serror.esr, ARMCPU),
        VMSTATE_END_OF_LIST()
    }
};

static bool irq_line_state_needed(void *opaque)
{
    return true;
}

static const VMStateDescription vmstate_irq_line_state = {
    .name = "cpu/irq-line-state",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = irq_line_state_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(env.irq_line_state, ARMCPU),
        VMSTATE_END_OF_LIST()
    }
};

/* Only a CPU with FEAT_WFxT has this timer. */
static bool wfxt_timer_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return cpu->wfxt_timer;
}

static const VMStateDescription vmstate_wfxt_timer = {
    .name = "cpu/wfxt-timer",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = wfxt_timer_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_TIMER_PTR(wfxt_timer, ARMCPU),
        VMSTATE_END_OF_LIST()
    }
};

/* --- M profile ------------------------------------------------------------------- */

static bool m_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return arm_feature(&cpu->env, ARM_FEATURE_M);
}

static const VMStateDescription vmstate_m_faultmask_primask = {
    .name = "cpu/m/faultmask-primask",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = m_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(env.v7m.faultmask[M_REG_NS], ARMCPU),
        VMSTATE_UINT32(env.v7m.primask[M_REG_NS], ARMCPU),
        VMSTATE_END_OF_LIST()
    }
};

/* Both banks travel here, with the security extension or without it. */
static bool csselr_vmstate_validate(void *opaque, int version_id)
{
    ARMCPU *cpu = opaque;

    return cpu->env.v7m.csselr[M_REG_NS] <= R_V7M_CSSELR_INDEX_MASK &&
           cpu->env.v7m.csselr[M_REG_S] <= R_V7M_CSSELR_INDEX_MASK;
}

static bool m_csselr_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return !arm_v7m_csselr_razwi(cpu);
}

static const VMStateDescription vmstate_m_csselr = {
    .name = "cpu/m/csselr",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = m_csselr_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(env.v7m.csselr, ARMCPU, M_REG_NUM_BANKS),
        VMSTATE_VALIDATE("CSSELR is valid", csselr_vmstate_validate),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_m_scr = {
    .name = "cpu/m/scr",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = m_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(env.v7m.scr[M_REG_NS], ARMCPU),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_m_other_sp = {
    .name = "cpu/m/other-sp",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = m_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(env.v7m.other_sp, ARMCPU),
        VMSTATE_END_OF_LIST()
    }
};

static bool m_v8m_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return arm_feature(&cpu->env, ARM_FEATURE_M) &&
           arm_feature(&cpu->env, ARM_FEATURE_V8);
}

/* v8-M: limits of the stacks. */
static const VMStateDescription vmstate_m_v8m = {
    .name = "cpu/m/v8m",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = m_v8m_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(env.v7m.msplim, ARMCPU, M_REG_NUM_BANKS),
        VMSTATE_UINT32_ARRAY(env.v7m.psplim, ARMCPU, M_REG_NUM_BANKS),
        VMSTATE_END_OF_LIST()
    }
};

/* Floating point control of M profile. */
static const VMStateDescription vmstate_m_fp = {
    .name = "cpu/m/fp",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = vfp_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(env.v7m.fpcar, ARMCPU, M_REG_NUM_BANKS),
        VMSTATE_UINT32_ARRAY(env.v7m.fpccr, ARMCPU, M_REG_NUM_BANKS),
        VMSTATE_UINT32_ARRAY(env.v7m.fpdscr, ARMCPU, M_REG_NUM_BANKS),
        VMSTATE_UINT32_ARRAY(env.v7m.cpacr, ARMCPU, M_REG_NUM_BANKS),
        VMSTATE_UINT32(env.v7m.nsacr, ARMCPU),
        VMSTATE_END_OF_LIST()
    }
};

static bool mve_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return cpu_isar_feature(aa32_mve, cpu);
}

static const VMStateDescription vmstate_m_mve = {
    .name = "cpu/m/mve",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = mve_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(env.v7m.vpr, ARMCPU),
        VMSTATE_UINT32(env.v7m.ltpsize, ARMCPU),
        VMSTATE_END_OF_LIST()
    }
};

/* The Non-secure bank, which is the only one without the security extension. */
static const VMStateDescription vmstate_m = {
    .name = "cpu/m",
    .version_id = 4,
    .minimum_version_id = 4,
    .needed = m_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(env.v7m.vecbase[M_REG_NS], ARMCPU),
        VMSTATE_UINT32(env.v7m.basepri[M_REG_NS], ARMCPU),
        VMSTATE_UINT32(env.v7m.control[M_REG_NS], ARMCPU),
        VMSTATE_UINT32(env.v7m.ccr[M_REG_NS], ARMCPU),
        VMSTATE_UINT32(env.v7m.cfsr[M_REG_NS], ARMCPU),
        VMSTATE_UINT32(env.v7m.hfsr, ARMCPU),
        VMSTATE_UINT32(env.v7m.dfsr, ARMCPU),
        VMSTATE_UINT32(env.v7m.mmfar[M_REG_NS], ARMCPU),
        VMSTATE_UINT32(env.v7m.bfar, ARMCPU),
        VMSTATE_UINT32(env.v7m.mpu_ctrl[M_REG_NS], ARMCPU),
        VMSTATE_INT32(env.v7m.exception, ARMCPU),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription *const[]) {
        &vmstate_m_faultmask_primask,
        &vmstate_m_csselr,
        &vmstate_m_scr,
        &vmstate_m_other_sp,
        &vmstate_m_v8m,
        &vmstate_m_fp,
        &vmstate_m_mve,
        NULL
    }
};

/* --- Thumb-2 execution environment ----------------------------------------------- */

static bool thumb2ee_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return arm_feature(&cpu->env, ARM_FEATURE_THUMB2EE);
}

static const VMStateDescription vmstate_thumb2ee = {
    .name = "cpu/thumb2ee",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = thumb2ee_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(env.teecr, ARMCPU),
        VMSTATE_UINT32(env.teehbr, ARMCPU),
        VMSTATE_END_OF_LIST()
    }
};

/* --- memory protection units ----------------------------------------------------- */

/* An array behind a pointer, with one word per region. */
#define REGION_WORDS(_f, _count) \
    VMSTATE_VARRAY_UINT32(_f, ARMCPU, _count, 0, vmstate_info_uint32, uint32_t)

static bool pmsav7_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return arm_feature(&cpu->env, ARM_FEATURE_PMSA) &&
           arm_feature(&cpu->env, ARM_FEATURE_V7) &&
           !arm_feature(&cpu->env, ARM_FEATURE_V8);
}

static bool pmsav7_rgnr_vmstate_validate(void *opaque, int version_id)
{
    ARMCPU *cpu = opaque;

    return cpu->env.pmsav7.rnr[M_REG_NS] < cpu->pmsav7_dregion;
}

static const VMStateDescription vmstate_pmsav7 = {
    .name = "cpu/pmsav7",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = pmsav7_needed,
    .fields = (const VMStateField[]) {
        REGION_WORDS(env.pmsav7.drbar, pmsav7_dregion),
        REGION_WORDS(env.pmsav7.drsr, pmsav7_dregion),
        REGION_WORDS(env.pmsav7.dracr, pmsav7_dregion),
        VMSTATE_VALIDATE("rgnr is valid", pmsav7_rgnr_vmstate_validate),
        VMSTATE_END_OF_LIST()
    }
};

/* R profile has the number of the selected region among its system registers. */
static bool pmsav7_rnr_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return arm_feature(&cpu->env, ARM_FEATURE_M);
}

static const VMStateDescription vmstate_pmsav7_rnr = {
    .name = "cpu/pmsav7-rnr",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = pmsav7_rnr_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(env.pmsav7.rnr[M_REG_NS], ARMCPU),
        VMSTATE_END_OF_LIST()
    }
};

static bool pmsav8_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return arm_feature(&cpu->env, ARM_FEATURE_PMSA) &&
           arm_feature(&cpu->env, ARM_FEATURE_V8);
}

static bool pmsav8r_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return arm_feature(&cpu->env, ARM_FEATURE_PMSA) &&
           arm_feature(&cpu->env, ARM_FEATURE_V8) &&
           !arm_feature(&cpu->env, ARM_FEATURE_M);
}

/* R profile: the regions of EL2. */
static const VMStateDescription vmstate_pmsav8r = {
    .name = "cpu/pmsav8/pmsav8r",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = pmsav8r_needed,
    .fields = (const VMStateField[]) {
        REGION_WORDS(env.pmsav8.hprbar, pmsav8r_hdregion),
        REGION_WORDS(env.pmsav8.hprlar, pmsav8r_hdregion),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_pmsav8 = {
    .name = "cpu/pmsav8",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = pmsav8_needed,
    .fields = (const VMStateField[]) {
        REGION_WORDS(env.pmsav8.rbar[M_REG_NS], pmsav7_dregion),
        REGION_WORDS(env.pmsav8.rlar[M_REG_NS], pmsav7_dregion),
        VMSTATE_UINT32(env.pmsav8.mair0[M_REG_NS], ARMCPU),
        VMSTATE_UINT32(env.pmsav8.mair1[M_REG_NS], ARMCPU),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription *const[]) {
        &vmstate_pmsav8r,
        NULL
    }
};

/* --- M profile with the security extension --------------------------------------- */

static bool s_rnr_vmstate_validate(void *opaque, int version_id)
{
    ARMCPU *cpu = opaque;

    return cpu->env.pmsav7.rnr[M_REG_S] < cpu->pmsav7_dregion;
}

static bool sau_rnr_vmstate_validate(void *opaque, int version_id)
{
    ARMCPU *cpu = opaque;

    return cpu->env.sau.rnr < cpu->sau_sregion;
}

static bool m_security_needed(void *opaque)
{
    ARMCPU *cpu = opaque;

    return arm_feature(&cpu->env, ARM_FEATURE_M_SECURITY);
}

/* The Secure bank, the attribution unit, and AIRCR, which the guest cannot change without
 * the extension. */
static const VMStateDescription vmstate_m_security = {
    .name = "cpu/m-security",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = m_security_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(env.v7m.secure, ARMCPU),
        VMSTATE_UINT32(env.v7m.other_ss_msp, ARMCPU),
        VMSTATE_UINT32(env.v7m.other_ss_psp, ARMCPU),
        VMSTATE_UINT32(env.v7m.basepri[M_REG_S], ARMCPU),
        VMSTATE_UINT32(env.v7m.primask[M_REG_S], ARMCPU),
        VMSTATE_UINT32(env.v7m.faultmask[M_REG_S], ARMCPU),
        VMSTATE_UINT32(env.v7m.control[M_REG_S], ARMCPU),
        VMSTATE_UINT32(env.v7m.vecbase[M_REG_S], ARMCPU),

        /* Memory protection unit. */
        VMSTATE_UINT32(env.pmsav8.mair0[M_REG_S], ARMCPU),
        VMSTATE_UINT32(env.pmsav8.mair1[M_REG_S], ARMCPU),
        REGION_WORDS(env.pmsav8.rbar[M_REG_S], pmsav7_dregion),
        REGION_WORDS(env.pmsav8.rlar[M_REG_S], pmsav7_dregion),
        VMSTATE_UINT32(env.pmsav7.rnr[M_REG_S], ARMCPU),
        VMSTATE_VALIDATE("secure MPU_RNR is valid", s_rnr_vmstate_validate),
        VMSTATE_UINT32(env.v7m.mpu_ctrl[M_REG_S], ARMCPU),

        VMSTATE_UINT32(env.v7m.ccr[M_REG_S], ARMCPU),
        VMSTATE_UINT32(env.v7m.mmfar[M_REG_S], ARMCPU),
        VMSTATE_UINT32(env.v7m.cfsr[M_REG_S], ARMCPU),
        VMSTATE_UINT32(env.v7m.sfsr, ARMCPU),
        VMSTATE_UINT32(env.v7m.sfar, ARMCPU),

        /* Security attribution unit. */
        REGION_WORDS(env.sau.rbar, sau_sregion),
        REGION_WORDS(env.sau.rlar, sau_sregion),
        VMSTATE_UINT32(env.sau.rnr, ARMCPU),
        VMSTATE_VALIDATE("SAU_RNR is valid", sau_rnr_vmstate_validate),
        VMSTATE_UINT32(env.sau.ctrl, ARMCPU),

        VMSTATE_UINT32(env.v7m.scr[M_REG_S], ARMCPU),
        VMSTATE_UINT32(env.v7m.aircr, ARMCPU),
        VMSTATE_END_OF_LIST()
    }
};

/* --- the CPU itself -------------------------------------------------------------- */

/*
 * One word holds the program status: of M profile xPSR without the number of the active
 * exception, of AArch64 PSTATE, else CPSR.  Bit nRW tells the latter two apart.
 */
static int get_cpsr(QEMUFile *f, void *opaque, size_t size, const VMStateField *field)
{
    ARMCPU *cpu = opaque;
    uint32_t val = qemu_get_be32(f);

    if (arm_feature(&cpu->env, ARM_FEATURE_M)) {
        xpsr_write(&cpu->env, val, ~XPSR_EXCP);
    } else if (val & PSTATE_nRW) {
        cpsr_write(&cpu->env, val, UINT32_MAX, CPSRWriteRaw);
    } else {
        pstate_write(&cpu->env, val);
    }
    return 0;
}

static int put_cpsr(QEMUFile *f, void *opaque, size_t size, const VMStateField *field,
                    JSONWriter *vmdesc)
{
    ARMCPU *cpu = opaque;
    uint32_t val;

    if (arm_feature(&cpu->env, ARM_FEATURE_M)) {
        val = xpsr_read(&cpu->env) & ~XPSR_EXCP;
    } else if (is_a64(&cpu->env)) {
        val = pstate_read(&cpu->env);
    } else {
        val = cpsr_read(&cpu->env);
    }
    qemu_put_be32(f, val);
    return 0;
}

static const VMStateInfo vmstate_cpsr = {
    .name = "cpsr",
    .get = get_cpsr,
    .put = put_cpsr,
};

/* One byte: is the CPU off?  Nothing is saved while it is in between. */
static int get_power(QEMUFile *f, void *opaque, size_t size, const VMStateField *field)
{
    ARMCPU *cpu = opaque;
    bool powered_off = qemu_get_byte(f);

    cpu->power_state = powered_off ? PSCI_OFF : PSCI_ON;
    return 0;
}

static int put_power(QEMUFile *f, void *opaque, size_t size, const VMStateField *field,
                     JSONWriter *vmdesc)
{
    ARMCPU *cpu = opaque;

    if (cpu->power_state == PSCI_ON || cpu->power_state == PSCI_OFF) {
        bool powered_off = cpu->power_state == PSCI_OFF;

        qemu_put_byte(f, powered_off);
        return 0;
    } else {
        return 1;
    }
}

static const VMStateInfo vmstate_powered_off = {
    .name = "powered_off",
    .get = get_power,
    .put = put_power,
};

/* Around saving: system registers and counters are gathered into the lists, and let go. */
int cpu_pre_save(void *opaque);
int cpu_post_save(void *opaque);

/* Around loading: the lists are matched with the registers that this CPU has. */
int cpu_pre_load(void *opaque);
int cpu_post_load(void *opaque, int version_id);

const VMStateDescription vmstate_arm_cpu = {
    .name = "cpu",
    .version_id = 22,
    .minimum_version_id = 22,
    .pre_save = cpu_pre_save,
    .post_save = cpu_post_save,
    .pre_load = cpu_pre_load,
    .post_load = cpu_post_load,
    .fields = (const VMStateField[]) {
        /* General registers and program status. */
        VMSTATE_UINT32_ARRAY(env.regs, ARMCPU, 16),
        VMSTATE_UINT64_ARRAY(env.xregs, ARMCPU, 32),
        VMSTATE_UINT64(env.pc, ARMCPU),
        CPU_WORD("cpsr", uint32_t, vmstate_cpsr),
        VMSTATE_UINT32(env.spsr, ARMCPU),

        /* Those of the other modes and exception levels. */
        VMSTATE_UINT64_ARRAY(env.banked_spsr, ARMCPU, 8),
        VMSTATE_UINT32_ARRAY(env.banked_r13, ARMCPU, 8),
        VMSTATE_UINT32_ARRAY(env.banked_r14, ARMCPU, 8),
        VMSTATE_UINT32_ARRAY(env.usr_regs, ARMCPU, 5),
        VMSTATE_UINT32_ARRAY(env.fiq_regs, ARMCPU, 5),
        VMSTATE_UINT64_ARRAY(env.elr_el, ARMCPU, 4),
        VMSTATE_UINT64_ARRAY(env.sp_el, ARMCPU, 4),

        /* System registers.  The length comes first, and is checked: at most as many as
         * the receiver has room for. */
        VMSTATE_INT32_POSITIVE_LE(cpreg_vmstate_array_len, ARMCPU),
        VMSTATE_VARRAY_INT32(cpreg_vmstate_indexes, ARMCPU, cpreg_vmstate_array_len, 0,
                             vmstate_info_uint64, uint64_t),
        VMSTATE_VARRAY_INT32(cpreg_vmstate_values, ARMCPU, cpreg_vmstate_array_len, 0,
                             vmstate_info_uint64, uint64_t),

        /* Exclusive monitor; once it had another member. */
        VMSTATE_UINT64(env.exclusive_addr, ARMCPU),
        VMSTATE_UINT64(env.exclusive_val, ARMCPU),
        VMSTATE_UINT64(env.exclusive_high, ARMCPU),
        VMSTATE_UNUSED(sizeof(uint64_t)),

        VMSTATE_UINT32(env.exception.syndrome, ARMCPU),
        VMSTATE_UINT32(env.exception.fsr, ARMCPU),
        VMSTATE_UINT64(env.exception.vaddress, ARMCPU),

        VMSTATE_TIMER_PTR(gt_timer[GTIMER_PHYS], ARMCPU),
        VMSTATE_TIMER_PTR(gt_timer[GTIMER_VIRT], ARMCPU),
        CPU_WORD("power_state", bool, vmstate_powered_off),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription *const[]) {
        &vmstate_vfp,
        &vmstate_iwmmxt,
        &vmstate_m,
        &vmstate_thumb2ee,
        /* The selected region is checked by what follows it. */
        &vmstate_pmsav7_rnr,
        &vmstate_pmsav7,
        &vmstate_pmsav8,
        &vmstate_m_security,
#ifdef TARGET_AARCH64
        &vmstate_sve,
        &vmstate_za,
#endif
        &vmstate_serror,
        &vmstate_irq_line_state,
        &vmstate_wfxt_timer,
        NULL
    }
};
