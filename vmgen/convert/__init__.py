"""A stream that one release saved, as one that another release loads."""

from vmgen.convert.convert import Converted, convert, counted
from vmgen.convert.mapping import Mapping, loads
from vmgen.convert.states import Line

__all__ = ["Converted", "Line", "Mapping", "convert", "counted", "loads"]
