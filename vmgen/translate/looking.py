"""``needed`` predicates and field tests: their C bodies as IR expressions."""

from __future__ import annotations

from vmgen import ir
from vmgen.cfront.arithmetic import INT
from vmgen.cfront.ctype import Record, Void
from vmgen.cfront.layout import Layout
from vmgen.cfront.layout.model import Declarations
from vmgen.cfront.syntax import Expr, FunctionDecl
from vmgen.source import Position, VmgenError
from vmgen.translate import scalar
from vmgen.translate.failure import Untranslatable, definition, unreadable
from vmgen.translate.machine import CMachine, with_object
from vmgen.translate.policy import Called, Engine, Policy
from vmgen.translate.scalar import Scalar
from vmgen.translate.spot import Navigator, Spot
from vmgen.translate.values import BlockFrame, Outside, PathState, Untranslated, Value


class Looking(Policy):
    """A function that only looks."""

    def __init__(self, apart: bool) -> None:
        self.apart = apart

    def write(
        self, spot: Spot, value: Value, state: PathState, position: Position
    ) -> None:
        """A predicate has no effects that a translation could have."""
        raise Untranslatable(f"changes '{spot.path()[0]}' of its object", position)

    def write_elsewhere(
        self,
        engine: Engine,
        expr: Expr,
        place: Outside | Untranslated,
        frame: BlockFrame,
        state: PathState,
    ) -> None:
        """What is changed outside of the object may be read again."""
        if isinstance(place, Untranslated):
            reason = f"changes what is not of the object: {place.reason}"
            raise Untranslatable(reason)
        raise Untranslatable(f"changes the global '{place.name}'", expr.position)

    def outside_call(self, call: Called, state: PathState) -> None:
        """A function with a result is one that looks, too."""
        if isinstance(call.result, Void) and call.takes_object:
            raise Untranslatable(
                f"gives its object to {call.name}(), whose body is elsewhere",
                call.position,
            )


def predicate(unit: Declarations, layout: Layout, symbol: str) -> ir.Function:
    """The function ``symbol``, ``bool f(void *opaque[, int version_id])``, translated.

    One that reads what is not in its object (another object, a class), changes
    something, is not in the unit or is C that cannot be read has no body;
    ``untranslated`` says why.  Where all that it reads is in the object around its own,
    ``outside`` says what.
    """
    function, reason, where = definition(unit, symbol)
    if function is None:
        return ir.Function(symbol, where, untranslated=reason)
    body, type = _body(function, layout)
    if isinstance(body, Scalar):
        return ir.Function(symbol, where, type, scalar.as_bool(body).expr)
    reason = body.reason if isinstance(body, Untranslated) else "returns a pointer"
    container, outside = _outside(function, layout)
    return ir.Function(
        symbol, where, type, None, f"{symbol} {reason}", container, outside
    )


def _outside(function: FunctionDecl, layout: Layout) -> tuple[str, ir.Expr | None]:
    """The type of the object that the function's own lies in (``container_of``), and what
    it returns in terms of that one's members; None where that is not all it reads."""
    navigator = Navigator(layout, around=True)
    machine = CMachine(layout, navigator, Looking(apart=True))
    arguments: list[Value] = [navigator.object(), scalar.of_type(ir.Version(), INT)]
    try:
        body = machine.result(function, arguments)
    except (Untranslatable, VmgenError, RecursionError):
        return "", None  # why is said for the function's own object
    if not isinstance(body, Scalar) or len(navigator.containers) != 1:
        return "", None
    (whole,) = navigator.containers
    if not whole.offset or not isinstance(whole.type, Record):
        return "", None
    return _type_name(whole.type, navigator.names), scalar.as_bool(body).expr


def _body(function: FunctionDecl, layout: Layout) -> tuple[Value, str]:
    """What the function returns for its object and version, and the object's type.

    Paths are followed apart first: what each knows folds.  Where that is too much, they
    are joined after each statement.
    """
    body, type, exceeded = _attempt(function, layout, Looking(apart=True))
    if exceeded and not isinstance(body, Scalar):
        smaller, its_type, _ = _attempt(function, layout, Looking(apart=False))
        if isinstance(smaller, Scalar):
            return smaller, its_type
    return body, type


def _attempt(
    function: FunctionDecl, layout: Layout, policy: Looking
) -> tuple[Value, str, bool]:
    """What one policy finds, and whether its budget was too small for more."""
    exceeded = False

    def result(navigator: Navigator) -> Value:
        nonlocal exceeded
        machine = CMachine(layout, navigator, policy)
        arguments: list[Value] = [
            navigator.object(),
            scalar.of_type(ir.Version(), INT),
        ]
        try:
            return machine.result(function, arguments)
        finally:
            exceeded = machine.budget.exceeded

    try:
        body, root, names = with_object(layout, result)
    except Untranslatable as failure:
        return Untranslated(failure.reason), "", exceeded
    except VmgenError as error:
        return Untranslated(unreadable(error)), "", False
    except RecursionError:
        return Untranslated("is nested too deeply"), "", False
    return body, _type_name(root, names), exceeded


def _type_name(root: Record | None, names: dict[Record, str]) -> str:
    """The C type the object is used as, as the function spells it."""
    if root is None:
        return ""
    spelling = names.get(root, "")
    return spelling or (
        f"{root.kind} {root.tag}" if not root.tag.startswith("<") else ""
    )
