"""Libraries that only an extra of the package brings."""

from __future__ import annotations

from importlib.util import find_spec

from vmgen.source import Diagnostic, VmgenError


def needs(extra: str, *modules: str) -> None:
    """VG736 unless these modules, which the extra brings, are installed."""
    for module in modules:
        if find_spec(module) is None:
            message = f"the library '{module}' is not installed"
            hint = f"install it: pip install 'vmgen[{extra}]'"
            raise VmgenError(Diagnostic("VG736", message, hint=hint))
