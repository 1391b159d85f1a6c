"""Damaged streams of fresh machines: ``explain --like`` says what QEMU does.

``python -m tests.differential`` is the same for as many machines and changes as one likes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.differential import answers, guests
from tests.differential.__main__ import Bench
from tests.lacking import lacking

COUNT = 40


@pytest.mark.parametrize("machine", ["m68k-virt"])
def test_no_stream_that_qemu_refuses_is_called_taken(
    machine: str, tmp_path: Path
) -> None:
    if reason := guests.GUESTS[machine].absent():
        lacking(reason)
    bench = Bench(tmp_path, "10.0.2")
    found = [bench.answered(machine, number) for number in range(COUNT)]
    judged = [one for one in found if one.tried.qemu != "aborted"]
    wrong = [one for one in judged if one.firm and not one.right and not one.cause]
    assert wrong == []
    assert sum(one.firm for one in judged) >= len(judged) * 3 // 4
    # Both of QEMU's verdicts were met.
    assert {one.tried.qemu for one in judged} == {"accepted", "refused"}, answers.table(
        found
    )
