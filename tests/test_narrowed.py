"""What guests have, by a stream of theirs, is no condition of a verdict any more."""

from __future__ import annotations

import pytest

from vmgen.archive import shipped
from vmgen.cli.compat import narrowed
from vmgen.verdict.machines import MachineJudge
from vmgen.verdict.show_machines import answer

MACHINE = "s390-ccw-virtio-8.0"


@pytest.mark.parametrize(
    ("has", "said"),
    [(None, "not known"), ({"cpu"}, "loads"), ({"cpu", "s390_css"}, "refused")],
)
def test_a_section_that_a_stream_has_is_missed(has: set[str] | None, said: str) -> None:
    """Real 9.1.0 refuses what 10.0.2 saved: it registers no s390_css."""
    archive = shipped()
    assert archive is not None
    sides = []
    for name in ("10.0.2", "9.1.0"):
        release = archive.find(name)
        assert release is not None
        sides.append(archive.program(release, "s390x"))
    old, new = sides
    found = {MACHINE: MachineJudge(old, new).judgement(MACHINE)}
    known = None if has is None else frozenset(has)
    assert answer(narrowed(found, old, new, (), known)[MACHINE], "forward") == said
