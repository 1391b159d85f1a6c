"""A program in which known members are constants.

Predicates, tests, amounts and refusals read members of an object; where a machine type
decides what a member is, the expression says, and whoever compares programs or reads
streams need not know of machine types.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from vmgen import ir
from vmgen.known.class_functions import CLASS_FUNCTIONS, asked_place
from vmgen.known.members import WHOLE, KnownBits, KnownMembers, place


def with_constants(program: ir.Program, known: KnownMembers) -> ir.Program:
    """The program with the known members as constants."""
    if not known:
        return program
    return replace(
        program, modules=tuple(_module(module, known) for module in program.modules)
    )


def read_members(program: ir.Program) -> frozenset[ir.MemberPlace]:
    """The members that its predicates, tests, amounts and refusals read, and the
    functions of the machine's class that they ask."""
    asked = {one.name: one.asked for one in CLASS_FUNCTIONS}
    found: set[ir.MemberPlace] = set()
    for module in program.modules:
        for type_, expr in _expressions(module):
            for part in ir.walk(expr):
                if isinstance(part, ir.Load):
                    found.add(place(type_, part.path))
                elif isinstance(part, ir.Ask) and part.name in asked:
                    found.add(asked[part.name])
    return frozenset(found)


def left_members(program: ir.Program) -> KnownMembers:
    """The members that the ``pre_save`` functions of the program leave as one number."""
    found: dict[ir.MemberPlace, KnownBits] = {}
    for module in program.modules:
        for description in module.descriptions:
            for hook in description.hooks:
                for one in hook.leaves:
                    where = place(one.place.type, one.place.path)
                    if isinstance(one.value, ir.Const):
                        found[where] = KnownBits(WHOLE, one.value.value)
    return found


def _expressions(module: ir.Module) -> Iterator[tuple[str, ir.Expr]]:
    """The expressions of a module, each with the C type of the object that it reads."""
    for function in module.functions:
        if function.body is not None:
            yield function.type, function.body
        if function.outside is not None:
            yield function.container, function.outside
    for description in module.descriptions:
        for one in description.fields:
            for amount in (one.size, one.count):
                match amount:
                    case ir.FromMember(path=path, type=type_):
                        yield description.type, ir.Load(ir.path_text(path), type_)
                    case ir.Computed(value=value):
                        yield description.type, value
                    case ir.Fixed():
                        pass
                    case _:
                        assert_never(amount)
        for hook in description.hooks:
            for refusal in hook.refusals:
                if refusal.condition is not None:
                    yield description.type, refusal.condition


# --- made -----------------------------------------------------------------------------


def _module(module: ir.Module, known: KnownMembers) -> ir.Module:
    return replace(
        module,
        functions=tuple(_function(one, known) for one in module.functions),
        descriptions=tuple(_description(one, known) for one in module.descriptions),
    )


def _function(one: ir.Function, known: KnownMembers) -> ir.Function:
    body = one.body
    if body is not None:
        return replace(one, body=_expression(body, one.type, known))
    if one.outside is None:
        return one
    found = _expression(one.outside, one.container, known)
    if any(isinstance(part, ir.Load) for part in ir.walk(found)):
        return one  # it reads more than what is known of the object around
    return replace(one, body=found, untranslated="", outside=None)


def _description(one: ir.Description, known: KnownMembers) -> ir.Description:
    type_ = one.type
    return replace(
        one,
        fields=tuple(
            replace(
                field,
                size=_amount(field.size, type_, known),
                count=_amount(field.count, type_, known),
            )
            for field in one.fields
        ),
        hooks=tuple(
            replace(
                hook,
                refusals=tuple(
                    (
                        refusal
                        if refusal.condition is None
                        else replace(
                            refusal,
                            condition=_expression(refusal.condition, type_, known),
                        )
                    )
                    for refusal in hook.refusals
                ),
            )
            for hook in one.hooks
        ),
    )


def _amount(amount: ir.Amount, type_: str, known: KnownMembers) -> ir.Amount:
    match amount:
        case ir.Fixed():
            return amount
        case ir.FromMember(path=path, multiply=multiply):
            bits = known.get(place(type_, ir.path_text(path)))
            if bits is None or bits.mask != WHOLE or bits.value * multiply < 0:
                return amount
            return ir.Fixed(bits.value * multiply)
        case ir.Computed(value=value):
            return ir.Computed(_expression(value, type_, known))
        case _:
            assert_never(amount)


def _expression(expr: ir.Expr, type_: str, known: KnownMembers) -> ir.Expr:
    """The expression over an object of the type with what is known of it; bits that are
    known stay under the mask that asks for them."""

    def bits_of(part: ir.Expr) -> KnownBits | None:
        match part:
            case ir.Load(path=path, subscripts=()):
                return known.get(place(type_, path))
            case ir.Truncate(type=kind, operand=operand) if kind != "bool":
                return bits_of(operand)
        return None

    def asked(part: ir.Expr) -> ir.Expr:
        match part:
            case ir.Binary("&", left, ir.Const(mask)) | ir.Binary(
                "&", ir.Const(mask), left
            ):
                bits = bits_of(left)
                if bits is not None and not mask & ~bits.mask:
                    return ir.Const(bits.value & mask)
            case ir.Binary("&", ir.Binary(">>", left, ir.Const(by)), ir.Const(mask)):
                bits = bits_of(left)
                if bits is not None and not (mask << by) & ~bits.mask:
                    return ir.Const(bits.value >> by & mask)
        return part

    def whole(part: ir.Expr) -> ir.Expr:
        bits: KnownBits | None = None
        if isinstance(part, ir.Load) and not part.subscripts:
            bits = known.get(place(type_, part.path))
        elif isinstance(part, ir.Ask):
            bits = known.get(asked_place(part.name))
        if bits is not None and bits.mask == WHOLE:
            return ir.Const(bits.value)
        return part

    return ir.rebuilt(ir.rebuilt(expr, asked), whole)
