"""The pages of registers say what the commands do: every name, its width, its access."""

from __future__ import annotations

import re

import pytest

from tests.stream_files import captured, codecs_of
from vmgen.stream import Stream
from vmgen.stream.errors import BadEdit, NotFound
from vmgen.stream.registers import RegisterFile, is_cpu, of_section, targets
from vmgen.stream.registers.table import table
from website import registers

ROW = re.compile(r"^\| `(\S+)`(?: to `(\S+)`)? \| ([^|]*) \| ([^|]*) \|", re.MULTILINE)
STREAMS = {
    "aarch64-virt-a57-bare--10.0.2": "aarch64",
    "arm-virt-a15-bare--10.0.2": "arm",
    "arm-stm32vldiscovery-poke--10.0.2": "arm",
    "i386-isapc-poke--10.0.2": "i386",
    "x86_64-q35-bare--10.0.2": "i386",
    "riscv32-virt-poke--10.0.2": "riscv32",
    "ppc64-pseries-poke--10.0.2": "ppc",
    "mips-malta-bare--10.0.2": "mips",
    "m68k-virt-poke--10.0.2": "m68k",
}


def names(first: str, last: str) -> list[str]:
    """Every name of a row of the page."""
    if not last:
        return [first]
    at = len(re.match(r"\D*", first)[0])  # type: ignore[index]
    end = first[at:].lstrip("0123456789")
    numbers = [int(re.match(r"\d+", one[at:])[0]) for one in (first, last)]  # type: ignore[index]
    return [f"{first[:at]}{n}{end}" for n in range(numbers[0], numbers[1] + 1)]


def rows(page: str) -> dict[str, dict[str, tuple[str, str]]]:
    """By feature and name, the cells of bits and of access."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for part in page.split("\n## ")[1:]:
        feature, _, text = part.partition("\n")
        found[feature] = {
            name: (bits, access)
            for first, last, bits, access in ROW.findall(text)
            for name in names(first, last)
        }
    return found


@pytest.mark.parametrize("target", targets())
def test_every_register_of_every_target_is_there(target: str) -> None:
    pages = registers.pages()
    (page,) = (
        text
        for name, text in pages.items()
        if target in text.partition("\n")[0].partition(": ")[2].split(", ")
    )
    known = table(target)
    assert known is not None
    shown = rows(page)
    for entry in known.entries.values():
        bits, access = shown[entry.feature][entry.name]
        assert (str(entry.bits) in bits.split(" or ")) == bool(entry.bits)
        if not entry.ways:
            assert entry.why in access
    listed = page.partition("## Other names")[2]
    for entry in known.aliases.values():
        assert f"`{entry.name}`" in listed
    total = sum(map(len, shown.values()))
    assert f"| {total} |" in pages["registers/index.md"]


@pytest.mark.parametrize("name", STREAMS)
def test_access_is_what_the_commands_allow(name: str) -> None:
    shown: dict[str, tuple[str, str]] = {}
    for of in rows(registers.pages()[f"registers/{STREAMS[name]}.md"]).values():
        shown |= of
    with Stream(captured(name), codecs_of(name)) as stream:
        cpu = next(one for one in stream.sections if is_cpu(one))
        file = of_section(stream.codecs, cpu, stream.values(cpu))
        assert file is not None
        here = {one.name: one for one in file}
        tried = 0
        for register, (_, access) in shown.items():
            if access.startswith("read, write") and register in here:
                file.write(register, here[register].value)
                tried += 1
            elif access == "read" and register in here:
                with pytest.raises(BadEdit):
                    file.write(register, here[register].value ^ 1)
            elif access.startswith("not in a stream:") and "; " not in access:
                with pytest.raises(NotFound):
                    file.read(register)
        assert tried > 20
        unnamed = set(here) - set(shown)
        assert all(re.fullmatch(r"[sp]\d+_\w+", one) for one in unnamed)


def test_a_row_of_names_is_one_only_if_nothing_but_the_number_differs() -> None:
    shown = rows(registers.pages()["registers/i386.md"])["org.gnu.gdb.i386.core"]
    assert shown["xmm7"] == ("128", "read, write")
    assert shown["xmm8"] == ("128", "read, write (x86_64)")
    assert shown["cr0"] == ("32 or 64", "read, write")
    assert "cr1" not in shown
    assert shown["k_gs_base"][1].endswith("read, write (x86_64)")
    assert RegisterFile({}, "i386").names()
