"""A source tree with the shape of QEMU's and a CPU of its own, in a few lines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FILES = {
    "VERSION": "10.0.50\n",
    "meson.build": "trace_events_subdirs = [\n  'hw/core',\n]\n"
    "if true\n  trace_events_subdirs += [ 'target/toy' ]\nendif\n",
    "Kconfig": "source target/Kconfig\n",
    "Kconfig.host": "config LINUX\n    bool\n",
    "target/Kconfig": "source toy/Kconfig\n",
    "target/toy/Kconfig": "config TOY\n    bool\n",
    "configs/targets/toy64-softmmu.mak": "TARGET_ARCH=toy64\nTARGET_BASE_ARCH=toy\n"
    "TARGET_XML_FILES= a.xml b.xml\nTARGET_NEED_FDT=y\nTARGET_LONG_BITS=64\n",
    "configs/targets/toyeb-softmmu.mak": "TARGET_ARCH=toy\nTARGET_BIG_ENDIAN=y\n"
    "# a remark\nTARGET_LONG_BITS=32\n",
    "configs/targets/toy64-linux-user.mak": "TARGET_ARCH=toy64\n",
    "configs/devices/toy64-softmmu/default.mak": "",
    "configs/devices/toyeb-softmmu/default.mak": "",
    "scripts/minikconf.py": "import os, sys\n"
    "if os.environ.get('TOY_KCONFIG_FAILS'):\n"
    "    sys.exit('KconfigDataError: contradiction')\n"
    "if path := os.environ.get('TOY_KCONFIG_RUNS'):\n"
    "    print('x', file=open(path, 'a'))\n"
    "print('CONFIG_TOY_UART=y')\n"
    "print('CONFIG_ARGS_' + str(len(sys.argv)) + '=y')\n",
    "scripts/qapi/schema.py": "def need_has(self): ...\n",
    "scripts/qapi/common.py": "upc = True\n",
    "qapi/qapi-schema.json": "# A remark\n{ 'include': 'toy.json' }\n",
    "qapi/toy.json": "{ 'enum': 'ToyMode', 'data': [ 'slow', 'fast' ] }\n",
    "include/migration/vmstate.h": "#ifndef VMSTATE_H\n#define VMSTATE_H\n"
    "typedef struct VMStateDescription {\n    const char *name;\n    int version_id;\n"
    "} VMStateDescription;\n#endif\n",
    "include/qapi/util.h": "typedef struct QEnumLookup QEnumLookup;\n"
    "typedef struct QObject QObject;\ntypedef struct QNull QNull;\n",
    "include/qemu/osdep.h": '#include "config-host.h"\n#include CONFIG_TARGET\n'
    "#include <stdint.h>\n#include <glib.h>\n",
    "hw/core/cpu-system.c": '#include "qemu/osdep.h"\n'
    '#include "migration/vmstate.h"\n'
    "const VMStateDescription vmstate_cpu_common = {\n"
    '    .name = "cpu_common",\n};\n',
    "hw/core/other.c": "extern const VMStateDescription vmstate_cpu_common;\n",
    "target/toy/cpu.h": '#include "qapi/qapi-types-toy.h"\n'
    "typedef struct ToyCPU {\n    uint64_t pc;\n    ToyMode mode;\n} ToyCPU;\n",
    "target/toy/machine.c": '#include "qemu/osdep.h"\n#include "cpu.h"\n'
    '#include "migration/vmstate.h"\n'
    "extern const VMStateDescription vmstate_toy_timer;\n"
    "const VMStateDescription vmstate_toy_cpu = {\n"
    '    .name = "cpu",\n'
    "    .version_id = TARGET_LONG_BITS,\n"
    "};\n"
    "const void *used = &vmstate_toy_timer;\n",
    "target/toy/timer.c": "const VMStateDescription vmstate_toy_timer = {\n"
    '    .name = "cpu/timer",\n};\n',
    "target/toy/hvf/hvf.c": "static const VMStateDescription vmstate_toy_hvf = {\n"
    '    .name = "hvf",\n};\n',
    "target/toy/translate.c": "int translate;\n",
}


def make(root: Path, **changes: str | None) -> Path:
    """Writes the tree below ``root``; ``changes`` replace or leave out files."""
    for name, text in {**FILES, **changes}.items():
        if text is not None:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return root


def real_trees() -> list[Path]:
    """The QEMU source trees named by VMGEN_QEMU_TREES."""
    named = os.environ.get("VMGEN_QEMU_TREES", "")
    return [Path(part) for part in named.split(os.pathsep) if part]


needs_real_tree = pytest.mark.skipif(
    not real_trees(),
    reason="VMGEN_QEMU_TREES does not name a QEMU source tree",
)
REAL_TREES = real_trees() or [Path("none")]
EIGHT = ("riscv32", "riscv64", "i386", "x86_64", "arm", "aarch64", "ppc", "ppc64")
