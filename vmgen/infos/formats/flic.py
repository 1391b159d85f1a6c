"""The interrupts that wait in KVM's floating interrupt controller."""

from vmgen.infos.model import Info, WireFormat, Written, known

_C = "hw/intc/s390_flic_kvm.c"
# 72 bytes, where the headers of KVM for s390 define it.
_SIZES = ("72", "(sizeof(struct kvm_s390_irq))")
_IRQS = tuple(f"u64:$1 bytes[$1 * {size}]" for size in _SIZES)

FORMAT = WireFormat(
    "flic",
    (
        Info(
            "kvm_flic_load",
            known(_C, *_IRQS),
            known(
                _C,
                *(f"if[__get_all_irqs() < 0]{{ u64:(-1) | {one} }}" for one in _IRQS),
            ),
        ),
    ),
    # All ones say that the source could not save them, and nothing follows.
    Written("u64:count loop[count]:irqs{ bytes[72] }", "FlicIRQs"),
)
