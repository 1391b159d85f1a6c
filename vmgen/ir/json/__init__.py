"""The IR as JSON and back: one line per field, stable order, nothing lost.

The text is made to be committed and read in a diff: a description's members each stand
on a line of their own, a field is one line, members that have their default value are
left out.  :func:`loads` accepts exactly what :func:`dumps` writes (any white space, any
order of members, with or without the stamp of a generated file) and nothing else, so that a file that was damaged or made by another
version is named as such instead of being half understood.

Short forms, all others are objects whose members are the attributes of :mod:`vmgen.ir`:

- a position is ``"LINE:COLUMN"``, with ``FILE:`` in front where the file is not the
  module's own;
- a step of a path is ``[name, type, dims, index, pointer]``, a word of a custom info
  ``[type, member]``, trailing defaults left out;
- a fixed amount is the number itself;
- an element is an object with its kind under ``is`` (``{"is": "int", "type": "uint8"}``);
- an expression is a number, ``"version"``, or a list with its operator first
  (``["&&", ["load", "env.priv", "uint64"], 1]``).
"""

from __future__ import annotations

from vmgen.ir.json.reading import loads, parse, read
from vmgen.ir.json.shape import FORMAT, MAX_DEPTH
from vmgen.ir.json.writing import dumps, encoded

__all__ = ["FORMAT", "MAX_DEPTH", "dumps", "encoded", "loads", "parse", "read"]
