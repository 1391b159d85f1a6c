"""What the bytes of an object do not say of it, found out from the bytes around.

Nothing is guessed: what the bytes do not say is asked of the context, and of the size that
the stream's own description gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from ._runtime import (
    BadValue,
    Buffer,
    Context,
    MissingContext,
    Owner,
    Scope,
    State,
    VMStateError,
    loaded,
    lookup,
    natural,
    plain,
)

First: TypeAlias = tuple[type[State], int]

CLIPBOARD_BY_DEMAND = 1 << 5


def answer_clipboard(site: Site) -> Ways:
    """Whether there are clipboards that a spice agent owns; nothing at all where its
    clipboard is off or the guest's agent (``caps``) does not offer one."""
    caps = getattr(site.owner[0], "caps", None) if site.owner else None
    total = site.announced()
    if caps is not None and not caps & CLIPBOARD_BY_DEMAND:
        there = False
    elif total is not None:
        there = total > 0
    elif (told := site.told("VDAgentChardev", "clipboard")) is not None:
        there = bool(told)
    else:
        what = "whether the agent has a clipboard"
        raise site.missing(what, "VDAgentChardev", "clipboard")
    return Ways(({"Clipboards.there": there},))


class Site(NamedTuple):
    """Where an object is read whose bytes do not say everything: at ``pos`` of ``buf``,
    inside of the states of ``owner``; ``where`` is its description.

    ``first`` are class and version of the object that it begins with, if it begins with
    one.
    """

    buf: Buffer
    pos: int
    scope: Scope
    owner: Owner
    where: str
    first: First | None = None

    @property
    def ahead_members(self) -> Sequence[str]:
        """The members of the object that this one begins with."""
        return () if self.first is None else tuple(self.first[0].__vmstate_members__())

    def ahead(self, members: Mapping[str, Any]) -> tuple[Any, int]:
        """The object that this one begins with, and its end."""
        if self.first is None:
            raise BadValue("it begins with no object", self.pos)
        cls, version = self.first
        scope = Scope(with_answers(self.scope.context, members), None)
        return loaded(cls, self.buf, self.pos, version, scope, self.owner)

    @property
    def node(self) -> Mapping[str, Any] | None:
        """The object's fields in the description JSON, if it has them."""
        node = self.scope.node
        return None if node is None or "fields" not in node else node

    def announced(self) -> int | None:
        """The object's size in bytes, where the description JSON has only that."""
        node = self.scope.node
        if node is None or "size" not in node or "fields" in node:
            return None
        return natural(node, "size", 0)

    def told(self, owner: str, member: str) -> Any:
        """What the user's context says of a member, or None."""
        return lookup(self.scope.context, owner, member)

    def answers(self, function: str) -> bool:
        """Whether the user's context has something to say of a C function or global; this
        is no question to it."""
        return function in self.scope.context.functions

    def asked(self, function: str) -> Any:
        """What the user's context says of a C function or global, or None: a context that
        notes what it is asked in vain notes this."""
        return self.scope.context.functions.get(function)

    def missing(self, what: str, owner: str, member: str) -> MissingContext:
        """The error for what nobody says."""
        return MissingContext(
            f"{self.where}: the bytes do not say {what}",
            self.pos,
            key=f"{owner}.{member}",
            described=True,
        )

    def settled(self, end: int) -> None:
        """BadValue if the description JSON says another size than was read."""
        total, size = self.announced(), end - self.pos
        if total is not None and size != total:
            raise BadValue(f"{size} bytes where the description says {total}", self.pos)


class Ways(NamedTuple):
    """What the members that the bytes leave open may be, each way by name; ``open`` is
    what is not known where there are several, and the member to ask for."""

    members: Sequence[Mapping[str, Any]]
    open: tuple[str, str, str] = ("", "", "")
    functions: Mapping[str, Any] = {}


def answered(
    cls: type[State], find: Callable[[Site], Ways], where: str, *first: Any
) -> None:
    """From now on states of the class are loaded with what ``find`` finds out from the
    bytes around; ``first`` are class and version of the object that they begin with.

    Of several ways the one counts that ends where the stream's own description says; more
    than one, or none known to, is for the context to decide.
    """

    def load(
        buf: Buffer, pos: int, version: int, scope: Scope, owner: Owner
    ) -> tuple[State, int]:
        site = Site(buf, pos, scope, owner, where, first or None)
        ways = find(site)

        def way(members: Mapping[str, Any]) -> tuple[State, int]:
            context = with_answers(scope.context, members, ways.functions)
            inner = Scope(context, site.node)
            made, end = plain(cls, buf, pos, version, inner, owner)
            site.settled(end)
            return made, end

        if len(ways.members) == 1:
            return way(ways.members[0])
        found: list[tuple[State, int]] = []
        failure: VMStateError | None = None
        for members in ways.members:
            try:
                one = way(members)
            except VMStateError as error:
                if site.announced() is None:
                    raise site.missing(*ways.open) from None
                failure = failure or error
                continue
            if one not in found:
                found.append(one)
        if len(found) == 1:
            return found[0]
        if found or failure is None:
            raise site.missing(*ways.open)
        raise failure

    cls.__vmstate_answers__ = load


def with_answers(
    context: Context,
    members: Mapping[str, Any] | None = None,
    functions: Mapping[str, Any] | None = None,
) -> Context:
    """The context with further answers, where the user gave none."""
    return Context(
        {**(members or {}), **context.members},
        {**(functions or {}), **context.functions},
        None,
    )
