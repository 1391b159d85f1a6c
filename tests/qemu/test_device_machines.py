"""Fresh captures of machines with many devices: every section to its end and back, and
described by QEMU as the IR says."""

from __future__ import annotations

import pytest

from tests.described_by_ir import compare
from tests.lacking import lacking
from tests.qemu.device_machines import MACHINES, capture
from tests.stream_sections import find_sections
from tests.whole_targets import is_described, whole_target


@pytest.mark.parametrize("name", MACHINES)
def test_every_section_of_a_fresh_machine(name: str) -> None:
    guest = MACHINES[name]
    if reason := guest.absent():
        lacking(reason)
    whole = whole_target(guest.target, "10.0")
    captured = capture(name)
    if name.startswith("flight"):
        assert captured.status == "io-error"
    data = captured.stream
    sections = [one for one in find_sections(data) if is_described(one)]
    wanted = sum(word == "-device" for word in guest.options)
    assert len(sections) > wanted // 2
    assert compare(whole.program, data).differences == []
    requests = 0
    for section in sections:
        state = whole.load(data, section, described=True)
        assert whole.save(section, state) == data[section.start : section.end]
        if section.name.endswith("/scsi-disk"):
            requests += len(state.qdev.requests)
        elif section.name.endswith("/virtio-blk"):
            requests += len(state.virtio.device.requests)
    assert requests == name.startswith("flight")
