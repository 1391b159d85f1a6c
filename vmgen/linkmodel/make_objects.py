"""Which C files a target's binary is made of, in the trees up to 5.1: ``Makefile.objs``.

``Makefile.target`` is followed as make would follow it for one target; where it calls
``unnest-vars`` of ``rules.mak``, folders among the objects are replaced by what their own
``Makefile.objs`` names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from vmgen.linkmodel import host
from vmgen.linkmodel.interpreter import BUILD_HINT
from vmgen.linkmodel.make import Make
from vmgen.linkmodel.values import Objects
from vmgen.source import Diagnostic, Position, VmgenError
from vmgen.tree import SourceTree

_ARCHIVED = ("stub-obj-y", "util-obj-y")
"""What ``libqemuutil.a`` is made of (the main Makefile)."""


def objects(
    tree: SourceTree, macros: Mapping[str, str], target: Mapping[str, str]
) -> Objects:
    """The C files of the binary of the tree's target.

    ``macros`` are those of config-host.h, ``target`` what config-target.mak and
    config-devices.mak set.  Raises :class:`VmgenError`: VG121 for a make file that cannot
    be read, VG122 where none makes the binary.
    """
    variables = {name: "y" for name, value in macros.items() if value == "1"}
    variables |= {"SRC_PATH": ".", "BUILD_DIR": "..", "ARCH": host.CPU}
    binary = _Folders(tree, {**variables, **target, "CONFIG_SOFTMMU": "y"})
    binary.read("Makefile.target")
    name = f"qemu-system-{tree.target}"
    made = binary.make.rules.get(name)
    if made is None:
        raise VmgenError(
            Diagnostic(
                "VG122",
                f"the build description makes no {name}",
                Position("Makefile.target"),
                hint=BUILD_HINT,
            )
        )
    archive = _Folders(tree, {**variables, "CONFIG_SOFTMMU": "y", "CONFIG_TOOLS": "y"})
    archive.read("Makefile.objs")
    archive.unnest(_ARCHIVED)
    members = [one for name in _ARCHIVED for one in archive.make.value(name)]
    return Objects(_sources(tree, made), _sources(tree, members))


def _sources(tree: SourceTree, names: Sequence[str]) -> tuple[str, ...]:
    """The C files of the tree that these objects are made from; others are generated."""
    found = []
    for name in names:
        stem, suffix = os.path.splitext(os.path.normpath(name.replace("../", "")))
        if suffix == ".o" and (tree.root / f"{stem}.c").is_file():
            found.append(f"{stem}.c")
    return tuple(dict.fromkeys(found))


class _Folders:
    """``unnest-vars``: variables that name objects and folders.

    A folder's ``Makefile.objs`` is read once for each variable that names the folder, and
    only what it says of that variable counts then.
    """

    def __init__(self, tree: SourceTree, variables: Mapping[str, str]) -> None:
        self._root = tree.root
        self._members: dict[str, list[str]] = {}
        self.make = Make(
            variables,
            self._text,
            {"unnest-vars": lambda arguments: self.unnest(arguments[-1].split())},
        )

    def read(self, name: str) -> None:
        """Follows a make file of the tree."""
        text = self._text(name)
        if text is not None:
            self.make.read(text, name)

    def unnest(self, names: Sequence[str]) -> str:
        """Puts the objects in the place of the folders, in each of these variables."""
        variables = self.make.variables
        found = {
            name: self._below(name, names, self.make.value(name)) for name in names
        }
        variables |= dict.fromkeys(names, "")
        for name, each in found.items():
            flat = [member for one in each for member in self._members.get(one, [one])]
            # Without loadable modules, what would be in one is in the binary.
            base = f"{name[:-2]}-y" if name.endswith("-m") else name
            variables[base] = f"{variables.get(base, '')} {' '.join(flat)}".strip()
        return ""

    def _below(
        self, name: str, group: Sequence[str], words: Sequence[str]
    ) -> list[str]:
        out = [word for word in words if not word.endswith("/")]
        for folder in sorted({word for word in words if word.endswith("/")}):
            # A folder of a folder is one further down, so that this has an end.
            said = self._said(name, group, folder.rstrip("/"))
            out += self._below(name, group, said)
        return out

    def _said(self, name: str, group: Sequence[str], folder: str) -> list[str]:
        """What a folder's file says of the variable, seen from the root."""
        variables = self.make.variables
        outer = {one: variables.get(one, "") for one in group}
        variables |= dict.fromkeys(group, "")
        variables["obj"] = folder
        self.read(f"{folder}/Makefile.objs")
        said = self.make.value(name)
        for word in said:
            members = self.make.value(f"{word}-objs")
            if members:
                variables[f"{word}-objs"] = ""
                self._members[f"{folder}/{word}"] = [
                    f"{folder}/{member}" for member in members
                ]
        variables |= outer
        return [f"{folder}/{word}" for word in said]

    def _text(self, name: str) -> str | None:
        """A make file of the tree; None for one that a build makes."""
        path = os.path.normpath(name)
        if path.startswith(("..", "/")) or not (self._root / path).is_file():
            return None
        return (self._root / path).read_text(encoding="utf-8", errors="replace")
