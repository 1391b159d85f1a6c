"""gdb itself attaches to guests of every architecture and takes their description."""

from __future__ import annotations

import lzma
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lacking import lacking
from tests.stream_files import FOLDER, codecs_of
from vmgen.guest import Guest
from vmgen.serve.gdb import GdbServer

BOARDS = sorted(
    path.name.removesuffix(".stream.xz")
    for path in FOLDER.glob("*--10.0.2.stream.xz")
    if not path.name.startswith("avr")
)
"""gdb-multiarch has no AVR."""

PC = {"i386": "eip", "x86_64": "rip"}


@pytest.fixture
def gdb() -> str:
    found = shutil.which("gdb-multiarch")
    return found or lacking("gdb-multiarch is not installed")


def board_stream(board: str) -> bytes:
    return lzma.decompress((FOLDER / f"{board}.stream.xz").read_bytes())


def asked(
    gdb: str, file: Path, order: str, remote: str
) -> subprocess.CompletedProcess[str]:
    commands = (
        f"set endian {order}",
        f"target remote {remote}",
        r'printf "pc %lx\n", $pc',
    )
    words = [word for command in commands for word in ("-ex", command)]
    return subprocess.run(
        [gdb, "-nx", "-batch", *words], capture_output=True, text=True, timeout=100
    )


@pytest.mark.parametrize("board", BOARDS)
def test_gdb_takes_the_description_and_the_registers(
    board: str, gdb: str, tmp_path: Path
) -> None:
    file = tmp_path / "vm.mig"
    file.write_bytes(board_stream(board))
    with Guest.open(file, codecs=codecs_of(board)) as guest:
        order = GdbServer(guest).order
        cpu = guest.cpus[0]
        pc = cpu.register(PC.get(guest.target, "pc"))
    server = f"| {sys.executable} -m vmgen serve gdb {file} --stdio"
    done = asked(gdb, file, order, server)
    assert done.returncode == 0, done.stderr
    assert not re.search("rejected|Truncated|Remote .* too", done.stderr), done.stderr
    assert f"pc {pc:x}\n" in done.stdout


def test_gdb_attaches_to_the_port(gdb: str, tmp_path: Path) -> None:
    file = tmp_path / "vm.mig"
    file.write_bytes(board_stream("ppc-g3beige-openbios--10.0.2"))
    with subprocess.Popen(
        [sys.executable, "-m", "vmgen", "serve", "gdb", str(file), "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        said = next(line for line in server.stderr if "waiting" in line)
        assert "set endian big" in said
        done = asked(gdb, file, "big", said.split()[-1])
        assert done.returncode == 0, done.stderr
        assert server.wait(timeout=60) == 0
