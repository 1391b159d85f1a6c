"""Why a stream could not be read, edited or written."""

from __future__ import annotations

from vmgen.stream.frozen import Frozen


class Question(Frozen):
    """What a codec would have to know to read a section.

    ``key`` is the name that an answer goes by: that of a ``member`` or a ``function``, or
    of a ``device`` whose type is one of ``candidates``.  A ``description`` (of the stream's
    own) is a question that you cannot answer by hand.  ``text`` says where it is needed, in words.
    """

    kind: str
    key: str
    text: str
    candidates: tuple[str, ...] = ()

    @property
    def hint(self) -> str:
        """How vmgen stream takes the answer."""
        match self.kind:
            case "device":
                return f"name the device's type: --member {self.key}=TYPE"
            case "description":
                return "a stream with its description JSON has the size"
        return f"give the answer: --member {self.key}=VALUE"


class StreamError(Exception):
    """Base of everything this library raises about a stream.

    ``path`` says what it is about (``cpu/0``, ``cpu/0 env.gpr``, ``ram pc.ram``), empty for
    the stream itself; ``offset`` is the byte offset in the stream, None where there is
    none; ``hint`` says what can be done.  ``code`` is stable and is in the docs.
    ``rule`` names the rule of QEMU's that is broken (``version-window``, ...), empty where
    it is not one of those that tell releases apart.  ``question`` is what a codec needs to
    know, where the rule is ``context``.
    """

    code = "VG700"
    rule = ""
    question: Question | None = None

    def __init__(
        self, message: str, offset: int | None = None, path: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, offset, path, hint)
        self.message = message
        self.offset = offset
        self.path = path
        self.hint = hint

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        at = "" if self.offset is None else f" (at byte {self.offset:#x})"
        return f"{where}{self.message}{at}"


class NotAStream(StreamError):
    """The magic is not QEMU's, or its version is not 3."""

    code = "VG701"


class Truncated(StreamError):
    """The stream ends inside of something."""

    code = "VG702"


class DescriptionCut(Truncated):
    """The stream ends inside of its description, behind all of its sections."""


class Malformed(StreamError):
    """Bytes that QEMU would refuse: an unknown part, a wrong footer, a bad value."""

    code = "VG703"


class UnknownSection(StreamError):
    """Nothing available says where a section ends, or what it is."""

    code = "VG704"


class Disagreement(StreamError):
    """The stream, its description JSON and the codecs do not say the same."""

    code = "VG705"


class Refused(StreamError):
    """A codec does not take a section: its version, a subsection or a value."""

    code = "VG706"


class Unreadable(StreamError):
    """The input itself cannot be read: no such file, broken compression."""

    code = "VG707"


class NotFound(StreamError):
    """No such section, field or page."""

    code = "VG708"


class BadEdit(StreamError):
    """A change that cannot be written."""

    code = "VG709"


class NoCodecs(StreamError):
    """A folder is not a generated package, or none of its targets fits the stream."""

    code = "VG710"


class Ambiguous(StreamError):
    """Several targets or sections fit."""

    code = "VG711"
