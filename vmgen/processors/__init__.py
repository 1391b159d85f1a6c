"""The system registers of a tree's processors, computed by its own C.

QEMU makes the list of an Arm CPU's registers when the CPU is realized, out of the
features of its model.  :mod:`vmgen.execution` executes that code for each model.
"""

from vmgen.processors.arm import processors, reads

__all__ = ["processors", "reads"]
