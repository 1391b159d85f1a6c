"""What expressions of a build description evaluate to.

Meson's strings, numbers, truth values, lists and dictionaries are Python's own.  The
classes here stand for its other objects, with just what decides which C file becomes
part of which binary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from vmgen.source import Position

Value: TypeAlias = Any
"""``str``, ``int``, ``bool``, ``list``, ``dict``, None (no value), or a class below."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only a configured build has; ``reason`` says which.

    ``external`` says that it comes from outside of the tree (another build system, a
    subproject, the compiler): as a library it brings none of the tree's files.
    ``where`` is the line that took it in as a source, which matters to the targets only
    that select it.
    """

    reason: str
    external: bool = False
    where: Position | None = None


class Makefile(dict[str, Value]):
    """``config-host.mak``: keys that are not known to be there are missing, and their
    values :class:`Unknown`."""


class AllTargets(dict[str, str]):
    """The devices of every target together, as a distribution builds them: some target
    has whatever is requested.  The keys are the one target's own."""

    def __contains__(self, key: object) -> bool:
        return True

    def get(self, key: str, default: object = None) -> str:
        """Every symbol is set."""
        return "y"


@dataclass(frozen=True, slots=True)
class File:
    """A file of the tree; ``path`` is relative to its root."""

    path: str


@dataclass(frozen=True, slots=True)
class Generated:
    """Something a build makes (``custom_target``, ``configure_file``): no C of the
    tree's own."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """What ``run_command()`` returns where the tree alone decides it."""

    text: str


@dataclass(frozen=True, slots=True)
class MesonModule:
    """What ``import()`` returns."""

    name: str


@dataclass(frozen=True, slots=True)
class Feature:
    """The value of an option of type ``feature``: enabled, disabled or auto."""

    state: str


@dataclass(frozen=True, slots=True)
class IncludeFolders:
    """``include_directories()``: folders of the tree, relative to its root."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Objects:
    """Object files: ``files`` for sure, ``archives`` where the linker needs them.

    ``include_dirs`` are the folders of the tree that the libraries of ``files`` name for
    their headers.
    """

    files: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()
    include_dirs: tuple[str, ...] = ()

    def __add__(self, other: Objects) -> Objects:
        return joined((self, other))


NO_OBJECTS = Objects()


def joined(parts: Iterable[Objects]) -> Objects:
    """All of them, each file once, in the order of their first mention."""
    files: dict[str, None] = {}
    archives: dict[str, None] = {}
    include_dirs: dict[str, None] = {}
    for part in parts:
        files.update(dict.fromkeys(part.files))
        archives.update(dict.fromkeys(part.archives))
        include_dirs.update(dict.fromkeys(part.include_dirs))
    return Objects(tuple(files), tuple(archives), tuple(include_dirs))


@dataclass(frozen=True, slots=True)
class Dependency:
    """``dependency()``, ``declare_dependency()``, ``cc.find_library()``.

    ``objects`` is what a binary gets that depends on it.
    """

    name: str
    found: bool = True
    objects: Objects = NO_OBJECTS


@dataclass(frozen=True, slots=True)
class Library:
    """``static_library()`` and the like.

    ``own`` are its sources and objects, ``needs`` what its dependencies bring.
    """

    name: str
    own: Objects
    needs: Objects = NO_OBJECTS

    @property
    def as_archive(self) -> Objects:
        """What ``link_with`` brings: members are linked as symbols ask for them."""
        names = (*self.own.files, *self.own.archives, *self.needs.files)
        return Objects((), (*names, *self.needs.archives))

    @property
    def as_whole(self) -> Objects:
        """What ``link_whole`` brings."""
        return joined((self.own, self.needs))


@dataclass(slots=True)
class ConfigurationData:
    """``configuration_data()``."""

    values: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Selected:
    """What ``SourceSet.apply`` returns."""

    sources: tuple[Value, ...]
    dependencies: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``add`` or ``add_all``: if every key is set and every dependency is found,
    ``sources``, ``dependencies`` and ``sets``, else ``otherwise``.

    Where one of the conditions is unknown, so are the sources, unless another fails.
    """

    keys: tuple[str, ...] = ()
    conditions: tuple[Dependency, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    sources: tuple[Value, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    sets: tuple[SourceSet, ...] = ()
    otherwise: tuple[Value, ...] = ()


@dataclass(slots=True, eq=False)
class SourceSet:
    """``sourceset.source_set()``."""

    rules: list[Rule] = field(default_factory=list)

    def apply(self, configuration: Mapping[str, Value] | None) -> Selected:
        """The sources and dependencies that a configuration selects.

        None selects everything (``all_sources``, ``all_dependencies``).
        """
        sources: dict[Value, None] = {}
        dependencies: dict[Value, None] = {}
        self._collect(configuration, sources, dependencies)
        return Selected(tuple(sources), tuple(dependencies))

    def _collect(
        self,
        configuration: Mapping[str, Value] | None,
        sources: dict[Value, None],
        dependencies: dict[Value, None],
    ) -> None:
        for rule in self.rules:
            holds = all(one.found for one in rule.conditions) and (
                configuration is None or all(map(configuration.get, rule.keys))
            )
            if holds and rule.unknown and configuration is not None:
                sources[rule.unknown[0]] = None
            elif holds:
                sources.update(dict.fromkeys(rule.sources))
                dependencies.update(dict.fromkeys(rule.dependencies))
                dependencies.update(dict.fromkeys(rule.conditions))
                for one in rule.sets:
                    one._collect(configuration, sources, dependencies)
            if not holds or configuration is None:
                sources.update(dict.fromkeys(rule.otherwise))


def flattened(values: Sequence[Value]) -> list[Value]:
    """Lists inside of lists undone, as meson does with the arguments of a function."""
    out: list[Value] = []
    for value in values:
        if isinstance(value, list | tuple):
            out += flattened(value)
        else:
            out.append(value)
    return out
