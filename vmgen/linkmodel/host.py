"""What is known of the machine and of the libraries that a distribution builds with.

The same configuration as in :mod:`vmgen.tree`: x86-64 Linux, every feature that Debian's
binaries have.  A binary with loadable modules holds what the modules hold.
"""

from __future__ import annotations

from typing import Final

SYSTEM: Final = "linux"
CPU: Final = "x86_64"
MESON: Final = "1.7.0"
"""The version of meson, newer than whatever a release asks for."""

OPTIONS: Final[dict[str, str]] = {
    # Sources of modules are then part of the binary itself.
    "modules": "disabled",
    # Debian has a binary of its own for Xen.
    "xen": "disabled",
    "xen_pci_passthrough": "disabled",
    "rust": "disabled",
    "docs": "disabled",
}
"""Options of type feature that differ from "whatever is there"."""

BUILT_IN_OPTIONS: Final[dict[str, bool]] = {"b_lto": False}
"""Meson's own options that decide something here."""

ABSENT: Final = frozenset(
    (
        # Frameworks of macOS.
        "appleframeworks",
        # Not packaged, or not built with.
        "canokey-qemu",
        "libqpl",
        "libwd",
        "libwd_comp",
        "qatzip",
        "rutabaga_gfx_ffi",
        "u2f-emu",
    )
)
"""Libraries that are missing, by the names ``dependency()`` asks for."""

FACTS: Final[dict[str, bool | str]] = {
    # Found by compiling or running something, which is not done here.
    "glib_has_gslice": False,
    "have_afalg": True,
    "coroutine_backend": "ucontext",
    "dbus_display": True,
    "have_keyring": True,
    "have_l2tpv3": True,
    "have_membarrier": True,
    "have_netmap": False,
    "have_virtfs": True,
    "link_language": "cpp",
}
"""Variables of the tree's ``meson.build`` with what they are in such a build."""

SKIPPED: Final = frozenset(
    (
        "bsd-user",
        "common-user",
        "contrib/plugins",
        "linux-user",
        "tests/qtest/fuzz",
        "tests/qtest/libqos",
    )
)
"""Folders with nothing for a system binary."""

HOST_MAKEFILE: Final[dict[str, str]] = {
    # What configure writes that the build description asks for; more of it up to 7.2.
    "ARCH": CPU,
    "CONFIG_COROUTINE_BACKEND": "ucontext",
    "CONFIG_LINUX": "y",
    "CONFIG_PLUGIN": "y",
    "CONFIG_POSIX": "y",
}
