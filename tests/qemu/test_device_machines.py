"""Fresh captures of machines with many devices: every section to its end and back, and
described by QEMU as the IR says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.described_by_ir import compare
from tests.lacking import lacking
from tests.qemu.contents import QUIET, read_all, started, taken_back
from tests.qemu.device_machines import MACHINES, capture
from tests.qemu.machine import Guest, Refusal
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
            requests += len(state.qdev.requests.requests)
        elif section.name.endswith("/virtio-blk"):
            requests += len(state.virtio.device.requests)
    assert requests == name.startswith("flight")


def test_a_device_plugged_in_before_the_guest_looked() -> None:
    """The channel subsystem has a report for the guest: a subchannel is there."""
    guest = Guest("s390x", ("-M", "s390-ccw-virtio", "-m", "64", "-nodefaults"), "big")
    device = "virtio-rng-ccw,id=r,devno=fe.0.1234"
    with started(guest) as machine:
        machine.command(
            "device_add", driver="virtio-rng-ccw", id="r", devno="fe.0.1234"
        )
        data = machine.capture()
    contents = read_all(guest, data)
    (report,) = contents["s390_css"].pending_crws
    # Reporting source 3 is a subchannel; 4 says that it is initialized.
    assert (report.crw.flags, report.crw.rsid) == (3 << 8 | 4, 0)
    flic = contents["qemu-s390-flic"].qemu_s390_flic_full
    assert flic.pending == 1 << 9
    assert contents["virtio-rng"].virtio.vdev.ccw.parent_obj.sch.devno == 0x1234
    taken_back(replace(guest, options=(*guest.options, "-device", device)), data)


def test_an_event_that_the_guest_has_not_taken() -> None:
    guest = Guest(
        "ppc64", ("-M", "pseries,x-vof=on", "-m", "256", "-nodefaults"), "big"
    )
    with started(guest) as machine:
        machine.command("device_add", driver="virtio-rng-pci", id="r", addr="5")
        data = machine.capture()
    (event,) = read_all(guest, data)["spapr"].spapr_pending_events.pending_events
    assert event.extended_length == len(event.extended_log) == 108
    assert event.extended_log[12:16] == b"IBM\0"
    # The last section is about a PCI slot (5) by its index, slot 5 of host bridge 0.
    assert event.extended_log[88:90] == b"HP"
    assert event.extended_log[96] == 5
    assert event.extended_log[100:104] == (0x40000000 | 5 << 3).to_bytes(4, "big")
    again = replace(
        guest, options=(*guest.options, "-device", "virtio-rng-pci,id=r,addr=5")
    )
    (found,) = read_all(again, taken_back(again, data))[
        "spapr"
    ].spapr_pending_events.pending_events
    assert found == event


def test_the_variables_of_a_firmware(tmp_path: Path) -> None:
    file = tmp_path / "variables"
    guid = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
    variables = [
        {"name": "BootOrder", "guid": guid, "attr": 7, "data": "01000200"},
        {
            "name": "Lang",
            "guid": guid,
            "attr": 3,
            "data": "656e6700",
            "time": "e8070c1f0b0a09000000000000000000",
        },
    ]
    file.write_text(json.dumps({"version": 2, "variables": variables}))
    guest = Guest(
        "x86_64", ("-M", "q35", *QUIET, "-device", f"uefi-vars-x64,jsonfile={file}")
    )
    with started(guest) as machine:
        data = machine.capture()
    state = read_all(guest, data)["uefi-vars-sysbus"].state
    first, second = state.variables[:2]
    assert bytes(first.name).decode("utf-16-le") == "BootOrder\0"
    assert (first.attributes, bytes(first.data)) == (7, b"\1\0\2\0")
    assert (first.name_size, first.data_size) == (20, 4)
    assert bytes(second.data) == b"eng\0"
    time = second.time
    assert (time.year, time.month, time.day, time.hour, time.minute) == (
        2024, 12, 31, 11, 10
    )  # fmt: skip
    # A destination with a file of its own would write it, and QEMU does not survive that.
    again = replace(guest, options=(*guest.options[:-1], "uefi-vars-x64"))
    found = read_all(again, taken_back(again, data))["uefi-vars-sysbus"].state
    assert found.variables == state.variables


def test_a_cpu_whose_own_release_does_not_take_it() -> None:
    """7.2 calls the TLB of an embedded PowerPC as it calls that of a 6xx, whose table a
    load finds first (``vmstate_get_subsection``): the section ends elsewhere, for us too.
    """
    guest = Guest("ppc", ("-M", "virtex-ml507", "-m", "64"), "big", release="7.2")
    with started(guest) as machine:
        data = machine.capture()
    with pytest.raises(Refusal, match="Missing section footer for cpu"):
        taken_back(guest, data)
    whole = whole_target("ppc", "7.2")
    (section,) = (one for one in find_sections(data) if one.name == "cpu")
    context = whole.runtime.Context(description=section.description)
    _, end = whole.codec(section).load(
        data, section.start, section.version, context=context
    )
    # 64 entries of 28 bytes; the other table has 12 in each, and four registers more.
    assert section.end - end == 64 * (28 - 12) - 4 * 4
