"""Many states of one description as numpy columns, without an object for each."""

from __future__ import annotations

from vmgen.columns.decode import Columns, columns
from vmgen.columns.rows import StateBlock

__all__ = ["Columns", "StateBlock", "columns"]
