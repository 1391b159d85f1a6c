"""What ``pre_save`` functions leave in members, whatever was there.

``vmstate_save_state_v`` (``migration/vmstate.c``) calls ``pre_save`` before it writes a
field: a member that the function always sets to one number is that number in every
stream, one that it copies is the other one.  Which object the member is in does not matter here, the C type of it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vmgen import ir
from vmgen.cfront import syntax as c
from vmgen.cfront.arithmetic import integer_of
from vmgen.cfront.ctype import Record
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import uncast, walk
from vmgen.extract.reach import Reach, changed_member
from vmgen.source import VmgenError
from vmgen.translate import scalar
from vmgen.translate.failure import Untranslatable


def pre_saved(
    unit: Unit, layout: Layout, descriptions: Iterable[ir.Description]
) -> Iterator[ir.PreSaved]:
    """What the ``pre_save`` functions of these descriptions leave, as far as the file
    has them."""
    known = {one.symbol: one for one in descriptions}
    symbols = {
        hook.symbol
        for one in known.values()
        for hook in one.hooks
        if hook.role.startswith("pre_save")
    }
    for symbol in sorted(symbols):
        try:
            function = unit.function(symbol)
        except VmgenError:
            yield ir.PreSaved(symbol, (), static=True)  # it is here, and says nothing
            continue
        if function is not None and function.body is not None:
            reach = Reach(unit, layout)
            leaves = tuple(_left(layout, function, reach, known))
            yield ir.PreSaved(symbol, leaves, function.static)


def _left(
    layout: Layout,
    function: c.FunctionDecl,
    reach: Reach,
    known: dict[str, ir.Description],
) -> Iterator[ir.LeftMember]:
    """The members that one function sets on every path, and nowhere else: neither does
    it itself nor what it calls behind that."""
    body = function.body
    assert body is not None  # or there is nothing to look at
    types = {
        node.name: node.type.target.name
        for node in walk(body)
        if isinstance(node, c.LocalDecl)
        and isinstance(node.type, c.PointerType)
        and isinstance(node.type.target, c.NamedType)
    }
    owners = list(types.values())
    changed = [name for node in walk(body) if (name := changed_member(node))]
    for at, statement in enumerate(body.items):
        if any(isinstance(node, c.Return | c.Jump) for node in walk(statement)):
            return  # what comes behind it may not be reached
        match statement:
            case c.ExprStatement(
                c.Assign("=", c.Member(c.Name(variable), member, True), value)
            ) if (variable in types):
                found = _left_value(layout, variable, value, types, known)
                if (
                    found is not None
                    and changed.count(member) == 1
                    # Another object of the type may have another value.
                    and owners.count(types[variable]) == 1
                    and reach.keeps(
                        function, body.items[at + 1 :], {member, *_copied(found)}
                    )
                ):
                    where = ir.MemberPlace(types[variable], member)
                    yield ir.LeftMember(where, found)


def _copied(value: ir.Expr) -> Iterator[str]:
    """The members that a value is a copy of."""
    return (part.path for part in ir.walk(value) if isinstance(part, ir.Load))


def _left_value(
    layout: Layout,
    variable: str,
    value: c.Expr,
    types: dict[str, str],
    known: dict[str, ir.Description],
) -> ir.Expr | None:
    """A number, or another member of the same object, as an expression."""
    try:
        match uncast(value):
            case c.Member(c.Name(symbol), "version_id", False) if symbol in known:
                return ir.Const(known[symbol].version_id)
            case c.Member(c.Name(owner), member, True) if owner == variable:
                record = layout.resolve(c.NamedType(types[variable]))
                found = (
                    layout.member(record, member)
                    if isinstance(record, Record)
                    else None
                )
                integer = None if found is None else integer_of(found.type)
                if integer is None:
                    return None
                return ir.Load(member, scalar.int_type(integer))
            case inner:
                return ir.Const(layout.constant(inner))
    except (VmgenError, Untranslatable):
        return None  # nothing is known of it
