"""Every description of every release in the archive comes to a section."""

from __future__ import annotations

import json
from collections.abc import Iterator

from vmgen.archive import shipped

SAVED_OTHERWISE = {
    ("hw/hyperv/vmbus.c", "vmstate_vmbus_chan_req"): "C code of another section",
    ("hw/hyperv/vmbus.c", "vmstate_vmbus_dev"): "C code of another section",
    ("hw/vfio/pci.c", "vmstate_vfio_pci_config"): "C code of another section",
    ("migration/cpr.c", "vmstate_cpr_state"): "a file of its own",
    ("migration/savevm.c", "vmstate_configuration"): "in front of all sections",
}
NOT_REGISTERED = {
    # From 9.2 to 10.1 nothing registers it; 10.0.13 does again.
    ("hw/intc/xics.c", "vmstate_icp_server"): ("9.2.0", "10.0.0", "10.0.2", "10.1.0"),
    # Classes of machine types clear what says whether to register it.
    ("hw/s390x/css.c", "vmstate_css"): ("9.1.0", "9.2.0"),
    # hw/net/meson.build names a symbol for lasi_i82596.c that no Kconfig file has.
    ("hw/net/i82596.c", "vmstate_i82596"): (
        *("5.2.0", "6.0.0", "6.1.0", "6.2.0", "7.0.0", "7.1.0", "7.2.22"),
        *("8.0.0", "8.1.0", "8.2.0"),
    ),
}


def _strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _strings(item)
        case dict():
            for item in value.values():
                yield from _strings(item)


def test_every_description_of_every_release_comes_to_a_section() -> None:
    """What is in no section is named here: a registration that was overlooked leaves a
    description that nothing names."""
    alone: dict[tuple[str, str], list[str]] = {}
    archive = shipped()
    assert archive is not None
    for snapshot in archive.snapshots():
        known: set[tuple[str, str]] = set()
        named: set[str] = set()
        for entry in snapshot.entries:
            if entry.kind == "root":
                named.add(json.loads(entry.text)["symbol"])
            elif entry.kind == "module":
                module = json.loads(entry.text)
                for one in module["descriptions"]:
                    known.add((entry.name, one["symbol"]))
                    named.update(_strings({**one, "symbol": []}))
        for file, symbol in known:
            if symbol not in named and symbol.partition("[")[0] not in named:
                alone.setdefault((file, symbol), []).append(snapshot.release)
    for known_one in SAVED_OTHERWISE:
        assert alone.pop(known_one)
    assert {one: tuple(releases) for one, releases in alone.items()} == NOT_REGISTERED


def test_targets_that_have_a_machine_type_by_its_name_or_an_alias() -> None:
    archive = shipped()
    assert archive is not None
    release = archive.find("10.0.2")
    assert release is not None
    (snapshot,) = (one for one in archive.snapshots() if one.release == release.name)
    named: dict[str, set[str]] = {}
    for entry in snapshot.entries:
        if entry.kind == "machine":
            machine = json.loads(entry.text)
            for name in (machine["name"], *machine.get("aliases", ())):
                named.setdefault(name, set()).update(entry.targets)
    assert len(named) > 100
    for name in (*named, "no-such"):
        for several in (release.targets, ("riscv64", "riscv32"), ("x86_64",), ()):
            expected = tuple(one for one in several if one in named.get(name, ()))
            assert archive.having(release, name, several) == expected
