"""Which codecs read a stream: the options that say it, and how they are chosen."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping

from vmgen.cli.arguments import WrongUsage
from vmgen.cli.console import Console
from vmgen.cli.stream.common import size_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmgen.stream import Codecs, Stream
    from vmgen.stream.input import Input


class Wanted:
    """The codecs that a command line asks for; ``page_size`` is in bytes, ``none`` says
    that only the stream's own description is to be used.

    Raises WrongUsage for options that exclude each other.
    """

    def __init__(
        self,
        folder: str | None,
        qemu: str | None,
        whole: bool,
        target: str | None,
        page_size: int | None,
        snapshot: str = "",
        max_unpacked: str | None = None,
    ) -> None:
        if qemu is not None and folder is not None:
            raise WrongUsage("--qemu and --codecs exclude each other")
        if whole and qemu is None:
            raise WrongUsage("--all is for --qemu")
        self.none = folder == "none" and not os.path.isdir(folder)
        self.folder = None if self.none else folder
        self.qemu = qemu
        self.whole = whole
        self.target = target
        self.page_size = page_size
        self.snapshot = snapshot
        self.max_unpacked = size_of(max_unpacked)

    @property
    def given(self) -> bool:
        """Whether they were requested at all."""
        return self.folder is not None or self.qemu is not None

    @property
    def words(self) -> str:
        """What was requested, for messages."""
        return self.qemu or self.folder or "no codecs"


def opened(
    file: str,
    console: Console,
    *,
    folder: str | None,
    qemu: str | None,
    whole: bool,
    target: str | None,
    page_size: int | None,
    snapshot: str,
    max_unpacked: str | None,
    no_description: bool,
    members: tuple[str, ...],
) -> Stream:
    """The stream in a file (``-`` is standard input), with the codecs that are requested
    or that fit."""
    from vmgen.stream.stream import Stream

    wanted = Wanted(folder, qemu, whole, target, page_size, snapshot, max_unpacked)
    wanted.none |= no_description
    answers = answered(members)
    source = input_of(file, wanted.snapshot, wanted.max_unpacked)
    codecs, stream = _codecs(source, console, wanted)
    if answers and codecs is not None:
        codecs = told(codecs, answers)
    elif stream is not None and not no_description:
        return stream
    return Stream(
        source, codecs, page_size=page_size, use_description=not no_description
    )


def answered(members: Iterable[str]) -> dict[str, int | str]:
    """What ``--member`` says; WrongUsage where it says nothing."""
    return dict(map(_member, members))


def told(codecs: Codecs, answers: Mapping[str, int | str]) -> Codecs:
    """The codecs with these answers.

    A name without a dot can be that of a member, a device's section, or a C function or
    global: each is requested by its own name only.
    """
    functions = {
        name: value
        for name, value in answers.items()
        if "." not in name and isinstance(value, int)
    }
    return codecs.but(answers, functions=functions)


def input_of(file: str, snapshot: str = "", max_unpacked: int | None = None) -> Input:
    """The file's bytes; ``-`` is standard input, ``FILE@NAME`` one of several streams."""
    from vmgen.stream.input import Input

    source = sys.stdin.buffer if file == "-" else file
    return Input(source, snapshot, max_unpacked=max_unpacked)


def refuse_source(
    folder: str | None, qemu: str | None, target: str | None, console: Console
) -> None:
    """Raises what is wrong with codecs that are requested, whatever the stream is: no
    such release, folder or tree, or none with this target."""
    from pathlib import Path

    from vmgen.cli import shipped
    from vmgen.cli.stream import made, released

    if qemu is not None:
        made.refuse_tree(Path(qemu), target)
    elif folder is None:
        if target is not None:
            released.refuse_unknown(target)
    elif folder not in ("any", "none") and not os.path.isdir(folder):
        if (known := shipped.known(folder)) is None:
            made.of_release(folder, target, console)
        elif target is not None:
            released.refuse_foreign(known, target)


def packages_of(
    source: Input, console: Console, wanted: Wanted
) -> tuple[dict[str, Codecs], Codecs | None]:
    """The codecs by target, and those of the target that was named."""
    if wanted.folder == "any" and not os.path.isdir("any"):
        found = _writer(source, console, wanted)
        return {found.target: found}, found
    packages = _packages(source, console, wanted)
    if wanted.target is None or not packages:
        return packages, None
    if wanted.target not in packages:
        from vmgen.source import Diagnostic, VmgenError

        known = ", ".join(packages)
        message = f"there are no codecs for '{wanted.target}'"
        raise VmgenError(Diagnostic("VG710", message, hint=f"there are: {known}"))
    return packages, packages[wanted.target]


def _by_itself(source: Input) -> Stream:
    """The stream without codecs, of which only its description says where sections end."""
    from vmgen.stream.stream import Stream

    source.finish()
    return Stream(source, strict=False)


def _writer(source: Input, console: Console, wanted: Wanted) -> Codecs:
    """Codecs of the release that wrote a stream, out of those that vmgen knows and of
    those of trees that were read before."""
    from vmgen.cli.stream import made, released
    from vmgen.stream.errors import NoCodecs

    try:
        stream = _by_itself(source)
        releases, alike = released.writers_of(stream, wanted.target, console)
    except NoCodecs:
        releases, alike = {}, {}
    releases = made.every_release(wanted.target, console) | releases
    return _chosen(source, wanted, releases, alike)[0]


def _chosen(
    source: Input,
    wanted: Wanted,
    releases: Mapping[str, Mapping[str, Codecs]],
    alike: Mapping[tuple[str, str], tuple[str, ...]],
) -> tuple[Codecs, Stream]:
    """The codecs that would have written the stream so, with the releases they are of, and
    the stream as these have read it."""
    from vmgen.stream.origin import origin

    found = origin(source, releases, wanted.page_size)
    target = found.codecs.target
    names = tuple(
        name for one in found.releases for name in alike.get((one, target), (one,))
    )
    return found.codecs.but(releases=names), found.stream


def _packages(source: Input, console: Console, wanted: Wanted) -> dict[str, Codecs]:
    """The codecs by target; none if there are none and none were requested."""
    if not wanted.given:
        return {}  # code of a folder runs only for who names the folder
    from vmgen.stream.packages import from_folder

    folder = wanted.folder
    if folder is not None and os.path.isdir(folder):
        _find_functions(folder)
        return from_folder(_named_by_project(folder))
    from pathlib import Path

    from vmgen.cli.stream import made, released

    if wanted.qemu is not None:
        tree, target = Path(wanted.qemu), wanted.target
        targets = (target,) if target else made.likely(tree, source)
        return from_folder(made.from_tree(tree, targets, wanted.whole, console))
    from vmgen.cli import shipped

    if (release := shipped.known(str(wanted.folder))) is not None:
        stream = _by_itself(source)
        places = released.of_archive(release, wanted.target, stream, console)
    else:
        places = made.of_release(str(wanted.folder), wanted.target, console)
    return {name: from_folder(place)[name] for name, place in places.items()}


def _codecs(
    source: Input, console: Console, wanted: Wanted
) -> tuple[Codecs | None, Stream | None]:
    """The codecs that are requested or that fit, and the stream if they have read it."""
    if not wanted.given:
        return _unasked(source, console, wanted)
    packages, chosen = packages_of(source, console, wanted)
    if chosen is not None:
        return chosen, None
    if len(packages) == 1:
        (only,) = packages.values()
        return only, None
    if not packages:
        return None, None
    from vmgen.stream.fingerprint import fingerprint

    found = fingerprint(source, packages, wanted.page_size)
    if found.codecs is None:
        from vmgen.source import Diagnostic, VmgenError

        reasons = "\n".join(f"{name}: {why}" for name, why in found.refusals.items())
        message = f"no target of {wanted.words} fits the stream"
        raise VmgenError(Diagnostic("VG710", message, hint=reasons))
    return found.codecs, found.stream


_UNKNOWN = "vmgen does not know which QEMU saved the stream"
_NAME_IT = "name the release with --release"
_WITHOUT_CPU = f"{_UNKNOWN}: its description has no CPU; {_NAME_IT}"


def _has_section(stream: Stream) -> bool:
    """Whether there is a section behind the header, be it one that no release reads."""
    from vmgen.stream.errors import StreamError
    from vmgen.stream.parts import Section

    try:
        return any(isinstance(part, Section) for part in stream.parts())
    except StreamError as error:
        if error.path:
            return True  # it is in a section, which a release may read
        raise


def _unasked(
    source: Input, console: Console, wanted: Wanted
) -> tuple[Codecs | None, Stream | None]:
    """Codecs of the release that wrote the stream, if vmgen knows it for certain and
    without codecs; and the stream if they have read it."""
    from vmgen.stream.errors import Ambiguous, NoCodecs, StreamError
    from vmgen.stream.stream import Stream

    if wanted.none:
        if wanted.target is not None:
            raise WrongUsage("--target chooses codecs, and no codecs are wanted")
        return None, None
    if wanted.target is not None:
        from vmgen.cli.stream import released

        released.refuse_target(_by_itself(source), wanted.target)
    try:
        stream = _by_itself(source)
        if stream.description is None:
            if not _has_section(stream):
                return None, None  # there is nothing that a release could say more of
            console.message(
                f"{_UNKNOWN}: its description is missing or cut; {_NAME_IT}"
            )
            return None, None
        from vmgen.cli.stream import released

        if (known := released.remembered(source, wanted.target)) is not None:
            codecs, said = known
            if said:
                console.note(said)
            return codecs, None
        releases, alike = released.writers_of(
            stream, wanted.target, console, newest=True
        )
        if not releases:
            console.message(_WITHOUT_CPU)
            return None, None
        try:
            codecs, read = _chosen(source, wanted, releases, alike)
        except NoCodecs:  # the newest did not write it: an older one did
            releases, alike = released.writers_of(stream, wanted.target, console)
            codecs, read = _chosen(source, wanted, releases, alike)
            writers = set(codecs.releases)
            alike = {key: found for key, found in alike.items() if writers & {*found}}
        names = [
            name
            for (_, target), found in alike.items()
            for name in found
            if target == codecs.target
        ]
        said = ""
        if len(alike) > len({target for _, target in alike}):
            listed = released.spans(names)
            said = f"saved by QEMU {listed}; read with the tables of {names[0]}"
            console.note(said)
        codecs = read.codecs = codecs.but(releases=tuple(names))
        released.remember(source, wanted.target, codecs, said)
        return codecs, read
    except (NoCodecs, Ambiguous) as error:
        if wanted.target is not None:
            from vmgen.cli.stream import released

            raise released.not_of(source, wanted.target) from None
        from vmgen.stream.writers import cpu_words

        has_cpu = bool(cpu_words(Stream(source, strict=False)))
        console.message(f"without codecs: {error.message}" if has_cpu else _WITHOUT_CPU)
        return None, None
    except StreamError:
        return None, None  # whoever reads the stream says what is wrong with it


def _find_functions(folder: str) -> None:
    """Let a package that was named find the Python functions of its project's formats:
    in the folder of the pyproject.toml, behind all that is installed."""
    from pathlib import Path

    from vmgen import config

    found = config.find(Path(folder).resolve())
    if found.file is not None and any(one.load for one in found.formats):
        place = str(found.file.parent)
        if place not in sys.path:
            sys.path.append(place)


def _named_by_project(folder: str) -> str:
    """The output folder that the ``[tool.vmgen]`` in this very folder names, if the
    folder is no package itself and has a pyproject.toml; else the folder."""
    is_package = os.path.isfile(os.path.join(folder, "_runtime.py"))
    project = os.path.join(folder, "pyproject.toml")
    if is_package or not os.path.isfile(project):
        return folder
    from pathlib import Path

    from vmgen import config

    found = config.find(Path(folder).resolve())
    here = found.file is not None and os.path.samefile(found.file, project)
    return str(found.output) if here and found.output is not None else folder


def _member(text: str) -> tuple[str, int | str]:
    """A member's number; or the type of the device whose section has that name."""
    name, _, number = text.partition("=")
    try:
        return name.strip(), int(number, 0)
    except ValueError:
        if number.strip() and "." not in name:
            return name.strip(), number.strip()
        raise WrongUsage(
            f"--member {text}: it is TYPE.MEMBER=NUMBER or SECTION=DEVICE"
        ) from None
