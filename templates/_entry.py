"""What a module offers for one description: its ``load_*`` and its ``save_*``."""

from __future__ import annotations

from typing import Protocol, TypeVar

from ._arrays import Buffer
from ._context import ANYWHERE, Context, Scope
from ._errors import PACK_ERRORS, BadValue, Truncated, VMStateError
from ._loading import filled, loaded, window
from ._saving import saved
from ._schema import Section
from ._state import State, maker

S = TypeVar("S", bound=State)
S_co = TypeVar("S_co", covariant=True)
S_contra = TypeVar("S_contra", contravariant=True)


class Load(Protocol[S_co]):
    """Reads a state of the given version at ``pos``; returns it and the end of its bytes.

    The version is the description's own if none is given.
    """

    def __call__(
        self,
        buf: Buffer,
        pos: int = 0,
        version_id: int = ...,
        *,
        context: Context | None = None,
    ) -> tuple[S_co, int]:
        """Load; :class:`VMStateError` names the section, the field and the byte."""


class Save(Protocol[S_contra]):
    """Writes a state in the given version, or in the description's own."""

    def __call__(self, state: S_contra, version_id: int = ...) -> bytes:
        """Save; :class:`VMStateError` names the section and the field."""


def functions(
    cls: type[S], codec: str, name: str, minimum: int, current: int, symbol: str = ""
) -> tuple[Load[S], Save[S]]:
    """``load_*`` and ``save_*`` of a description, of versions ``minimum`` to ``current``;
    the class knows them from here on.

    ``symbol`` is the C symbol where that is not ``vmstate_`` and the codec's name.
    """

    start = maker(cls)

    def load(
        buf: Buffer,
        pos: int = 0,
        version_id: int = current,
        *,
        context: Context | None = None,
    ) -> tuple[S, int]:
        if isinstance(buf, memoryview):
            buf = buf.cast("B") if buf.c_contiguous else bytes(buf)
        try:
            if not 0 <= pos <= len(buf):
                raise Truncated(f"there is no byte {pos} in {len(buf)}", pos)
            if not minimum <= version_id <= current:
                window(version_id, minimum, current, pos)
            scope = ANYWHERE
            if context is not None:
                scope = Scope(context, context.description)
            if cls.__vmstate_answers__ is not None:
                return loaded(cls, buf, pos, version_id, scope, ())
            return filled(start(), buf, pos, version_id, scope, ())
        except VMStateError as error:
            if error.offset is None:
                error.offset = pos
            error.within(name)
            raise
        except RecursionError:
            deep = BadValue("nested too deeply", pos)
            deep.within(name)
            raise deep from None

    def save(state: S, version_id: int = current) -> bytes:
        out: list[bytes] = []
        try:
            if not minimum <= version_id <= current:
                window(version_id, minimum, current)
            saved(cls, state, out, version_id, ())
        except VMStateError as error:
            error.within(name)
            raise
        except RecursionError:
            deep = BadValue("nested too deeply")
            deep.within(name)
            raise deep from None
        except PACK_ERRORS as error:  # something else than an object where one belongs
            wrong = BadValue(f"a value of another kind than its member: {error}")
            wrong.within(name)
            raise wrong from error
        return b"".join(out)

    versions = f"version {current}"
    if minimum != current:
        versions += f", oldest {minimum}"
    load.__doc__ = f"Load ``{name}``, {versions}; return the state and its end."
    save.__doc__ = f"Save ``{name}``, {versions}."
    for function, verb in ((load, "load"), (save, "save")):
        function.__name__ = function.__qualname__ = f"{verb}_{codec}"
        function.__module__ = cls.__module__
    symbol = symbol or f"vmstate_{codec}"
    cls.__vmstate_section__ = Section(name, minimum, current, symbol, load, save)
    cls.__doc__ = cls.__doc__ or f"The state of ``{name or symbol}``, {versions}."
    return load, save
