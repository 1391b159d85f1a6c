"""What ends the program: paths that lead there are dropped."""

from __future__ import annotations

from vmgen.cfront import syntax
from vmgen.cfront.syntax import Expr, Statement
from vmgen.cfront.walk import uncast

#: Functions that do not return: paths that lead to them are dropped.
NEVER_RETURN = frozenset(
    [
        "abort",
        "exit",
        "_exit",
        "__assert_fail",
        "__assert_perror_fail",
        "__assert",
        "g_assertion_message",
        "g_assertion_message_expr",
        "g_assertion_message_cmpnum",
        "g_assertion_message_cmpint",
        "g_assertion_message_cmpstr",
        "g_assertion_message_error",
        "g_abort",
        "__builtin_unreachable",
        "__builtin_trap",
        "qemu_build_not_reached_always",
        "qemu_build_not_reached",
    ]
)


def never_returns(expr: Expr) -> bool:
    """True for the call of a function that ends the program, casts looked through."""
    match uncast(expr):
        case syntax.Call(syntax.Name(name)):
            return name in NEVER_RETURN
        case syntax.Comma(items):
            return any(never_returns(item) for item in items)
        case _:
            return False


def fails(statement: Statement) -> bool:
    """True for a branch that an assertion takes when it does not hold."""
    if isinstance(statement, syntax.Block):
        return bool(statement.items) and fails(statement.items[-1])
    return isinstance(statement, syntax.ExprStatement) and never_returns(
        statement.expression
    )
