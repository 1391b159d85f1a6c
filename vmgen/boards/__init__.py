"""Which devices a machine type can have: what its board makes, and what users add.

Users create devices of most types (``-device``, ``device_add``); of the others only the
code of a board makes objects (``user_creatable``, ``include/hw/qdev-core.h``).  A section
of such a device is in no stream of a machine whose board never makes one.
"""

from vmgen.boards.reach import Boards as Boards
