"""Facts of targets: held against the trees that are here."""

from __future__ import annotations

import re

import pytest

from tests.trees import RELEASES, require_tree
from vmgen.targets import page_bits

FOLDERS = {
    "aarch64": "arm", "i386": "i386", "loongarch64": "loongarch", "microblazeel": "microblaze",
    "mips64": "mips", "mips64el": "mips", "mipsel": "mips", "or1k": "openrisc", "ppc64": "ppc",
    "riscv32": "riscv", "riscv64": "riscv", "sh4eb": "sh4", "sparc64": "sparc", "x86_64": "i386",
    "xtensaeb": "xtensa",
}  # fmt: skip
TARGETS = (
    *FOLDERS, "alpha", "arm", "avr", "cris", "hppa", "m68k", "microblaze", "mips", "nios2", "ppc",
    "rx", "s390x", "sh4", "sparc", "tricore", "xtensa",
)  # fmt: skip
_DEFINE = re.compile(
    r"^# *define TARGET_PAGE_BITS(?:_MIN|_LEGACY)? +(\d+)", re.MULTILINE
)
_USER_ONLY = re.compile(r"^#ifdef CONFIG_USER_ONLY\n.*?^#(?:else|endif)\b", re.M | re.S)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("release", RELEASES)
def test_page_bits_are_those_of_the_tree(release: str, target: str) -> None:
    tree = require_tree(release)
    header = tree / "target" / FOLDERS.get(target, target) / "cpu-param.h"
    if not header.exists():
        pytest.skip("the release has no such target")
    text = _USER_ONLY.sub("", header.read_text())
    if "64" in target:  # the other arm of #ifdef TARGET_SPARC64
        text = re.sub(r"^#else\n.*?^#endif\b", "", text, flags=re.M | re.S)
    else:
        text = re.sub(r"^#ifdef TARGET_\w+64\n.*?^#else\b", "", text, flags=re.M | re.S)
    found = {int(number) for number in _DEFINE.findall(text)}
    assert found == {page_bits(target, f"{release}.2")}


def test_releases_between_two_that_differ_are_not_known() -> None:
    assert page_bits("loongarch64", "7.2.5") == 14
    assert page_bits("loongarch64", "8.1.0") is None
    assert page_bits("loongarch64", "10.1.0") == 12
    assert page_bits("loongarch64", "6.0.0") is None
    assert page_bits("loongarch64", "11.0.0") is None
    assert page_bits("x86_64", "3.1.0") == 12
    assert page_bits("z80", "10.0.2") is None
