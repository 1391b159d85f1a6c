"""``vmgen serve``: a guest for debuggers."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING, Any

from vmgen.cli.arguments import Argument, Option, WrongUsage, command
from vmgen.cli.console import Console, standard_output
from vmgen.cli.guest import MAP, opened_guest
from vmgen.cli.stream.common import CODECS, FILE
from vmgen.source import Diagnostic, VmgenError

if TYPE_CHECKING:
    from vmgen.guest import Guest

_CHUNK = 1 << 16


@command(
    Argument("protocol", "choice", "gdb", choices=("gdb",)),
    FILE,
    Option(
        "--port",
        kind="number",
        choices=(0, 65535),
        metavar="N",
        help="The TCP port, on the loopback address only.  [default: 0: a free one, which"
        " is printed]",
    ),
    Option(
        "--stdio",
        kind="flag",
        help="Talk over standard input and output instead of a port.",
    ),
    MAP,
    *CODECS,
    epilog="""\b
Examples:
  vmgen serve gdb vm.mig --port 1234      then: gdb vmlinux -ex 'target remote :1234'
  gdb vmlinux -ex 'target remote | vmgen serve gdb vm.mig --stdio'
  (gdb) set endian big                    before target remote: big MIPS and PowerPC
  (gdb) info threads                      the CPUs
  (gdb) maintenance packet Qqemu.PhyMemMode:1      physical addresses from now on
  (gdb) monitor sections
  (gdb) monitor show cpu/0.env""",
)
def serve(
    console: Console,
    /,
    *,
    protocol: str,
    file: str,
    port: int | None,
    stdio: bool,
    map: tuple[str, ...],
    **options: Any,
) -> int:
    """Let gdb or lldb look at a guest that does not run.

    Threads are CPUs. Registers have gdb's names, memory goes through the guest's page
    tables. Nothing can be changed, and nothing runs.
    """
    if stdio and port is not None:
        raise WrongUsage("--stdio and --port exclude each other")
    with opened_guest(file, console, map, options) as guest:
        if stdio:
            _over_stdio(guest)
        else:
            _over_port(guest, port or 0, console)
    return 0


def _over_stdio(guest: Guest) -> None:
    from vmgen.serve.gdb import GdbServer

    out = standard_output()

    def write(data: bytes) -> None:
        out.write(data)
        out.flush()

    GdbServer(guest).run(lambda: os.read(sys.stdin.fileno(), _CHUNK), write)


def _over_port(guest: Guest, port: int, console: Console) -> None:
    """Serve one debugger, until it goes."""
    from vmgen.serve.gdb import GdbServer

    server = GdbServer(guest)
    try:
        with socket.create_server(("127.0.0.1", port)) as listener:
            address = f"localhost:{listener.getsockname()[1]}"
            first = f"set endian {server.order}, then " if server.either_order else ""
            console.message(f"waiting for gdb: {first}target remote {address}")
            connection, _ = listener.accept()
            with connection:
                server.run(lambda: connection.recv(_CHUNK), connection.sendall)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise VmgenError(
            Diagnostic("VG707", f"port {port} cannot be served: {reason}")
        ) from None
