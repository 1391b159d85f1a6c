"""Which functions of a file QEMU calls while the guest runs: what handles reads and writes
of registers, timers, bottom halves, interrupts, and what buses bring."""

from __future__ import annotations

import re

from vmgen.lint.sources import CFile

_MEMBERS = frozenset(
    [
        "read",
        "write",
        "read_with_attrs",
        "write_with_attrs",
        "receive",
        "receive_iov",
        "receive_raw",
        "can_receive",
        "link_status_changed",
        "transfer",
        "transfer_raw",
        "set_cs",
        "send",
        "send_async",
        "recv",
        "event",
        "config_read",
        "config_write",
        "write_config",
        "read_config",
        "handle_control",
        "handle_data",
        "handle_reset",
        "handle_attach",
        "handle_detach",
        "do_command",
        "enable",
        "set_irq",
        "match_and_add",
        "write_data",
        "read_data",
        "handle_output",
        "do_cmdreq",
        "gpio",
        "post_write",
        "pre_write",
        "post_read",
        "rx",
        "tx",
    ]
)
_INITIALIZER = re.compile(
    r"\b(?:MemoryRegionOps|MemoryRegionPortio|NetClientInfo|RegisterAccessInfo|IDEDMAOps"
    r"|\w*Ops|\w*Info|QemuInputHandler)\s+\w+\s*(?:\[[^\]]*\]\s*)?=\s*\{"
)
_SET = re.compile(r"\.\s*(\w+)\s*=\s*&?\s*(\w+)")
_CLASS = re.compile(r"->\s*(\w+)\s*=\s*(\w+)\s*;")
_GIVEN = re.compile(
    r"\b(?:timer_new\w*|timer_init\w*|ptimer_init|qemu_bh_new\w*|aio_bh_new\w*"
    r"|qdev_init_gpio_in\w*|qemu_allocate_irqs?|qemu_chr_fe_set_handlers\w*"
    r"|qemu_add_kbd_event_handler|qemu_input_handler_register|qemu_add_mouse_event_handler"
    r"|virtio_add_queue\w*)\s*\(([^;]*);"
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_NOT_STATE = frozenset(
    {"VMStateInfo", "PropertyInfo", "TypeInfo", "VirtioPCIDeviceTypeInfo"}
)


_HOST_EVENT = "QEMUChrEvent"
"""The argument of what hears that a character device of the host opens or closes: each side
of a migration has a connection of its own."""

_WHEN_STARTED = re.compile(
    r"\bset_status\s*=\s*&?\s*(\w+)"
    r"|\bqemu_add_vm_change_state_handler(?:_prio)?\s*\(\s*&?(\w+)"
    r"|\bqdev_add_vm_change_state_handler\s*\([^,;]*,\s*&?(\w+)"
)
"""What runs when the virtual machine starts or stops; a virtio device's status is set
then, too (``virtio_vmstate_change``, ``hw/virtio/virtio.c``)."""


def run_when_started(file: CFile) -> frozenset[str]:
    """The functions of a file that run when a guest that was loaded starts."""
    names = {
        name
        for match in _WHEN_STARTED.findall(file.text.code)
        for name in match
        if name
    }
    return frozenset(names & file.functions.keys())


def callbacks_in(body: str) -> frozenset[str]:
    """The names that code hands on as timers, bottom halves and the like."""
    return frozenset(
        word for match in _GIVEN.finditer(body) for word in _WORD.findall(match[1])
    )


def callbacks(file: CFile) -> tuple[str, ...]:
    """The callbacks of a file, sorted."""
    found: set[str] = set()
    code = file.text.code
    known = file.functions
    for match in _INITIALIZER.finditer(code):
        if match[0].split()[0] in _NOT_STATE:
            continue
        end = re.compile(r"^\s*\};|^\};", re.MULTILINE).search(code, match.end())
        part = code[match.end() : end.start() if end else match.end()]
        found.update(name for member, name in _SET.findall(part) if member in _MEMBERS)
    found.update(name for member, name in _CLASS.findall(code) if member in _MEMBERS)
    found |= callbacks_in(code)
    return tuple(
        sorted(
            name for name in found & known.keys() if _HOST_EVENT not in known[name].head
        )
    )
