"""Declarations in, IR out: the shape of ``VMStateDescription`` initialisers."""

from vmgen.extract.module import extract

__all__ = ["extract"]
