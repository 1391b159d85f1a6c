"""IR -> codec plan: fixed runs fused, Python names chosen.  Pure functions."""

from vmgen.lower.modules import lower

__all__ = ["lower"]
