"""Which entry of the description a section has."""

from __future__ import annotations

from vmgen.stream.description import Device, Document, disagree
from vmgen.stream.parts import ANY_INSTANCE
from vmgen.stream.wire import printable


class ServedDevices:
    """The entries of a description, handed out as their sections come."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._left: dict[tuple[str, int], list[Device]] = {}
        self._served: dict[tuple[str, int], Device] = {}
        for device in document.devices:
            key = (device.name, device.instance_id)
            self._left.setdefault(key, []).append(device)

    def next(self, name: str, instance: int) -> Device | None:
        """The entry of a section as QEMU writes it: each once; None if there is none."""
        found = self._left.get((name, instance))
        if not found:
            return None
        self._served[name, instance] = found[0]
        return found.pop(0)

    def again(self, name: str, instance: int) -> Device | None:
        """The entry of a section as QEMU reads it (``find_se`` in ``migration/savevm.c``):
        one that comes twice is of the same device."""
        found = self.next(name, instance) or self._served.get((name, instance))
        if found is None and instance == ANY_INSTANCE:
            return next(
                (one for one in self.document.devices if one.name == name), None
            )
        return found

    def expected(self, name: str, instance: int) -> Device:
        """The entry of a section that must have one; Disagreement if it has none."""
        if (found := self.next(name, instance)) is not None:
            return found
        others = [
            str(one.instance_id) for one in self.document.devices if one.name == name
        ]
        known = f"; described are instances {', '.join(others)}" if others else ""
        path = f"{printable(name)}/{instance}"
        raise disagree(f"not in the description{known}", path)

    def all_there(self) -> None:
        """Disagreement if an entry is left that no section had."""
        left = [device for devices in self._left.values() for device in devices]
        if left:
            names = ", ".join(device.path for device in left[:5])
            message = f"described, but not in the stream: {names}"
            raise disagree(message, left[0].path, self.document.offset)
