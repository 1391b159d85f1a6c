"""What functions do to the classes that they are given, and what they register."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from vmgen.cfront import syntax as c
from vmgen.cfront.layout import Layout
from vmgen.cfront.printer import phrase
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import uncast
from vmgen.cfront.walk import walk as all_of
from vmgen.extract.initializer import is_null
from vmgen.roots import walk
from vmgen.roots.guards import guards_of
from vmgen.roots.model import (
    ANY,
    TYPE,
    ClassFunction,
    Effect,
    Guards,
    Prefix,
    Registration,
)
from vmgen.roots.registering import REGISTERING, FunctionText
from vmgen.roots.walk import Followed, Locals
from vmgen.source import Diagnostic, Position, VmgenError

_REGISTERING = {
    # Where obj, instance_id, vmsd and alias_id stand (include/migration/vmstate.h).
    "vmstate_register": (0, 1, 2, None),
    "vmstate_register_any": (0, None, 1, None),
    "vmstate_register_with_alias_id": (0, 1, 2, 4),
    "vmstate_replace_hack_for_ppc": (0, 1, 2, None),
}
#: VMSTATE_INSTANCE_ID_ANY, as an int and as a uint32_t.
_ANY_INSTANCE = (-1, 0xFFFFFFFF)


def class_function(
    unit: Unit, function: c.FunctionDecl, text: FunctionText
) -> tuple[ClassFunction, tuple[str, ...]]:
    """The effects of one function, and the members of table rows that it asks for.

    Raises :class:`VmgenError` (VG422) for a description that is set to what cannot be
    followed.
    """
    assert function.body is not None  # callers ask for definitions only
    names = walk.locals_of(function)
    effects: list[Effect] = []
    members: list[str] = []
    for statement, maybe in walk.statements(function.body):
        for expression in walk.expressions(statement):
            for effect in _effects(unit, names, expression, maybe):
                effects.append(effect)
                if effect.kind == "row":
                    members.append(effect.symbol)
    return (
        ClassFunction(function.name, function.static, tuple(effects)),
        tuple(members),
    )


def _effects(
    unit: Unit, names: Locals, expression: c.Expr, maybe: bool
) -> Iterator[Effect]:
    match expression:
        case c.Assign("=", c.Member(object, "vmsd", True) as place, value, position):
            class_ = _class_of(unit, names, object)
            found = _description(names, value)
            match class_, found:
                case "DeviceClass", (kind, symbol):
                    yield Effect(kind, symbol, maybe, position)
                case "CPUClass", ("set", symbol):
                    yield Effect("legacy", symbol, maybe, position)
                case "DeviceClass" | "CPUClass", _:
                    raise _lost(f"{phrase(place)} is set to", value, position)
        case c.Assign("=", c.Member(_, "sysemu_ops", True), value, position):
            inner = uncast(value)
            if isinstance(inner, c.UnaryOperation) and isinstance(
                inner.operand, c.Name
            ):
                yield Effect("cpu", inner.operand.name, maybe, position)
        case c.Assign("=", c.Member(_, "bus_type", True), value, position):
            yield Effect("bus", walk.text(value, names, unit), maybe, position)
        case c.Assign("=", c.Member(_, "get_dev_path", True), value, position):
            yield Effect("path", phrase(value), maybe, position)
        case c.Assign("=", c.Member(_, "realize", True), value, position):
            yield Effect("realize", phrase(value), maybe, position)
        case c.Comma(items):
            for item in items:
                yield from _effects(unit, names, item, maybe)
        case c.Call(c.Name(name), _, position):
            yield Effect("call", name, maybe, position)


def _class_of(unit: Unit, names: Locals, object: c.Expr) -> str:
    """The class struct that an expression points to; empty if that is not known."""
    type_: c.TypeExpr | None = None
    match object:
        case c.Name(name):
            type_ = names.types.get(name)
        case c.Cast(target, _):
            type_ = target
        case c.Call(c.Name(name)):
            declared = unit.function(name)
            type_ = declared.type.result if declared else None
        case c.UnaryOperation("&", c.Member(_, "parent_class")):
            return ""
    if isinstance(type_, c.PointerType) and isinstance(type_.target, c.NamedType):
        return type_.target.name
    raise _lost("vmsd is set in", object, object.position)


def _description(
    names: Locals, value: c.Expr
) -> tuple[Literal["set", "row"], str] | None:
    """``set`` and the symbol, ``row`` and the member; None for anything else."""
    match uncast(value):
        case c.UnaryOperation("&", c.Name(symbol)):
            return "set", symbol
        case c.UnaryOperation("&", c.Index(c.Name(symbol), c.IntegerLiteral(index))):
            return "set", f"{symbol}[{index}]"
        case c.Member(object, member) if _is_data(names, object):
            return "row", member
        case inner if isinstance(inner, c.Expr) and is_null(inner):
            return "set", ""
        case _:
            return None


def _is_data(names: Locals, value: Followed) -> bool:
    """Whether an expression is the ``data`` argument of a ``class_init``."""
    match uncast(value):
        case c.Name(name) if len(names.parameters) == 2 and name == names.parameters[1]:
            return True
        case c.Name(name) if len(names.values.get(name, ())) == 1:
            return _is_data(names, names.values[name][0])
        case _:
            return False


def registrations(
    unit: Unit, layout: Layout, function: c.FunctionDecl
) -> Iterator[Registration]:
    """The sections that a function registers by itself.

    Raises :class:`VmgenError` (VG423) for one whose description cannot be followed.
    """
    assert function.body is not None  # callers ask for definitions only
    names = walk.locals_of(function)
    for call in walk.calls(function.body):
        if isinstance(call.function, c.Name):
            yield from _registration(unit, layout, function, names, call)


def _registration(
    unit: Unit, layout: Layout, function: c.FunctionDecl, names: Locals, call: c.Call
) -> Iterator[Registration]:
    assert isinstance(call.function, c.Name)
    name, given = call.function.name, call.arguments
    if name == "register_savevm_live" and len(given) in (5, 6):
        given = given[-5:]  # up to 4.2 a device stands before the name
        handlers = uncast(given[3])
        if isinstance(handlers, c.UnaryOperation) and isinstance(
            handlers.operand, c.Name
        ):
            handlers = handlers.operand
        if not isinstance(handlers, c.Name):
            raise _lost("the handlers of a section are", given[3], call.position)
        version = _number(layout, given[2])
        yield Registration(
            "handlers",
            handlers.name,
            function.name,
            walk.text(given[0], names, unit) or "*",
            "",
            _instance(layout, given[1]),
            "",
            0 if version is None else version,
            unit.source,
            call.position,
            guards_of(unit, function, call),
        )
        return
    if name not in _REGISTERING:
        return
    obj, instance, vmsd, alias = _REGISTERING[name]
    if function.name in REGISTERING and _is_parameter(names, given[vmsd]):
        return  # the core passes on what its callers register
    prefix: Prefix = "" if is_null(given[obj]) else "maybe"
    own = guards_of(unit, function, call)
    for one in _registered(_Place(unit, function, call, own), names, given[vmsd]):
        yield Registration(
            "vmstate_register",
            one.symbol,
            one.place.function.name,
            _named(unit, function, names, given[vmsd]),
            prefix,
            ANY if instance is None else _instance(layout, given[instance]),
            "" if alias is None else _alias(layout, given[alias]),
            0,
            unit.source,
            one.place.call.position,
            one.place.guards,
        )


def _is_parameter(names: Locals, value: c.Expr) -> bool:
    """Whether the value is what the function was called with."""
    found = uncast(value)
    return (
        isinstance(found, c.Name)
        and found.name in names.parameters
        and found.name not in names.values
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """A call, in ``function``, that registers or hands on what is to be registered, with
    the variables that decide whether it is made."""

    unit: Unit
    function: c.FunctionDecl
    call: c.Call
    guards: Guards


@dataclass(frozen=True, slots=True)
class _Registered:
    """A description that is registered, and the call that names it."""

    symbol: str
    place: _Place


def _registered(
    place: _Place, names: Locals, value: c.Expr, through: tuple[str, ...] = ()
) -> Iterator[_Registered]:
    """The descriptions that a call registers; none where it is a device's own or a CPU's
    (``qdev_get_vmsd``, ``legacy_vmsd``; ``cc->vmsd`` up to 6.0), which the classes tell.

    A parameter of a static function is what its callers give: they are all in the file.
    ``through`` are the functions on the way.
    """
    unit, function = place.unit, place.function
    match uncast(value):
        case c.UnaryOperation("&", c.Name(symbol)):
            yield _Registered(symbol, place)
            return
        case c.Call(c.Name("qdev_get_vmsd")) | c.Member(_, "legacy_vmsd"):
            return
        case c.Member(object, "vmsd", True) if (
            _class_of(unit, names, object) == "CPUClass"
        ):
            return
        case c.Call(c.Name("g_memdup" | "g_memdup2"), arguments) if arguments:
            yield from _registered(place, names, arguments[0], through)
            return
        case c.Name(name) if len(names.values.get(name, ())) == 1:
            found = names.values[name][0]
            if isinstance(found, c.Expr):
                yield from _registered(place, names, found, through)
                return
        case c.Name(name) if (
            function.static
            and _is_parameter(names, value)
            and function.name not in through
        ):
            index = names.parameters.index(name)
            callers = list(_calls_of(place))
            for caller, argument in callers:
                yield from _registered(
                    caller,
                    walk.locals_of(caller.function),
                    argument[index],
                    (*through, function.name),
                )
            if callers:
                return
        case c.Member(c.Name(variable), member):
            found_member = names.members.get((variable, member), ())
            if len(found_member) == 1 and isinstance(found_member[0], c.Expr):
                yield from _registered(place, names, found_member[0], through)
                return
    raise VmgenError(
        Diagnostic(
            "VG423",
            f"which description is registered here cannot be determined from {phrase(value)}",
            value.position,
            hint="pass the address of the description to the call",
        )
    )


def _calls_of(called: _Place) -> Iterator[tuple[_Place, tuple[c.Expr, ...]]]:
    """The calls of a static function, each with what it gives; none where the function is
    used in another way than by a call that gives all of its parameters."""
    unit, name = called.unit, called.function.name
    found: list[tuple[_Place, tuple[c.Expr, ...]]] = []
    for caller_name in unit.functions_with(name):
        caller = unit.function(caller_name)
        if caller is None or caller.body is None or caller_name == name:
            continue
        calls = [
            call
            for call in walk.calls(caller.body)
            if isinstance(call.function, c.Name) and call.function.name == name
        ]
        used = sum(
            isinstance(node, c.Name) and node.name == name
            for node in all_of(caller.body)
        )
        if used != len(calls):
            return
        for call in calls:
            if len(call.arguments) != len(called.function.type.parameters):
                return
            guards = called.guards.joined(guards_of(unit, caller, call))
            found.append((_Place(unit, caller, call, guards), call.arguments))
    yield from found


def _named(
    unit: Unit, function: c.FunctionDecl, names: Locals, registered: c.Expr
) -> str:
    """How the function calls the description that it registers: a name, ``TYPE`` for that
    of its device's type, ``*`` for what cannot be determined; empty where it does not.

    A NIC's model is what it was made with: the argument of ``qemu_new_nic`` (net/net.c).
    """
    assert function.body is not None  # callers ask for definitions only
    if not isinstance(uncast(registered), c.Name | c.Member):
        return ""
    description = phrase(registered)
    given = [
        expression.value
        for statement, _ in walk.statements(function.body)
        for expression in walk.expressions(statement)
        if isinstance(expression, c.Assign)
        and isinstance(expression.target, c.Member)
        and expression.target.name == "name"
        and phrase(expression.target.object) == description
    ]
    if not given:
        return ""
    if len(given) > 1:
        return "*"
    match uncast(given[0]):
        case c.Member(c.Call(c.Name("qemu_get_queue"), (nic,)), "model"):
            made = _only_value(names, nic)
        case name:
            return walk.text(name, names, unit)
    match made:
        case c.Call(c.Name("qemu_new_nic"), (_, _, model, *_)):
            return TYPE if _is_type_of(uncast(model), names) else "*"
        case _:
            return "*"


def _only_value(names: Locals, value: c.Expr) -> Followed | None:
    """What the only assignment to a variable, or to a member of one, puts there."""
    found: list[Followed] = []
    match uncast(value):
        case c.Name(name):
            found = names.values.get(name, [])
        case c.Member(c.Name(name), member):
            found = names.members.get((name, member), [])
    return uncast(found[0]) if len(found) == 1 else None


def _is_type_of(value: Followed | None, names: Locals) -> bool:
    """Whether an expression is the type's name of the function's first parameter."""
    match value:
        case c.Call(c.Name("object_get_typename"), (object,)):
            named = uncast(object)
            return isinstance(named, c.Name) and named.name in names.parameters[:1]
    return False


def _instance(layout: Layout, value: c.Expr) -> str:
    number = _number(layout, value)
    if number is None:
        return phrase(value)
    return ANY if number in _ANY_INSTANCE else str(number)


def _alias(layout: Layout, value: c.Expr) -> str:
    number = _number(layout, value)
    if number is None:
        return phrase(value)
    return "" if number in _ANY_INSTANCE else str(number)


def _number(layout: Layout, value: c.Expr) -> int | None:
    """The value of a constant; None for what is none."""
    try:
        return layout.constant(value)
    except VmgenError:
        # Local variables and calls: the expression itself is the answer.
        return None


def _lost(what: str, value: c.Expr, position: Position) -> VmgenError:
    return VmgenError(
        Diagnostic(
            "VG422",
            f"{what} {phrase(value)}, which cannot be followed",
            position,
            hint="assign the address of a description to a DeviceClass variable",
        )
    )
