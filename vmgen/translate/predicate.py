"""``needed`` predicates and field tests: their C bodies as IR expressions."""

from __future__ import annotations

from vmgen import ir
from vmgen.cfront.arithmetic import INT
from vmgen.cfront.ctype import Record
from vmgen.cfront.layout import Layout
from vmgen.cfront.layout.model import Declarations
from vmgen.cfront.syntax import Call, FunctionDecl
from vmgen.source import NOWHERE, Position
from vmgen.translate import scalar
from vmgen.translate.failure import Untranslatable
from vmgen.translate.scalar import Scalar
from vmgen.translate.spot import Navigator, Spot
from vmgen.translate.statements import Statements
from vmgen.translate.values import State, Unknown, Value


class _Predicate(Statements):
    """A function that only looks."""

    def call(
        self, name: str, call: Call, arguments: list[Value], state: State
    ) -> Value | None:
        return None

    def write(self, spot: Spot, value: Value, state: State, position: Position) -> None:
        raise Untranslatable(f"changes '{spot.path()[0]}' of its object", position)


def predicate(unit: Declarations, layout: Layout, symbol: str) -> ir.Function:
    """The function ``symbol``, ``bool f(void *opaque[, int version_id])``, translated.

    One that reads what is not in its object (another object, a class), changes
    something or is not in the unit has no body; ``untranslated`` says why.  Raises
    :class:`VmgenError` where the C itself is wrong.
    """
    function = unit.function(symbol)
    if function is None or function.body is None:
        where = NOWHERE if function is None else function.position
        return ir.Function(
            symbol, where, untranslated=f"{symbol}() has no body in this file"
        )
    navigator = Navigator(layout)
    try:
        body = _body(function, layout, navigator)
        root = navigator.outermost()
        if len(navigator.views) > 1 and root is not None:
            # Now that the whole object is known, places in its parts get their full path.
            names = navigator.names
            navigator = Navigator(layout, root)
            navigator.names = names
            body = _body(function, layout, navigator)
    except Untranslatable as failure:
        body, root = Unknown(failure.reason), None
    type = _type_name(navigator, root)
    if isinstance(body, Scalar):
        return ir.Function(symbol, function.position, type, scalar.as_bool(body).expr)
    reason = body.reason if isinstance(body, Unknown) else "returns a pointer"
    return ir.Function(symbol, function.position, type, None, f"{symbol} {reason}")


def _body(function: FunctionDecl, layout: Layout, navigator: Navigator) -> Value:
    """What the function returns for its object and version."""
    translation = _Predicate(layout, navigator)
    arguments: list[Value] = [navigator.object(), scalar.of_type(ir.Version(), INT)]
    outcome = translation.enter(function, arguments, State())
    value, _ = translation.returned(outcome, layout.resolve(function.type.result))
    return value


def _type_name(navigator: Navigator, root: Record | None) -> str:
    """The C type the object is used as, as the function spells it."""
    if root is None:
        return ""
    spelling = navigator.names.get(root, "")
    return spelling or (
        f"{root.kind} {root.tag}" if not root.tag.startswith("<") else ""
    )
