"""The headers that a build of QEMU generates, made from the tree alone.

What they hold follows QEMU's meson.build.  The configuration is that of a distribution's
binaries on x86-64 Linux, as far as it decides the layout of structs and which tables
exist: TCG and its plugins everywhere, KVM where such a host has it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from vmgen.source import Diagnostic, Position, VmgenError
from vmgen.tree.targets import TargetConfigurations

_HOST = (
    "CONFIG_LINUX",
    "CONFIG_POSIX",
    "CONFIG_TCG",
    "CONFIG_PLUGIN",
    "CONFIG_INT128",
    "CONFIG_INT128_TYPE",
    "CONFIG_ATOMIC64",
    "CONFIG_CMPXCHG128",
    "CONFIG_IOVEC",
    "CONFIG_PREADV",
    "CONFIG_EVENTFD",
    "CONFIG_EPOLL",
    "CONFIG_EPOLL_CREATE1",
    "CONFIG_FALLOCATE",
    "CONFIG_FDATASYNC",
    "CONFIG_MADVISE",
    "CONFIG_POSIX_MADVISE",
    "CONFIG_POSIX_MEMALIGN",
    "CONFIG_POSIX_FALLOCATE",
    "CONFIG_MEMFD",
    "CONFIG_SIGNALFD",
    "CONFIG_PPOLL",
    "CONFIG_DUP3",
    "CONFIG_GETAUXVAL",
    "CONFIG_GETRANDOM",
    "CONFIG_INOTIFY",
    "CONFIG_INOTIFY1",
    "CONFIG_CPUID_H",
    "CONFIG_COROUTINE_POOL",
    "CONFIG_FDT",
    "CONFIG_TPM",
    "CONFIG_VNC",
    "CONFIG_VHOST",
    "CONFIG_VHOST_KERNEL",
    "CONFIG_VHOST_NET",
    "CONFIG_VHOST_NET_USER",
    "CONFIG_VHOST_NET_VDPA",
    "CONFIG_VHOST_USER",
    "CONFIG_VHOST_VDPA",
    "CONFIG_VHOST_CRYPTO",
    "CONFIG_VIRTFS",
    "CONFIG_REPLICATION",
    "CONFIG_SYSMACROS",
    "CONFIG_OPENGL",
    "CONFIG_USB_LIBUSB",
    "CONFIG_QOM_CAST_DEBUG",
    "CONFIG_RELOCATABLE",
    "CONFIG_GETTID",
    "HAVE_GLIB_WITH_ALIGNED_ALLOC",
    "HAVE_PTY_H",
    "HAVE_STRCHRNUL",
    "HAVE_SYSTEM_FUNCTION",
    "HAVE_STRUCT_STAT_ST_ATIM",
    "HOST_X86_64",
)
# What configure of releases up to 7.0 finds on such a host besides: it decides there which
# files are linked, as the libraries of meson's dependencies do later.  Left out is what
# brings headers of libraries into files with tables, and no table.
FEATURES_BEFORE_MESON = (
    *("CONFIG_AF_ALG", "CONFIG_AUDIO_ALSA", "CONFIG_AUDIO_OSS", "CONFIG_AUDIO_PA"),
    *("CONFIG_AUDIO_PT_INT", "CONFIG_AUDIO_SDL", "CONFIG_BLUEZ", "CONFIG_BOCHS"),
    *("CONFIG_BRLAPI", "CONFIG_BZIP2", "CONFIG_CLOOP", "CONFIG_CURL", "CONFIG_CURSES"),
    *("CONFIG_DMG", "CONFIG_GIO", "CONFIG_GLUSTERFS", "CONFIG_GTK"),
    *("CONFIG_GTK_GL", "CONFIG_IVSHMEM", "CONFIG_L2TPV3", "CONFIG_LIBISCSI"),
    *("CONFIG_LIBNFS", "CONFIG_LIBSSH", "CONFIG_LIBSSH2", "CONFIG_LINUX_AIO"),
    *("CONFIG_LIVE_BLOCK_MIGRATION", "CONFIG_MEMBARRIER"),
    *("CONFIG_NETTLE", "CONFIG_PARALLELS", "CONFIG_PVRDMA"),
    *("CONFIG_QCOW1", "CONFIG_QED", "CONFIG_RBD", "CONFIG_RDMA", "CONFIG_SDL"),
    *("CONFIG_SECCOMP", "CONFIG_SECRET_KEYRING", "CONFIG_SHEEPDOG", "CONFIG_SLIRP"),
    *("CONFIG_SMARTCARD", "CONFIG_SPICE", "CONFIG_TOOLS", "CONFIG_TPM_EMULATOR"),
    *("CONFIG_TPM_PASSTHROUGH", "CONFIG_USB_REDIR", "CONFIG_VDE", "CONFIG_VDI"),
    *("CONFIG_VHOST_SCSI", "CONFIG_VHOST_USER_FS", "CONFIG_VHOST_USER_VSOCK"),
    *("CONFIG_VHOST_VSOCK", "CONFIG_VVFAT"),
    *("CONFIG_X11", "CONFIG_ZSTD"),
)
_HOST_TEXT = {
    "CONFIG_QEMU_DATADIR": "/usr/share/qemu",
    "CONFIG_QEMU_CONFDIR": "/etc/qemu",
    "CONFIG_QEMU_MODDIR": "/usr/lib/qemu",
    "CONFIG_QEMU_HELPERDIR": "/usr/libexec/qemu",
    "CONFIG_QEMU_ICONDIR": "/usr/share/icons",
    "CONFIG_QEMU_DESKTOPDIR": "/usr/share/applications",
    "CONFIG_QEMU_LOCALEDIR": "/usr/share/locale",
    "CONFIG_QEMU_LOCALSTATEDIR": "/var",
    "CONFIG_BINDIR": "/usr/bin",
    "CONFIG_PREFIX": "/usr",
    "CONFIG_SYSCONFDIR": "/etc",
    "CONFIG_HOST_DSOSUF": ".so",
    "CONFIG_TLS_PRIORITY": "NORMAL",
    "CONFIG_TRACE_FILE": "trace",
}
# What Kconfig learns about the host, as far as the release knows the symbol.
_KCONFIG_HOST = (
    "LINUX",
    "TPM",
    "FDT",
    "PIXMAN",
    "SPICE",
    "IVSHMEM",
    "OPENGL",
    "LIBCBOR",
    "GNUTLS",
    "X11",
    "VHOST_USER",
    "VHOST_VDPA",
    "VHOST_KERNEL",
    "VIRTFS",
    "PVRDMA",
    "MULTIPROCESS_ALLOWED",
    "HV_BALLOON_POSSIBLE",
)
_S390X_FEATURES = "target/s390x/gen-features.c"
_KVM_TARGETS = ("i386", "x86_64")
_NOT_IN_HEADER = ("TARGET_XML_FILES", "TARGET_ABI_DIR", "TARGET_ARCH", "TARGET_SVE")
_TRACE_FOLDERS = re.compile(r"trace_events_subdirs\s*\+?=\s*\[(.*?)\]", re.DOTALL)
_OLD_TRACE_FOLDERS = re.compile(r"^trace-events-subdirs \+= (.+)$", re.MULTILINE)
_S390X_GROUP = re.compile(r"^\s+FEAT_GROUP_INITIALIZER\((\w+)\)", re.MULTILINE)
_QUOTED = re.compile(r"'([^']+)'")


def common_headers(root: Path, release: str) -> dict[str, str]:
    """Headers that are the same for every target: path -> text, QAPI's aside."""
    out = {
        "config-host.h": _config_host(
            release, written_by_configure(root).intersection(FEATURES_BEFORE_MESON)
        ),
        "config-poison.h": _HEADER,
        "qemu-version.h": _HEADER
        + f'#define QEMU_PKGVERSION ""\n#define QEMU_FULL_VERSION "{release}"\n',
        "block/block-gen.h": _HEADER,
        "hmp-commands.h": _HEADER,
        "hmp-commands-info.h": _HEADER,
        # Up to 5.2 the trace events of helpers are declared, too.
        "trace/generated-helpers.h": _HEADER,
        "trace/generated-helpers-wrappers.h": _HEADER,
        "target/s390x/gen-features.h": _s390x_features(root),
    }
    for folder in ("root", *_trace_folders(root)):
        name = re.sub(r"[^A-Za-z0-9]", "_", folder)
        out[f"trace/trace-{name}.h"] = _HEADER
    if not (root / "meson.build").is_file():
        out |= _before_meson(root)
    asm = root / "linux-headers/asm-x86"
    if asm.is_dir():
        for path in asm.iterdir():
            out[f"asm/{path.name}"] = f'{_HEADER}#include "asm-x86/{path.name}"\n'
    return out


def _trace_folders(root: Path) -> list[str]:
    """The folders that have trace events of their own."""
    found: list[str] = []
    for name, folders in (
        ("meson.build", _TRACE_FOLDERS),
        ("Makefile.objs", _OLD_TRACE_FOLDERS),
    ):
        if (root / name).is_file():
            text = (root / name).read_text(encoding="utf-8")
            for block in folders.findall(text):
                found += _QUOTED.findall(block) if "'" in block else block.split()
    return found


def _before_meson(root: Path) -> dict[str, str]:
    """Headers by the names that they have up to 5.1, where those of a target are in a
    folder of the target's, and the events of a folder beside its files."""
    out = dict.fromkeys(
        (
            "trace.h",
            "trace-root.h",
            "trace-tcg.h",
            *(f"{folder}/trace.h" for folder in _trace_folders(root)),
        ),
        _HEADER,
    )
    for kind in ("target", "devices"):
        macro = f"CONFIG_{kind.upper()}"
        out[f"config-{kind}.h"] = f"{_HEADER}#ifdef {macro}\n#include {macro}\n#endif\n"
    out["gen-features.h"] = _s390x_features(root)
    return out


def _s390x_features(root: Path) -> str:
    """The enum of CPU feature groups, which prototypes name.

    QEMU's header has the features of each CPU model as macros too, for initialisers in
    cpu_models.c alone; to know them takes compiling and running gen-features.c.
    """
    path = root / _S390X_FEATURES
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    groups = [*_S390X_GROUP.findall(text), "MAX"]
    lines = "".join(f"    S390_FEAT_GROUP_{name},\n" for name in groups)
    guard = "TARGET_S390X_GEN_FEATURES_H"
    return (
        f"{_HEADER}#ifndef {guard}\n#define {guard}\n"
        f"typedef enum {{\n{lines}}} S390FeatGroup;\n#endif\n"
    )


def config_target(target: str, settings: dict[str, str]) -> str:
    """The text of ``TARGET-softmmu-config-target.h`` from the target's ``.mak``."""
    values = {
        "TARGET_NAME": f'"{target}"',
        "CONFIG_SYSTEM_ONLY": "1",
        "CONFIG_SOFTMMU": "1",
        "CONFIG_TCG": "1",
        "TARGET_BIG_ENDIAN": "0",
    }
    if target in _KVM_TARGETS:
        values["CONFIG_KVM"] = "1"
    for name, value in settings.items():
        if name == "TARGET_BASE_ARCH":
            values[f"TARGET_{value.upper()}"] = "1"
        elif name not in _NOT_IN_HEADER and name.startswith(("TARGET_", "CONFIG_")):
            values[name] = {"y": "1", "n": "0"}.get(value, value)
    arch = settings["TARGET_ARCH"]
    base = settings.get("TARGET_BASE_ARCH", arch)
    values[f"TARGET_{arch.upper()}"] = "1"
    values[f"TARGET_{base.upper()}"] = "1"
    values["QEMU_ARCH"] = f"QEMU_ARCH_{base.upper()}"
    return _defines(values)


class Devices:
    """The tree's own ``scripts/minikconf.py``, at work beside everything else."""

    def __init__(
        self, kept: TargetConfigurations, target: str, settings: dict[str, str]
    ) -> None:
        known = kept.symbols()
        endian = settings.get("TARGET_BIG_ENDIAN", "n")
        values = dict.fromkeys((*_KCONFIG_HOST, "TCG"), "y")
        if (kept.root / "target/Kconfig").is_file():
            # Up to 6.0 a symbol with the name of a target is a board of it.
            values[settings["TARGET_ARCH"].upper()] = "y"
        values["TARGET_BIG_ENDIAN"] = endian
        if target in _KVM_TARGETS:
            values["KVM"] = "y"
        # A symbol that no file declares makes minikconf give up.
        options = [
            f"CONFIG_{name}={value}" for name, value in values.items() if name in known
        ]
        self.defaults = kept.devices.format(target)
        self.target = target
        self._folder = tempfile.TemporaryDirectory(prefix="vmgen-")
        folder = self._folder.name
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-IB",
                str(kept.root / "scripts/minikconf.py"),
                "--defconfig",
                str(Path(folder, "devices.mak")),
                str(Path(folder, "devices.d")),
                self.defaults,
                *kept.kconfig,
                *options,
            ],
            cwd=kept.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def header(self) -> str:
        """The text of ``TARGET-softmmu-config-devices.h``, once it is there.

        Raises :class:`VmgenError` (VG104) if the tree's Kconfig files contradict each
        other or the configuration.
        """
        output, errors = self._process.communicate()
        self._folder.cleanup()
        if self._process.returncode:
            last = (errors.strip().splitlines() or [""])[-1]
            raise VmgenError(
                Diagnostic(
                    "VG104",
                    f"Kconfig of {self.target} cannot be resolved: {last}",
                    Position(self.defaults),
                    hint="configure QEMU in a folder of its own and give it with "
                    "--build",
                )
            )
        names = [
            line.partition("=")[0]
            for line in output.splitlines()
            if line.endswith("=y")
        ]
        return _defines(dict.fromkeys(names, "1"))


def written_by_configure(root: Path) -> frozenset[str]:
    """The names that the tree's own ``configure`` writes into ``config-host.mak`` as true
    on some host: from there they come into ``config-host.h``.  They are all that decides
    about files up to 7.0, next to nothing later."""
    script = root / "configure"
    text = script.read_text(encoding="utf-8") if script.is_file() else ""
    return frozenset(re.findall(r"\bCONFIG_[A-Z0-9_]+(?==y\b)", text))


def _config_host(release: str, found: frozenset[str]) -> str:
    values = dict.fromkeys(_HOST, "1")
    values |= dict.fromkeys(sorted(found), "1")
    values |= {name: f'"{text}"' for name, text in _HOST_TEXT.items()}
    numbers = [*release.split("."), "0", "0"][:3]
    values["CONFIG_AUDIO_DRIVERS"] = '"pa", "alsa",'
    values["QEMU_VERSION"] = f'"{release}"'
    for name, number in zip(("MAJOR", "MINOR", "MICRO"), numbers, strict=True):
        if number.isdecimal():  # a fork's release may have no such numbers
            values[f"QEMU_VERSION_{name}"] = number
    return _defines(values)


_HEADER = "/* Made by vmgen in place of what a build generates. */\n"


def _defines(values: dict[str, str]) -> str:
    return _HEADER + "".join(
        f"#define {name} {value}\n" for name, value in values.items()
    )
