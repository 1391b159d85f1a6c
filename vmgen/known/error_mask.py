"""What PCI Express devices start with as the mask of their errors: ``pcie_aer_init``
(``hw/pci/pcie_aer.c``)."""

from __future__ import annotations

import re

from vmgen.known.members import MachineFacts

TYPE, PROPERTY = "pci-device", "x-pcie-err-unc-mask"
"""A guest can write the mask of errors that are not correctable, which is not 0 from the
start, if this is on; otherwise it is 0, and is compared."""

ALWAYS = re.compile(r"8\.0\.")
"""The release in which it is always so, and that has no property for it."""


def has_mask(facts: MachineFacts, machine: str) -> bool | None:
    """Whether devices of a machine of this type have such a mask; None where the
    properties of the release are not known, or the machine type does not settle it."""
    if ALWAYS.match(facts.program.release):
        return True
    properties = {one.name: one for one in facts.properties(TYPE)}
    if not properties:
        return None
    there = properties.get(PROPERTY)
    if there is None:
        return False
    value = facts.value(facts.machine(machine), TYPE, there)
    return None if value is None else bool(value)
