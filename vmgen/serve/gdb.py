"""gdb's remote protocol about a guest that does not run: threads are CPUs.

Packets are answered as QEMU's gdbstub answers them for the same state
(gdbstub/gdbstub.c), with two differences: what is mapped can be read whatever the CPU's
privilege, and nothing can be changed.  To continue or to step gives the same stop again.
"""

from __future__ import annotations

from collections.abc import Callable

from vmgen.guest import Cpu, Guest
from vmgen.serve.description import byte_order, numbered, target_xml
from vmgen.stream import show as shown
from vmgen.stream.asked import asked
from vmgen.stream.errors import StreamError

_PACKET = 0x4000
_LONGEST = _PACKET // 2 - 8
"""So many bytes of memory fit into a packet."""

_MORE = b"... vmgen stream show prints the rest\n"

_FAULT, _INVALID, _READ_ONLY = "E14", "E22", "E01"

_HELP = """\
sections: what the stream has
show PATH: a value, a register or memory, as vmgen stream show prints them, e.g.
  show cpu/0.env
  show pc
  show ram/pc.ram@0x1000:64
"""


class GdbServer:
    """Answers to one debugger about a guest."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.done = False
        self._cpu: Cpu = guest.cpus[0]
        self._physical = False
        self._acks = True
        self._registers = numbered(self._cpu)
        self.order = byte_order(self._cpu)
        self._xml = target_xml(guest.target, self._registers)

    @property
    def either_order(self) -> bool:
        """Whether gdb cannot know the byte order from the architecture: it takes that of
        the machine it runs on."""
        return self.guest.target.startswith(("mips", "ppc"))

    # --- framing ------------------------------------------------------------------------

    def run(self, read: Callable[[], bytes], write: Callable[[bytes], object]) -> None:
        """Answer until the debugger goes; ``read`` gives some bytes, none at the end."""
        data = bytearray()
        while not self.done:
            more = read()
            if not more:
                return
            data += more
            while (packet := self._next(data, write)) is not None:
                answer = self.answer(packet.decode("latin-1"))
                write(framed(answer))
                if self.done:
                    return

    def _next(self, data: bytearray, write: Callable[[bytes], object]) -> bytes | None:
        """The next packet with a right sum, taken off ``data``; None if more bytes are
        needed.  An interrupt (0x03) is a question for the reason of the stop."""
        while data:
            if data[0] == 3:
                del data[0]
                return b"?"
            if data[0] != 0x24:
                del data[0]
                continue
            end = data.find(b"#")
            if end < 0 or len(data) < end + 3:
                if len(data) > 4 * _PACKET:
                    data.clear()
                return None
            raw = bytes(data[: end + 3])
            body, sum_text = raw[1:end], raw[end + 1 :]
            del data[: end + 3]
            while self._acks and data.lstrip(b"+").startswith(raw):
                # gdb sends a packet again if no answer came while the stream was opened
                del data[: data.index(raw) + len(raw)]
            good = sum_text.lower() == b"%02x" % (sum(body) & 0xFF)
            if self._acks:
                write(b"+" if good else b"-")
            if good:
                return body
        return None

    # --- packets ------------------------------------------------------------------------

    def answer(self, packet: str) -> str:
        """The answer to a packet; empty for one that is not supported."""
        kind, rest = packet[:1], packet[1:]
        match kind:
            case "?" | "c" | "s" | "C" | "S":
                return self._stop()
            case "g":
                return self._general()
            case "p":
                return self._one(rest)
            case "m":
                return self._memory(rest)
            case "P" | "G" | "M" | "X":
                return _READ_ONLY
            case "H" | "T":
                return self._thread(kind, rest)
            case "D" | "k":
                self.done = True
                return "OK"
            case "q" | "Q" | "v":
                return self._named(packet)
        return ""

    def _stop(self) -> str:
        return f"T05thread:{self._cpu.index + 1:02x};"

    def _general(self) -> str:
        """The registers of the first feature."""
        first = self._registers[0].feature if self._registers else ""
        return "".join(
            self._value(number)
            for number, one in enumerate(self._registers)
            if one.feature == first
        )

    def _one(self, text: str) -> str:
        number = _hex(text)
        if number is None or number >= len(self._registers):
            return _FAULT
        return self._value(number)

    def _value(self, number: int) -> str:
        """A register's bytes in hex; x where this CPU does not have what the first has."""
        wanted = self._registers[number]
        value = self._cpu.register(wanted.name)
        if value is None:
            return "x" * (2 * wanted.size)
        return value.to_bytes(wanted.size, self.order).hex()

    def _memory(self, text: str) -> str:
        start, _, size = text.partition(",")
        address, length = _hex(start), _hex(size)
        if address is None or length is None or length > _LONGEST:
            return _INVALID
        try:
            if self._physical:
                return self.guest.memory.read(address, length).hex()
            return self._cpu.read(address, length).hex()
        except StreamError:
            return _FAULT

    def _thread(self, kind: str, text: str) -> str:
        number = _hex((text[1:] if kind == "H" else text).rpartition(".")[2])
        if text[1:].rpartition(".")[2] in ("-1", "0", "") and kind == "H":
            return "OK"
        if number is None:
            return _INVALID
        for cpu in self.guest.cpus:
            if cpu.index + 1 == number:
                if kind == "H" and text[0] == "g":
                    self._cpu = cpu
                return "OK"
        return _INVALID

    def _named(self, packet: str) -> str:
        name, _, rest = packet.partition(":")
        match name.partition(",")[0]:
            case "qSupported":
                return f"PacketSize={_PACKET:x};qXfer:features:read+;QStartNoAckMode+"
            case "QStartNoAckMode":
                self._acks = False
                return "OK"
            case "qXfer" if rest.startswith("features:read:target.xml:"):
                return self._document(rest.rpartition(":")[2])
            case "qfThreadInfo":
                return "m" + ",".join(f"{cpu.index + 1:02x}" for cpu in self.guest.cpus)
            case "qsThreadInfo":
                return "l"
            case "qC":
                return f"QC{self._cpu.index + 1:02x}"
            case "qAttached":
                return "1"
            case "qThreadExtraInfo":
                number = _hex(packet.partition(",")[2].rpartition(".")[2])
                return f"CPU#{(number or 1) - 1}".encode().hex()
            case "qRcmd":
                return self._monitor(packet.partition(",")[2])
            case "Qqemu.PhyMemMode":
                self._physical = rest == "1"
                return "OK"
            case "qqemu.PhyMemMode":
                return str(int(self._physical))
            case "vCont?":
                return "vCont;c;C;s;S"
            case "vKill":
                self.done = True
                return "OK"
        return self._stop() if packet.startswith("vCont;") else ""

    def _document(self, text: str) -> str:
        start, _, size = text.partition(",")
        offset, length = _hex(start), _hex(size)
        if offset is None or length is None:
            return _INVALID
        piece = self._xml[offset : offset + min(length, _PACKET // 2)]
        return ("l" if offset + len(piece) >= len(self._xml) else "m") + piece

    def _monitor(self, text: str) -> str:
        """A monitor command; its output in hex."""
        try:
            words = bytes.fromhex(text).decode("utf-8", "replace").split(None, 1)
        except ValueError:
            return _INVALID
        said = self.monitor(words).encode("utf-8", "replace")
        if len(said) > _LONGEST:
            end = said.rfind(b"\n", 0, _LONGEST - len(_MORE)) + 1
            said = said[:end] + _MORE
        return said.hex()

    def monitor(self, words: list[str]) -> str:
        """What a monitor command prints."""
        stream = self.guest.stream
        match words:
            case ["sections"]:
                return "".join(shown.table(stream))
            case ["show", path]:
                try:
                    found = asked(stream, list(stream.sections), path.strip())
                    return "".join(found.lines(stream))
                except StreamError as error:
                    hint = f"  hint: {error.hint}\n" if error.hint else ""
                    return f"{error}\n{hint}"
        return _HELP


def framed(answer: str) -> bytes:
    """A packet: what the protocol keeps for itself is escaped."""
    body = bytearray()
    for byte in answer.encode("latin-1", "replace"):
        if byte in b"}$#*":
            body += bytes([0x7D, byte ^ 0x20])
        else:
            body.append(byte)
    return b"$" + body + b"#%02x" % (sum(body) & 0xFF)


def _hex(text: str) -> int | None:
    try:
        return int(text, 16) if text and not text.startswith(("-", "+")) else None
    except ValueError:
        return None
