"""Registers that are made of others: against the architecture's own arithmetic."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmgen.stream.registers.derived import DERIVED

WIDTHS = (8, 16, 32)
LONG = (1 << 32) - 1


def of(name: str, values: Mapping[str, int]) -> int | None:
    return DERIVED[name](values.get)


def signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def ccr(op: int, n: int, v: int, x: int, *, z: int = 0, c: int = 0) -> str:
    """The letters of the flags that are set."""
    names = ("op", "x", "n", "z", "v", "c")
    values = dict(zip(names, (op, x, n & LONG, z & LONG, v & LONG, c), strict=True))
    found = of("ccr", {f"env.cc_{name}": value for name, value in values.items()})
    assert found is not None
    assert 0 <= found < 32
    return "".join(
        letter for place, letter in enumerate("XNZVC") if found >> 4 - place & 1
    )


def letters(**flags: bool) -> str:
    return "".join(name for name, is_set in flags.items() if is_set)


NUMBERS = st.one_of(
    st.integers(0, LONG),
    st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, LONG]),
)


@given(st.integers(0, 2), NUMBERS, NUMBERS)
def test_m68k_add(width: int, one: int, other: int) -> None:
    """ADD keeps its result, the source operand and the carry."""
    bits = WIDTHS[width]
    mask = (1 << bits) - 1
    one, other = one & mask, other & mask
    total = signed(one, bits) + signed(other, bits)
    result, carry = signed(one + other, bits), one + other > mask
    assert ccr(2 + width, result, signed(other, bits), int(carry)) == letters(
        X=carry, N=result < 0, Z=result == 0, V=total != result, C=carry
    )


@given(st.integers(0, 2), NUMBERS, NUMBERS)
def test_m68k_subtract_and_compare(width: int, one: int, other: int) -> None:
    """SUB keeps what ADD does; CMP keeps both operands, and leaves X as it was."""
    bits = WIDTHS[width]
    mask = (1 << bits) - 1
    one, other = one & mask, other & mask
    total = signed(one, bits) - signed(other, bits)
    result, borrow = signed(one - other, bits), one < other
    flags = {"N": result < 0, "Z": result == 0, "V": total != result, "C": borrow}
    operand = signed(other, bits)
    assert ccr(5 + width, result, operand, int(borrow)) == letters(X=borrow, **flags)
    for x in (0, 1):
        made = ccr(8 + width, signed(one, bits), operand, x)
        assert made == letters(X=bool(x), **flags)


@given(NUMBERS, NUMBERS, st.integers(0, 1), st.integers(0, 1), NUMBERS)
def test_m68k_logic_and_flags_as_they_are(
    n: int, v: int, x: int, c: int, z: int
) -> None:
    """LOGIC keeps its result alone; after FLAGS, V and N are signs, and Z is set for 0."""
    assert ccr(11, n, v, x, z=z, c=c) == letters(X=x == 1, N=n >> 31 == 1, Z=n == 0)
    assert ccr(1, n, v, x, z=z, c=c) == letters(
        X=x == 1, N=n >> 31 == 1, Z=z == 0, V=v >> 31 == 1, C=c == 1
    )


@pytest.mark.parametrize("missing", ["op", "x", "n", "z", "v", "c"])
def test_m68k_flags_need_all_that_they_are_made_of(missing: str) -> None:
    values = {f"env.cc_{one}": 0 for one in ("op", "x", "n", "z", "v", "c")}
    del values[f"env.cc_{missing}"]
    assert of("ccr", values) is None


HIGHEST = 1 << 63
TAGS = [
    (0, 0, 1),
    (0x8000, 0, 1),  # -0
    (0x3FFF, HIGHEST, 0),  # 1
    (0xBFFF, HIGHEST | 5, 0),
    (0x7FFE, HIGHEST, 0),
    (1, HIGHEST, 0),
    (0, 1, 2),  # denormal
    (0, HIGHEST, 2),
    (0x7FFF, HIGHEST, 2),  # infinity
    (0xFFFF, HIGHEST | 1, 2),
    (0x3FFF, HIGHEST >> 1, 2),  # no number: without its first bit
    (5, 0, 2),
]
"""Sign and exponent of an x87 register, its mantissa, and its tag: 0 valid, 1 zero, 2 special."""


@pytest.mark.parametrize("place", [0, 3, 7])
@pytest.mark.parametrize(("exponent", "mantissa", "tag"), TAGS)
def test_tags_of_the_x87(place: int, exponent: int, mantissa: int, tag: int) -> None:
    values = {
        f"env.fpregs[{place}].tmp.tmp_mant": mantissa,
        f"env.fpregs[{place}].tmp.tmp_exp": exponent,
    }
    empty = 0xFFFF & ~(3 << 2 * place)
    assert of("ftag", values | {"env.fptag_vmstate": 1 << place}) == (
        empty | tag << 2 * place
    )
    assert of("ftag", values | {"env.fptag_vmstate": 0}) == 0xFFFF
    assert of("ftag", values) is None


def test_windows_of_a_sparc() -> None:
    assert of("window_words", {"env.nwindows": 8}) == 128
    assert of("window_words", {}) is None
    assert of("cwp64", {"env.nwindows": 8, "env.cwp": 2}) == 5
    assert of("cwp64", {"env.nwindows": 8, "env.cwp": 0}) == 7
    assert of("cwp64", {"env.nwindows": 8}) is None
    assert of("cwp64", {"env.cwp": 8}) is None


@pytest.mark.parametrize(
    ("status", "dirty"),
    [(0, 0), (0x6000, 1), (0x4000, 0), (0x2000, 0), (0x600, 1), (0x200, 0), (0x18000, 1),
     (0x8000, 0), (0x4200 | 0x8000, 0), (0xFFFF_FFFF, 1)],
)  # fmt: skip
def test_a_dirty_extension_of_riscv(status: int, dirty: int) -> None:
    assert of("sd", {"env.mstatus": status}) == dirty
    assert of("sd", {}) is None
