"""The names that generated loaders and savers give to what they all have."""

from __future__ import annotations

from vmgen.plan import code

BUF, POS, END = code.PyName("buf"), code.PyName("pos"), code.PyName("end")
COUNT, WIDTH = code.PyName("count"), code.PyName("width")
SCOPE, OWNER, OUT = code.PyName("scope"), code.PyName("owner"), code.PyName("out")
AT, PUT = code.PyName("at"), code.PyName("put")
