"""Files of real trees, read anew: the tables, conditions, refusals and places that the
archive ships of that release.

The whole trees are read in ``test_shipped``, which takes minutes.  Here are the files with
the most forms of C in the fewest lines, and all that a few small binaries contain.
"""

from __future__ import annotations

from functools import cache

import pytest

from tests.trees import require_tree
from vmgen import ir
from vmgen.archive import SHIPPED, Archive, ReleaseEntries, build
from vmgen.pipeline import Request, compile_program, compile_whole

CPUS = {
    "aarch64": "target/arm/machine.c",
    "avr": "target/avr/machine.c",
    "hppa": "target/hppa/machine.c",
    "loongarch64": "target/loongarch/machine.c",
    "m68k": "target/m68k/cpu.c",
    "mips64": "target/mips/system/machine.c",
    "or1k": "target/openrisc/machine.c",
    "ppc64": "target/ppc/machine.c",
    "riscv32": "target/riscv/machine.c",
    "s390x": "target/s390x/machine.c",
    "sparc64": "target/sparc/machine.c",
    "x86_64": "target/i386/machine.c",
}
DEVICES = {
    "aarch64": """
        hw/arm/strongarm.c hw/audio/intel-hda.c hw/audio/pl041.c hw/audio/wm8750.c
        hw/char/pl011.c hw/char/serial.c hw/display/exynos4210_fimd.c
        hw/display/virtio-gpu.c hw/dma/pl330.c hw/gpio/pl061.c hw/ide/ahci.c hw/ide/core.c
        hw/intc/arm_gicv3_common.c hw/misc/arm_sysctl.c hw/misc/stm32l4x5_rcc.c
        hw/net/allwinner-sun8i-emac.c hw/net/can/ctucan_core.c hw/net/e1000e.c
        hw/net/lan9118.c hw/net/rtl8139.c hw/net/vmxnet3.c hw/rtc/exynos4210_rtc.c
        hw/scsi/lsi53c895a.c hw/sd/sdhci.c hw/sensor/max34451.c hw/timer/exynos4210_mct.c
        hw/timer/stm32f2xx_timer.c hw/usb/hcd-dwc2.c hw/usb/hcd-xhci.c hw/usb/redirect.c
        hw/virtio/virtio-iommu.c hw/net/virtio-net.c
        """,
    "hppa": "hw/display/artist.c hw/net/tulip.c hw/pci-host/astro.c",
    "i386": """
        hw/acpi/ich9_tco.c hw/acpi/piix4.c hw/audio/sb16.c hw/block/fdc.c hw/hyperv/vmbus.c
        hw/i2c/pm_smbus.c hw/input/ps2.c hw/intc/apic_common.c hw/timer/hpet.c
        """,
    "ppc64": "hw/net/spapr_llan.c hw/nvram/spapr_nvram.c",
    "riscv32": "hw/gpio/sifive_gpio.c hw/intc/riscv_aplic.c hw/char/ibex_uart.c",
    "s390x": "hw/intc/s390_flic.c hw/s390x/css.c",
}


@cache
def shipped(release: str) -> ReleaseEntries:
    (found,) = (one for one in Archive(SHIPPED).snapshots() if one.release == release)
    return found


def entries(
    found: ReleaseEntries, target: str, *kinds: str
) -> dict[tuple[str, str], set[str]]:
    """The texts by kind and name."""
    texts: dict[tuple[str, str], set[str]] = {}
    for one in found.entries:
        if one.kind in kinds and target in one.targets:
            texts.setdefault((one.kind, one.name), set()).add(one.text)
    return texts


def compiled(target: str, files: set[str]) -> ir.Program:
    """These files and those that they name."""
    needs = {
        one.name: one.needs
        for one in shipped("10.0.2").entries
        if one.kind == "module" and target in one.targets
    }
    while more := {need for file in files for need in needs[file]} & set(needs) - files:
        files = files | more
    return compile_program(
        Request(target, require_tree("10.0"), sources=tuple(sorted(files)))
    )


def assert_is_shipped(program: ir.Program) -> None:
    found = build.snapshot(program.release, (program,))
    files = {one.file for one in program.modules}
    want = entries(shipped(program.release), program.target, "module", "places")
    assert program.unread == ()
    assert entries(found, program.target, "module", "places") == {
        key: texts for key, texts in want.items() if key[1] in files
    }


@pytest.mark.parametrize("target", CPUS)
def test_a_cpu_is_what_the_archive_says(target: str) -> None:
    assert_is_shipped(compiled(target, {CPUS[target]}))


@pytest.mark.parametrize("target", DEVICES)
def test_devices_are_what_the_archive_says(target: str) -> None:
    assert_is_shipped(compiled(target, set(DEVICES[target].split())))


@pytest.mark.parametrize(
    ("release", "target"), [("7.2", "avr"), ("10.0", "avr"), ("10.2", "rx")]
)
def test_a_whole_binary_is_what_the_archive_says(release: str, target: str) -> None:
    (program,) = compile_whole((Request(target, require_tree(release), whole=True),))
    found = build.snapshot(program.release, (program,))
    kinds = ("module", "places", "root", "premise", "unread")
    assert entries(found, target, *kinds) == entries(
        shipped(program.release), target, *kinds
    )
