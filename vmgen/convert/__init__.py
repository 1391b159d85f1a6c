"""A stream that one release saved, as one that another release loads."""

from vmgen.convert.converter import SAME, Converted, Destination, convert, counted
from vmgen.convert.mapping import Mapping, dumps, loads
from vmgen.convert.states import Line

__all__ = [
    "SAME",
    "Converted",
    "Destination",
    "Line",
    "Mapping",
    "convert",
    "counted",
    "dumps",
    "loads",
]
