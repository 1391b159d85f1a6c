"""Records laid out member by member, and where designators lead in them."""

from __future__ import annotations

from vmgen.cfront.ctype import Array, CType, Pointer, Record
from vmgen.cfront.layout.allocation import MemberRequest, alignment, allocate
from vmgen.cfront.layout.model import (
    FILE_SCOPE,
    MemberLayout,
    Place,
    PlaceStep,
    RecordLayout,
    Scope,
    Types,
    added,
    error,
    placed,
)
from vmgen.cfront.printer import type_words
from vmgen.cfront.syntax import Expr, MemberDecl, RecordDecl
from vmgen.source import NOWHERE, VmgenError


def _only_here(failure: VmgenError) -> VmgenError:
    """The error of a member, which costs only what needs it; a build assertion that does
    not hold says that the whole reading is wrong, and is raised."""
    if any(diagnostic.code == "VG306" for diagnostic in failure.diagnostics):
        raise failure
    return failure


def lay_out(types: Types, decl: RecordDecl, scope: Scope) -> RecordLayout:
    """A record with the members placed; one that cannot be read costs only what needs it."""
    about = type_words(Record(decl.kind, decl.tag))
    resolved: list[CType | VmgenError] = []
    requests: list[MemberRequest] = []
    failure: VmgenError | None = None
    for member in decl.members:
        context = (about, member.name)
        type: CType | VmgenError
        try:
            type = types.resolve(member.type, scope)
        except VmgenError as error:
            type = _only_here(placed(error, member.position, *context))
            failure = failure or type
        resolved.append(type)
        if failure is not None or isinstance(type, VmgenError):
            continue
        try:
            requests.append(_request(types, decl, member, type, scope))
        except VmgenError as error:
            failure = _only_here(placed(error, member.position, *context))
    is_union = decl.kind == "union"
    own = 0 if decl.aligned is None else types.constant(decl.aligned)
    allocation = allocate(is_union, requests, own)
    members: list[MemberLayout] = []
    for index, (member, type) in enumerate(zip(decl.members, resolved, strict=True)):
        start: int | VmgenError = 0
        request = requests[index] if index < len(requests) else None
        if request is not None:
            start = allocation.positions[index]
        elif failure is not None and not is_union:
            start = failure
        bits = _width(types, member, scope)
        if bits is not None and not member.name:
            continue
        members.append(
            MemberLayout(
                member.name,
                member.type,
                type,
                start if isinstance(start, VmgenError) else start // 8,
                (None if bits is None or isinstance(start, VmgenError) else start % 8),
                bits,
                0 if request is None else alignment(request) // 8,
                member,
            )
        )
    extent = failure or (allocation.size, allocation.align)
    return RecordLayout(extent, tuple(members))


def _request(
    types: Types, decl: RecordDecl, member: MemberDecl, type: CType, scope: Scope
) -> MemberRequest:
    """What the member asks of the layout; an array of open length has no size."""
    flexible = isinstance(type, Array) and type.length is None
    return MemberRequest(
        size=0 if flexible else types.sizeof(type),
        align=types.alignof_written(member.type, scope),
        bits=_width(types, member, scope),
        named=bool(member.name),
        aligned=0 if member.aligned is None else types.constant(member.aligned),
        packed=member.packed or decl.packed,
        limit=decl.limit,
    )


def _width(types: Types, member: MemberDecl, scope: Scope) -> int | None:
    if member.bits is None:
        return None
    bits = types.constant(member.bits, scope)
    if bits < 0:
        raise error(
            "VG306",
            "a bitfield has a negative width: a build assertion does not hold",
            member.position,
            "the condition of a QEMU_BUILD_BUG_ON here is true for this configuration",
        )
    return bits


def place(
    types: Types,
    type: CType,
    designator: tuple[str | Expr, ...],
    scope: Scope = FILE_SCOPE,
) -> Place:
    """Where ``designator`` (member names and constant subscripts) leads to."""
    start: int | VmgenError = 0
    steps: list[tuple[MemberLayout, list[int]]] = []
    for part in designator:
        further: int | VmgenError
        if isinstance(part, str):
            if not isinstance(type, Record):
                raise error("VG303", f"'{type_words(type)}' has no member '{part}'")
            member = types.member(type, part)
            if member is None:
                raise types.no_member(type, part, NOWHERE)
            steps.append((member, []))
            further = member.start
            type = member.type
        else:
            if not isinstance(type, Array):
                raise error("VG303", f"'{type_words(type)}' is no array", part.position)
            index = types.constant(part, scope)
            if steps:
                steps[-1][1].append(index)
            type = type.element
            further = index * types.sizeof(type)
        start = added(start, further)
    return Place(start, type, tuple(_step(member, index) for member, index in steps))


def _step(member: MemberLayout, index: list[int]) -> PlaceStep:
    dims = []
    type = member.type
    while isinstance(type, Array):
        dims.append(type.length or 0)
        type = type.element
    left: CType = member.type
    for _ in index:
        left = left.element if isinstance(left, Array) else left
    return PlaceStep(
        member.name,
        member.written,
        tuple(dims),
        tuple(index),
        isinstance(left, Pointer),
    )
