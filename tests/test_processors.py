"""Which processor a PowerPC guest has in another release, with the options that it had."""

from __future__ import annotations

import pytest

from vmgen import ir
from vmgen.archive import shipped
from vmgen.known.processor_models import MODELS, Models, models_of, stays
from vmgen.verdict.premises import Differences

DEFAULT = "default_cpu_type=POWERPC_CPU_TYPE_NAME"
OLD = (
    ("CPU_DD20", "0x004E1200"),
    ("CPU_DD22", "0x004E1202"),
    ("power9", "power9_v2.0"),
    ("power9_v2.0", "CPU_DD20"),
    ("power9_v2.2", "CPU_DD22"),
    ("machine_init()", f'{DEFAULT}("power9")'),
    ("host_init()", "default_cpu_type=TYPE_HOST_POWERPC_CPU"),
    ("ppc_pvr_match_power9()", "33c82e9edd12e191"),
)


def but(*rows: tuple[str, str]) -> Models:
    """The old models with these rows instead of those of the same names."""
    names = {row[0] for row in rows}
    return Models((*(row for row in OLD if row[0] not in names), *rows))


def test_names_and_defaults_come_to_versions() -> None:
    found = but(("loop", "loop"), ("odd_init()", f'{DEFAULT}("nothing")'))
    assert found.versions == {
        "CPU_DD20": 0x4E1200,
        "CPU_DD22": 0x4E1202,
        "power9": 0x4E1200,
        "power9_v2.0": 0x4E1200,
        "power9_v2.2": 0x4E1202,
    }
    assert found.defaults == {
        "machine_init()": frozenset({0x4E1200}),
        "odd_init()": frozenset({None}),
    }


@pytest.mark.parametrize(
    ("rows", "version", "same"),
    [
        ([], 0x4E1200, True),
        ([("power9", "power9_v2.2")], 0x4E1200, False),  # -cpu power9, and no -cpu
        ([("power9", "power9_v2.2")], 0x4E1202, True),
        ([("CPU_DD20", "0x004E1201")], 0x4E1200, False),
        ([("machine_init()", f'{DEFAULT}("power9_v2.2")')], 0x4E1200, False),
        ([("machine_init()", f'{DEFAULT}("power9_v2.2")')], 0x4E1202, True),
        ([("machine_init()", f'{DEFAULT}("power9_v2.0")')], 0x4E1200, True),
        ([("new_init()", f'{DEFAULT}("power9_v2.2")')], 0x4E1200, True),
        ([("ppc_pvr_match_power9()", "0")], 0x4E1200, True),
        ([("power10", "CPU_DD20")], 0x4E1200, True),
    ],
)
def test_a_guest_keeps_its_processor_if_all_that_can_have_made_it_does(
    rows: list[tuple[str, str]], version: int, same: bool
) -> None:
    assert stays(version, Models(OLD), but(*rows)) is same


@pytest.mark.parametrize(
    ("old", "new", "version", "same"),
    [
        # pseries without -cpu was seen to be these: real 7.2.22 and 9.1.0.
        ("7.2.22", "8.0.0", 0x4E1200, True),
        ("7.2.22", "8.1.0", 0x4E1200, False),
        ("7.2.22", "9.1.0", 0x4E1200, False),
        ("9.1.0", "11.0.0", 0x801200, True),
        ("9.0.0", "9.1.0", 0x80200, True),  # a 750, g3beige's
    ],
)
def test_releases(old: str, new: str, version: int, same: bool) -> None:
    archive = shipped()
    assert archive is not None
    sides = []
    for name in (old, new):
        release = archive.find(name)
        assert release is not None
        program = archive.program(release, "ppc64", frozenset({"cpu"}))
        sides.append(models_of(program.premises))
    writer, reader = sides
    assert writer is not None
    assert reader is not None
    assert stays(version, writer, reader) is same


def of_rows(rows: tuple[tuple[str, ...], ...]) -> ir.Program:
    premise = ir.Premise(MODELS, ("pvr_match",), True, rows)
    return ir.Program("1.0", "ppc64", (), premises=(premise,))


@pytest.mark.parametrize(
    ("rows", "different"),
    [
        ((), None),
        ((("power9", "power9p"), ("power9p", "CPU_DD20")), None),  # of the same version
        (
            (("ppc_pvr_match_power9()", "17a495f243ab4257"),),
            ("ppc_pvr_match_power9() 33c82e9edd12e191",),
        ),
        # A model without a number.
        ((("power9", "power10"),), ("power9 0x4e1200", "machine_init() 0x4e1200")),
        ((("power9", "power9_v2.2"),), ("power9 0x4e1200", "machine_init() 0x4e1200")),
        (
            (("machine_init()", f'{DEFAULT}("power9_v2.2")'),),
            ("machine_init() 0x4e1200",),
        ),
        ((("machine_init()", f'{DEFAULT}("power11")'),), ("machine_init() 0x4e1200",)),
    ],
)
def test_a_verdict_compares_the_versions_and_not_the_names(
    rows: tuple[tuple[str, str], ...], different: tuple[str, ...] | None
) -> None:
    found = Differences(of_rows(OLD), of_rows(but(*rows).rows))
    refusal = ir.Refusal(reads=("pvr_match",))
    sides = [difference for _, (difference, _) in found.of(refusal)]
    assert sides == ([] if different is None else [tuple(sorted(different))])
