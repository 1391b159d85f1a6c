"""Generated codecs: asked for a section, and what they make of it as plain values."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping

from vmgen.stream.errors import Question, Refused, StreamError, Truncated
from vmgen.stream.meta import Meta, read_meta
from vmgen.stream.wire import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from vmgen.stream.answers import Answers
    from vmgen.stream.codec import Codec


class Codecs:
    """The codecs of one target.

    ``members`` and ``functions`` answer what the bytes leave open, as the ``Context`` of
    generated code does.  ``alternatives`` are other targets that would read the stream at
    hand just the same.  ``folder`` is that of the target in the package, None for codecs
    that come from elsewhere.  ``codecs`` may be what makes the mapping: a package has many
    targets, and a stream is of one.
    ``releases`` are those that can have written the stream, where the caller wanted to know.
    """

    def __init__(
        self,
        codecs: Mapping[str, Codec] | Callable[[], Mapping[str, Codec]],
        target: str = "",
        members: Mapping[str, Any] | None = None,
        functions: Mapping[str, Any] | None = None,
        alternatives: tuple[str, ...] = (),
        folder: str | os.PathLike[str] | None = None,
        releases: tuple[str, ...] = (),
    ) -> None:
        self._codecs = codecs
        self.target = target
        self.members = members or {}
        self.functions = functions or {}
        self.alternatives = alternatives
        self._folder = folder
        self.releases = releases
        self._meta: Meta | None = None
        self._machine: Callable[[Codec, str], Answers] | None = None

    @property
    def codecs(self) -> Mapping[str, Codec]:
        """By wire name; NoCodecs if they were to be imported and cannot be."""
        if not isinstance(self._codecs, Mapping):
            self._codecs = self._codecs()
        return self._codecs

    @property
    def folder(self) -> Path | None:
        """The target's folder in its package."""
        if self._folder is None:
            return None
        from pathlib import Path

        return Path(self._folder)

    @property
    def meta(self) -> Meta:
        """What its package says of the target without being imported; nothing where it
        says nothing."""
        if self._meta is None:
            self._meta = read_meta(self._folder)
        return self._meta

    def but(
        self,
        members: Mapping[str, Any] | None = None,
        alternatives: tuple[str, ...] = (),
        functions: Mapping[str, Any] | None = None,
        releases: tuple[str, ...] = (),
    ) -> Codecs:
        """The same codecs with further answers, or with other alternatives."""
        return Codecs(
            self._codecs,
            self.target,
            {**self.members, **(members or {})},
            {**self.functions, **(functions or {})},
            alternatives or self.alternatives,
            self._folder,
            releases or self.releases,
        )

    def on(self, machine: Callable[[Codec, str], Answers]) -> Codecs:
        """The same codecs, answered by a machine: by the codec and the section's path."""
        made = self.but()
        made._machine = machine
        return made

    def get(
        self, name: str, description: Mapping[str, Any] | None = None
    ) -> Codec | None:
        """The codec for a section's name, with or without a device path before it.

        ``description`` is the section's entry in the JSON, which may tell devices apart
        whose sections have one name; ``members`` has the device's type by that name
        otherwise.  Raises Refused where nothing tells.
        """
        choose = getattr(self.codecs, "choose", None)
        if choose is not None:
            try:
                codec: Codec = choose(name, description, self.members)
            except KeyError:
                return None
            except self.codecs.error as error:  # type: ignore[attr-defined]
                raise _stream_error(error, name, None) from None
            return codec
        while True:
            if name in self.codecs:
                return self.codecs[name]
            _, slash, name = name.partition("/")
            if not slash:
                return None

    @property
    def page_size(self) -> int | None:
        """The target's smallest page size in bytes, where its codecs know it."""
        bits = self.meta.page_bits
        if self._folder is None:
            bits = getattr(self.codecs, "page_bits", None)
        return None if bits is None else 1 << bits

    def load(
        self,
        codec: Codec,
        view: memoryview,
        pos: int,
        version: int,
        path: str,
        description: Mapping[str, Any] | None = None,
        answers: Answers | None = None,
    ) -> tuple[Any, int]:
        """A section's state and the end of its bytes.

        ``answers`` stand in for those of these codecs. Raises Truncated, or Refused for
        what the codec does not take.
        """
        if answers is None and self._machine is not None:
            answers = self._machine(codec, path)
        given: Answers | Codecs = self if answers is None else answers
        context = codec.context(given.members, given.functions, description)
        try:
            state, end = codec.load(view, pos, version, context=context)
        except codec.error as error:
            raise _stream_error(error, path, pos) from None
        return state, int(end)

    def save(self, codec: Codec, state: Any, version: int, path: str) -> bytes:
        """A state's bytes; Refused if it cannot be saved."""
        try:
            made = codec.save(state, version)
        except codec.error as error:
            raise _stream_error(error, path, None) from None
        return bytes(made)


def _stream_error(error: Any, path: str, pos: int | None) -> StreamError:
    """What a codec raised, about the section at ``path`` whose body is at ``pos``."""
    where = " ".join(
        part for part in ("/".join(error.sections[1:]), error.member) if part
    )
    full = f"{path} {where}" if where else path
    offset = error.offset if error.offset is not None else pos
    if error.rule == "truncated":
        return Truncated(error.message, offset, full)
    refused = Refused(error.message, offset, full)
    refused.rule = error.rule
    if error.rule == "version-window":
        refused.hint = "take the codecs of the release that wrote the stream"
    elif error.rule == "context":
        text = f"{error.message} ({full})"
        question = Question(error.kind, error.key, text, tuple(error.candidates))
        refused.question, refused.hint = question, question.hint
    return refused


# --- states as plain values -----------------------------------------------------------


def is_state(value: object) -> bool:
    """Whether this is an object of a generated state class."""
    return hasattr(type(value), "__vmstate_members__")


def members(state: Any) -> Iterator[str]:
    """The names of a state's members, in stream order."""
    yield from type(state).__vmstate_members__()


def field(state: Any, name: str) -> Any:
    """What a member is in C and on the wire (``Field`` of the generated package); None if
    the state has no such member."""
    cls = type(state)
    return cls.__vmstate_field__(name) if name in cls.__vmstate_members__() else None


def plain(value: Any) -> Any:
    """A state as dicts, lists, arrays, bytes and numbers; None for what is absent."""
    cls = type(value)
    if cls in _AS_IT_IS:
        return value
    if cls is list or cls is tuple:
        return [one if type(one) in _AS_IT_IS else plain(one) for one in value]
    if is_state(value):
        return {name: plain(getattr(value, name)) for name in members(value)}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    return value


_AS_IT_IS = frozenset([int, bool, str, bytes, type(None), array])
"""Most of what is in states: tens of thousands of values in a stream."""


def named(codec: Codec) -> str:
    """A codec for messages: name and versions."""
    low, high = codec.minimum_version_id, codec.version_id
    window = f"{high}" if low == high else f"{low} to {high}"
    return f"{printable(codec.name)} (version {window})"
