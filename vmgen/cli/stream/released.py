"""Codecs of the releases that vmgen knows, and which of these can have written a stream.

They are made of the archive for the sections of a stream, and kept in the cache folder under
the contents of the archive; so is what was found about a stream.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from vmgen.cache import Cache, hashed
from vmgen.cli.console import Console
from vmgen.cli.stream.maker import this_vmgen

if TYPE_CHECKING:
    from types import CodeType

    from vmgen import ir
    from vmgen.archive import Archive, Release
    from vmgen.cli.shipped import Targets
    from vmgen.known.processor_models import Models
    from vmgen.known.processor_side import ProcessorSide
    from vmgen.lookup import Lookup, Placed
    from vmgen.plan import Package
    from vmgen.stream import Codecs, Stream
    from vmgen.stream.errors import NoCodecs
    from vmgen.stream.input import Input
    from vmgen.verdict.model import Outcome

_MOST_HASHED = 1 << 26
"""The bytes of the largest stream that is remembered: some 50 ms."""


def of_archive(
    targets: Targets, target: str | None, stream: Stream, console: Console
) -> dict[str, Path]:
    """The folders of a release that vmgen knows, by target: of the one named, else of
    those whose CPU the stream's description has.

    They have the codecs of the sections that the stream has, as it is read without
    codecs and not strictly; of all where only codecs tell which it has.
    """
    from vmgen.cli.stream.made import MOST_TARGETS, no_target
    from vmgen.stream.writers import every_name, targets_of

    sections = every_name(stream)
    stream.require_header()
    wanted: tuple[str, ...] = (target,) if target else ()
    wanted = wanted or targets_of(targets.archive, targets.release, stream)
    if not target and not 0 < len(wanted) <= MOST_TARGETS:
        raise no_target(wanted)
    release = targets.release
    maker = this_vmgen()
    found = {}
    for one in wanted:
        refuse_foreign(targets, one)

        def make(one: str = one) -> dict[str, str | bytes]:
            from vmgen.lower import lower
            from vmgen.stream.tables import SECTIONS

            with console.working():
                console.progress(f"codecs of QEMU {release.name} {one}")
                program = targets.archive.for_codecs(release, one, sections)
                package = lower(program, bare=True)
                beside = {f"{package.folder}/{SECTIONS}": json.dumps(sections)}
                return {**_compiled(package), **beside}

        parts = (targets.archive.content, release.name, one, repr(sections), maker)
        folder = Cache.of("shipped").folder_of(hashed(parts)[:24], make)
        found[one] = folder / one
    return found


def _compiled(package: Package) -> dict[str, str | bytes]:
    """The files of a package that no one reads: its code in one of them."""
    from importlib.machinery import SourceFileLoader

    from vmgen.render import emitted, render
    from vmgen.stream import compiled

    codes: dict[str, CodeType] = {}
    files: dict[str, str | bytes] = {}
    for path, place in emitted(package).items():
        # Python keeps the code of vmgen's own files.
        code = SourceFileLoader(place.stem, str(place)).get_code(place.stem)
        assert code is not None  # a file has code
        codes[path] = code
    for file in render(package, formatted=False, runtime=False):
        if file.path.endswith(".py"):
            codes[file.path] = compile(file.text, file.path, "exec", dont_inherit=True)
        else:
            files[file.path] = file.text
    return {compiled.FILE: compiled.packed(codes), **files}


def writers_of(
    stream: Stream,
    target: str | None,
    console: Console,
    *,
    newest: bool = False,
) -> tuple[dict[str, dict[str, Codecs]], dict[tuple[str, str], tuple[str, ...]]]:
    """Codecs by release and target of every release that vmgen knows and that can have
    written the stream (read without codecs, not strictly), by its description; and for each
    of these the releases whose tables of the stream's sections are the same, itself among
    them.

    With ``newest`` only the newest release of all has codecs.  Targets whose tables of the
    stream's sections are the same are one, with the others as its alternatives.  Nothing where the stream
    has no description of a CPU; NoCodecs if none of them fits.
    """
    from vmgen import archive
    from vmgen.cli.shipped import Targets
    from vmgen.stream.packages import from_folder
    from vmgen.stream.writers import every_name

    there = archive.shipped()
    if there is None:
        return {}, {}
    found: dict[str, dict[str, Codecs]] = {}
    alike: dict[tuple[str, str], tuple[str, ...]] = {}
    sections = every_name(stream)

    def alike_in(release: Release, one: str, other: str) -> bool:
        return sections is not None and not there.differing(
            release, one, other, sections
        )

    for one, names in _writers(there, stream, target):
        release = there.find(names[0])
        assert release is not None  # the archive has named it
        alike[release.name, one] = names
        if newest and found and release.name not in found:
            continue
        others = found.setdefault(release.name, {})
        same = next((each for each in others if alike_in(release, one, each)), None)
        if same is not None:
            known = others[same]
            alternatives = (*known.alternatives, one)
            others[same] = known.but(alternatives=alternatives)
            continue
        places = of_archive(Targets(there, release), one, stream, console)
        packages = {name: from_folder(place)[name] for name, place in places.items()}
        others.update(packages)
    return found, alike


def refuse_foreign(targets: Targets, target: str) -> None:
    """Raises VG710 where a release has no such target."""
    if target not in targets:
        message = f"QEMU {targets.release.name} has no target '{target}'"
        known = ", ".join(targets)
        from vmgen.source import Diagnostic, VmgenError

        raise VmgenError(Diagnostic("VG710", message, hint=f"there are: {known}"))


def refuse_unknown(target: str) -> None:
    """Raises VG710 where no release has such a target."""
    from vmgen import archive
    from vmgen.stream.errors import NoCodecs

    there = archive.shipped()
    if there is None:
        return
    known = sorted({one for release in there.releases for one in release.targets})
    if target not in known:
        message = f"no release that vmgen knows has a target '{target}'"
        raise NoCodecs(message, hint=f"there are: {', '.join(known)}")


def refuse_target(stream: Stream, target: str) -> None:
    """Raises VG710 where no release has such a target, and where nothing in the stream
    tells which release of the target wrote it."""
    from vmgen.stream.errors import NoCodecs

    refuse_unknown(target)
    if stream.description is None:
        stream.require_header()
        message = "nothing in the stream says which release wrote it"
        raise NoCodecs(message, hint="give it, too: --release 10.0, for instance")


def not_of(source: Input, target: str) -> NoCodecs:
    """VG710 for a stream that no release wrote for this target."""
    from vmgen import archive
    from vmgen.stream import Stream
    from vmgen.stream.errors import NoCodecs
    from vmgen.stream.writers import targets_of

    there = archive.shipped()
    stream = Stream(source, strict=False)
    likely = () if there is None else targets_of(there, there.releases[-1], stream)
    if likely and target not in likely:
        whose = " or ".join(likely)
        return NoCodecs(f"the stream is not of {target}: its CPU is one of {whose}")
    return NoCodecs(
        f"no release that vmgen knows wrote the stream for {target}",
        hint="give its codecs with --release or --qemu TREE, or leave --target out: the "
        "stream's own description is then read",
    )


def spans(names: Sequence[str]) -> str:
    """Releases as text, the oldest first: ``7.2.22, 10.0.0 to 11.0.0``.

    Three and more that follow each other in the archive are a span.
    """
    from vmgen import archive
    from vmgen.cli.shipped import order

    there = archive.shipped()
    known = [] if there is None else [one.name for one in there.releases]
    known = sorted({*known, *names}, key=order)
    runs: list[list[str]] = []
    for name in sorted(names, key=order):
        if runs and known.index(name) == known.index(runs[-1][-1]) + 1:
            runs[-1].append(name)
        else:
            runs.append([name])
    words = []
    for run in runs:
        words += run if len(run) < 3 else [f"{run[0]} to {run[-1]}"]
    return " or ".join(words) if len(names) < 3 else ", ".join(words)


def remembered(source: Input, target: str | None) -> tuple[Codecs, str] | None:
    """The codecs that the same bytes were read with before by the same vmgen, and what
    was said then; None where they never were, or the codecs are gone."""
    from vmgen.stream.packages import from_folder

    name = _of_stream(source, target)
    text = Cache.of("writers").text(name) if name else None
    if text is None:
        return None
    known = json.loads(text)
    packages = Cache.of("shipped")
    if packages.folder is None or not packages.has_folder(known["package"]):
        return None
    one = known["target"]
    codecs = from_folder(packages.folder / known["package"] / one)[one]
    found = codecs.but(
        alternatives=tuple(known["alternatives"]), releases=tuple(known["releases"])
    )
    return found, known["said"]


def remember(source: Input, target: str | None, codecs: Codecs, said: str) -> None:
    """Keep which codecs a stream is read with, and what was said about them."""
    name, folder = _of_stream(source, target), codecs.folder
    if not name or folder is None:
        return
    memory = Cache.of("writers")
    known = {
        "package": folder.parent.name,
        "target": codecs.target,
        "alternatives": codecs.alternatives,
        "releases": codecs.releases,
        "said": said,
    }
    memory.keep(name, json.dumps(known))


def _of_stream(source: Input, target: str | None) -> str:
    """The name under which a stream is remembered; empty for one that takes longer to
    hash than to read."""
    if len(source.view) > _MOST_HASHED:
        return ""
    content = hashlib.sha256(source.view).hexdigest()
    return f"{hashed((content, target or '', this_vmgen()))[:24]}.stream.json"


def saved_alike(
    source: Input, codecs: Codecs, lookup: Lookup, tables: Sequence[Placed]
) -> frozenset[str]:
    """The symbols of those tables that every release that vmgen knows and that can have
    written the stream, by its description, saves as they are loaded.

    All of them where the release of the ``codecs``, whose tables these are, can have
    written the stream itself, or where vmgen knows no release that can and that one
    can.  None where the stream has no description.
    """
    from vmgen import archive
    from vmgen.stream import Stream
    from vmgen.stream.errors import StreamError
    from vmgen.stream.origin import refuse_writer
    from vmgen.stream.writers import section_names

    there, release = archive.shipped(), lookup.program.release
    alike = frozenset(one.description.symbol for one in tables)
    stream = Stream(source, strict=False)
    found = _possible(there, stream, codecs.target)
    if release in {name for _, names in found for name in names}:
        return alike
    if there is None or not found:
        if stream.description is None:
            return frozenset()
        try:
            refuse_writer(release, Stream(source, codecs, strict=False))
        except StreamError:
            return frozenset()
        return alike
    keys = tuple((one.module.file, one.description.symbol) for one in tables)
    sections = frozenset(section_names(stream))
    machine = "" if stream.configuration is None else str(stream.configuration.machine)
    for each, names in found:
        writer = there.find(names[0])
        assert writer is not None  # the archive has named it
        alike &= _saved_alike(there, writer, each, sections, lookup, keys, machine)
    return alike


def _possible(
    there: Archive | None, stream: Stream, target: str
) -> list[tuple[str, tuple[str, ...]]]:
    """As :func:`_writers` has them; none where no release that vmgen knows can have
    written the stream."""
    from vmgen.stream.errors import StreamError

    try:
        return [] if there is None else _writers(there, stream, target)
    except StreamError:
        return []


def same_model(source: Input, codecs: Codecs, version: int, reader: Models) -> bool:
    """Whether a guest with this version of a PowerPC processor, started with the options
    that it had, has it with the models of the ``reader``, too: by every release that vmgen
    knows and that can have written the stream, by its description.

    It has where vmgen knows none that can, and nothing says that the release of the
    ``codecs`` cannot.
    """
    from vmgen import archive
    from vmgen.known.processor_models import models_of, stays
    from vmgen.stream import Stream, tables
    from vmgen.stream.errors import StreamError
    from vmgen.stream.origin import refuse_writer

    there = archive.shipped()
    stream = Stream(source, strict=False)
    found = _possible(there, stream, codecs.target)
    if there is None or not found:
        known = tables.of(codecs)
        try:
            release = "" if known is None else known.release
            refuse_writer(release, Stream(source, codecs, strict=False))
        except StreamError:
            return False
        return True
    known = tables.of(codecs)
    loads = None if known is None else _started(known.lookup.program, stream, reader)
    for target, names in found:
        for name in names:
            writer = there.find(name)
            assert writer is not None  # the archive has named it
            program = there.program(writer, target, frozenset({"cpu"}))
            models = models_of(program.premises)
            if models is not None:
                started = _started(program, stream, models), loads
                if not stays(version, models, reader, started):
                    return False
    return True


def _started(program: ir.Program, stream: Stream, models: Models) -> int | None:
    """The processor version that the stream's machine type has without ``-cpu`` in a
    release; None if it is not known."""
    from vmgen.known.processor_models import model_of
    from vmgen.stream.machine import type_in

    machine = type_in(program, stream)
    return None if machine is None else models.versions.get(model_of(machine))


def processors(source: Input, target: str) -> tuple[ProcessorSide, ...]:
    """The processors of each release that vmgen knows and that can have written a stream;
    none if there is no such release."""
    from vmgen import archive
    from vmgen.stream import Stream

    there = archive.shipped()
    if there is None:
        return ()
    return tuple(
        _processors(there, writer, each)
        for each, names in _possible(there, Stream(source, strict=False), target)
        for name in names
        if (writer := there.find(name)) is not None
    )


def with_processor(source: Input, several: Sequence[Codecs]) -> tuple[Codecs, ...]:
    """Of codecs of several targets those of a target that has a processor which can have
    saved the system registers of an Arm stream; all where there is no such target."""
    from vmgen.stream import Stream
    from vmgen.stream.listed import values_of

    several = tuple(several)
    if len(several) < 2:
        return several
    values = values_of(Stream(source, strict=False))
    if values is None:
        return several
    having = tuple(
        one
        for one in several
        if any(side.having(values) for side in processors(source, one.target))
    )
    return having or several


@lru_cache(maxsize=64)
def _processors(archive: Archive, writer: Release, target: str) -> ProcessorSide:
    from vmgen.known.processor_side import ProcessorSide

    return ProcessorSide(archive.program(writer, target, frozenset({"cpu"})))


@lru_cache(maxsize=64)
def _saved_alike(
    archive: Archive,
    writer: Release,
    target: str,
    sections: frozenset[str],
    lookup: Lookup,
    keys: tuple[tuple[str, str], ...],
    machine: str,
) -> frozenset[str]:
    """The symbols of those tables (file, symbol) of a lookup that a release saves as they
    are loaded by a machine of this type: the same for all streams of a fleet that have
    these sections."""
    from vmgen.lookup import Lookup
    from vmgen.stream.properties import StreamProperties
    from vmgen.verdict import judge

    tables = [placed for key in keys if (placed := lookup.at(*key)) is not None]
    symbols = {symbol for _, symbol in keys}
    other = Lookup(archive.program(writer, target, sections))
    theirs = [one for one in other.all() if one.description.symbol in symbols]
    saved, loaded = StreamProperties(other, machine), StreamProperties(lookup, machine)
    judged = [
        section
        for one in tables
        for section in judge(
            saved.settled(
                *(o for o in theirs if o.description.symbol == one.description.symbol)
            ),
            loaded.settled(one),
        ).sections
    ]
    return frozenset(one.new for one in judged if one.old and _is_alike(one.forward))


def _is_alike(saved: Outcome) -> bool:
    """Whether what was saved says all that the reader asks for.  A subsection that the
    reader does not know, or not in this version, is among the bytes or is not: they
    are read in any case.  Of arrays whose elements memory decides, the codecs ask."""
    kinds = {one.kind for one in saved.findings}
    seen = bool(kinds) and kinds <= {
        "subsection-missing",
        "subsection-version",
        "beside",
    }
    return saved.verdict == "compatible" or seen


def _writers(
    archive: Archive, stream: Stream, target: str | None
) -> list[tuple[str, tuple[str, ...]]]:
    """The targets and releases (the newest first) that can have written the stream; those
    of a description that was seen before are remembered."""
    from vmgen.stream.errors import NoCodecs
    from vmgen.stream.writers import writers

    document = stream.description
    if document is None:
        return []
    described = hashlib.sha256(document.text).hexdigest()
    parts = described, repr(stream.configuration), target or "", archive.content
    memory, name = Cache.of("writers"), hashed((*parts, this_vmgen()))[:24]
    if (text := memory.text(f"{name}.json")) is not None:
        return [(one, tuple(names)) for one, names in json.loads(text)]
    likely = writers(archive, stream, target)
    if likely.refusals and not likely.writers:
        hint = "\n".join(f"{one}: {why}" for one, why in likely.refusals.items())
        raise NoCodecs("none of the releases that vmgen knows wrote it", hint=hint)
    found = [
        (one.target, tuple(each.name for each in reversed(one.releases)))
        for one in likely.writers
    ]
    memory.keep(f"{name}.json", json.dumps(found))
    memory.forget_old()
    return found
