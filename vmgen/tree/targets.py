"""Which targets a release has, and where it says what each of them is.

From 5.2 on a target is a ``.mak`` file of settings and one of devices; before, its
settings are ``case`` statements of the ``configure`` script, and only the devices have a
file (``default-configs/TARGET-softmmu.mak``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vmgen.ir.words import RELEASE

_SUFFIX = "-softmmu.mak"
_CASE = re.compile(r'^case "\$target_name" in$(.*?)^esac$', re.MULTILINE | re.DOTALL)
_ARM = re.compile(
    r"^[ \t]*([\w*|?-]+)\)[ \t]*(?:\n|(?=\S))(.*?);;", re.MULTILINE | re.DOTALL
)
_ASSIGNED = re.compile(r'^[ \t]*(\w+)=("?)([\w,. -]*)\2[ \t]*;?[ \t]*$', re.MULTILINE)
_WRITTEN = re.compile(r'echo "(\w+)=([\w-]*)" >> \$config_target_mak')
_SOURCED = re.compile(r"^\s*source\s+(\S+)", re.MULTILINE)
_TARGET_FUNCTION = re.compile(
    r"\b(\w+)\s*\(\s*void\s*\)\s*\{\s*return\s+target_info\(\)->(\w+);\s*\}"
)
_TARGET_MEMBER = re.compile(r"^\s*\.(\w+)\s*=\s*(\w+)\s*,", re.MULTILINE)
_TARGET_ARCH = re.compile(
    r"\btarget_arch\s*\(\s*void\s*\)\s*\{.*?^\}", re.DOTALL | re.MULTILINE
)
_SYSTEM_TARGETS = "SYS_EMU_TARGET_"
_SYSTEM_TARGET = re.compile(
    r"^\s*\.target_arch\s*=\s*(?:(?P<value>SYS_EMU_TARGET_\w+)"
    r"|(?P<arch>glue\(\s*SYS_EMU_TARGET_\s*,\s*TARGET_ARCH\s*\)))\s*,",
    re.MULTILINE,
)
_SYMBOL = re.compile(r"^\s*(?:menu)?config\s+(\w+)", re.MULTILINE)
_YES = {
    "target_bigendian": "TARGET_WORDS_BIGENDIAN",
    "target_aligned_only": "TARGET_ALIGNED_ONLY",
    "mttcg": "TARGET_SUPPORTS_MTTCG",
}
"""Shell variables of ``configure`` and the settings that "yes" stands for."""


@dataclass(frozen=True, slots=True)
class TargetConfigurations:
    """Where a release keeps what its targets are, relative to the root.

    ``settings`` is the folder of the targets' ``.mak`` files, empty where ``configure``
    has their settings.  ``devices`` names a target's file of devices, with ``{}`` for the
    target.  ``kconfig`` are the files that minikconf starts at.
    """

    root: Path
    settings: str
    devices: str
    kconfig: tuple[str, ...]

    @property
    def has_meson(self) -> bool:
        """Whether the binaries are described in ``meson.build`` files."""
        return bool(self.settings)

    def names(self) -> tuple[str, ...]:
        """The system targets, sorted."""
        folder = self.root / (self.settings or os.path.dirname(self.devices))
        return tuple(
            sorted(
                name.removesuffix(_SUFFIX)
                for name in os.listdir(folder)
                if name.endswith(_SUFFIX) and RELEASE.has(name.removesuffix(_SUFFIX))
            )
        )

    def place(self, target: str) -> str:
        """The file that has a target's settings."""
        return f"{self.settings}/{target}{_SUFFIX}" if self.settings else "configure"

    def settings_of(self, target: str) -> dict[str, str]:
        """A target's settings; ``TARGET_ARCH`` among them wherever the release has it."""
        text = (self.root / self.place(target)).read_text(encoding="utf-8")
        if not self.settings:
            return _from_configure(text, target)
        own = _makefile(text)
        included: dict[str, str] = {}
        # A fork's targets say in a setting whose others they have: no keyval includes.
        for value in own.values():
            if (
                value.endswith(_SUFFIX)
                and (self.root / self.settings / value).is_file()
            ):
                base = self.root / self.settings / value
                included |= _makefile(base.read_text(encoding="utf-8"))
        return included | own

    def inputs(self, target: str) -> Iterator[Path]:
        """The files that decide a target's settings and devices."""
        yield self.root / self.place(target)
        yield from sorted(
            (self.root / self.devices.format(target)).parent.glob("*.mak")
        )
        yield from kconfig_files(self.root, self.kconfig)

    def symbols(self) -> frozenset[str]:
        """Every symbol that the Kconfig files declare."""
        found: set[str] = set()
        for path in kconfig_files(self.root, self.kconfig):
            if path.is_file():
                found.update(_SYMBOL.findall(path.read_text(encoding="utf-8")))
        return frozenset(found)


def configurations(root: Path) -> TargetConfigurations | None:
    """Where the tree at ``root`` keeps its targets; None if it is none of QEMU's."""
    kconfig: tuple[str, ...] = ("Kconfig",)
    if not (root / "Kconfig").is_file():
        kconfig = ("Kconfig.host", "hw/Kconfig")
    for settings, devices in (
        ("configs/targets", "configs/devices/{}-softmmu/default.mak"),
        ("default-configs/targets", "default-configs/devices/{}-softmmu.mak"),
    ):
        if (root / settings).is_dir() and (root / "meson.build").is_file():
            return TargetConfigurations(root, settings, devices, kconfig)
    old = ("default-configs", "configure", "Makefile.objs", "Makefile.target")
    if all((root / name).exists() for name in old):
        return TargetConfigurations(root, "", "default-configs/{}-softmmu.mak", kconfig)
    return None


def kconfig_files(root: Path, first: tuple[str, ...]) -> Iterator[Path]:
    """The tree's Kconfig files: the first, and what one sources from the other."""
    pending = [str(root / name) for name in first]
    seen = set(pending)
    while pending:
        path = pending.pop()
        yield Path(path)
        try:
            with open(path, encoding="utf-8") as stream:
                text = stream.read()
        except FileNotFoundError:
            continue  # minikconf reports it, with the line that asks for it
        # A relative name starts at the folder of the file that asks for it.
        folder = os.path.dirname(path)
        for name in _SOURCED.findall(text):
            other = os.path.normpath(os.path.join(folder, name.strip('"')))
            if other not in seen:
                seen.add(other)
                pending.append(other)


def _makefile(text: str) -> dict[str, str]:
    """The ``NAME=VALUE`` lines of a ``.mak`` file."""
    out: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.lstrip().startswith("#"):
            out[name.strip()] = value.strip()
    return out


def _from_configure(script: str, target: str) -> dict[str, str]:
    """What ``configure`` writes into ``config-target.mak`` for a target.

    The script is not run: of its ``case "$target_name"`` statements the arm of the target
    is looked at, and in it what is assigned or written in so many words.
    """
    shell = {"TARGET_ARCH": target}
    out: dict[str, str] = {}
    for body in _CASE.findall(script):
        for patterns, commands in _ARM.findall(body):
            if target in patterns.split("|"):
                shell |= {name: text for name, _, text in _ASSIGNED.findall(commands)}
                out |= dict(_WRITTEN.findall(commands))
                break
    out["TARGET_ARCH"] = shell["TARGET_ARCH"]
    out["TARGET_BASE_ARCH"] = shell.get("TARGET_BASE_ARCH") or shell["TARGET_ARCH"]
    out |= {_YES[name]: "y" for name in _YES if shell.get(name) == "yes"}
    return out


def answers(root: Path, target: str, settings: Mapping[str, str]) -> dict[str, int]:
    """What the functions of target-info.c return for a target, by name, as far as the
    release has them and numbers are written down."""
    functions = _text(root / "target-info.c")
    own = _text(root / f"configs/targets/{target}-softmmu.c")
    rows = own or _text(root / "target-info-stub.c")
    members = dict(_TARGET_MEMBER.findall(rows))
    found = {}
    for name, member in _TARGET_FUNCTION.findall(functions):
        value = members.get(member, "")
        value = settings.get(value, value)
        if value.isdecimal():
            found[name] = int(value)
    return found


def system_target(root: Path, target: str, settings: Mapping[str, str]) -> str:
    """What ``target_arch()`` of target-info.c returns for a target, a value of QAPI's
    ``SysEmuTarget`` as C has it; empty where the release has no such function, or gives
    the value in another way than those that are known.

    11.0 has ``TARGET_ARCH`` there (mips64el is ``SYS_EMU_TARGET_MIPS64``), 10.1 and 10.2
    look the target's name up.
    """
    body = _TARGET_ARCH.search(_text(root / "target-info.c"))
    own = _text(root / f"configs/targets/{target}-softmmu.c")
    row = _SYSTEM_TARGET.search(own or _text(root / "target-info-stub.c"))
    if body is None or row is None:
        return ""
    if row["arch"]:
        return f"{_SYSTEM_TARGETS}{settings['TARGET_ARCH'].upper()}"
    if row["value"] != f"{_SYSTEM_TARGETS}_MAX":
        return row["value"]
    return f"{_SYSTEM_TARGETS}{target.upper()}" if "target_name()" in body[0] else ""


def _text(path: Path) -> str:
    """A file's text; empty for one that is missing."""
    if not path.is_file():
        return ""
    return path.read_text(encoding="utf-8", errors="replace")
