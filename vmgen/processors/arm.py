"""The processors of Arm: QEMU's code that makes one, executed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from vmgen import preprocess
from vmgen.cfront.ctype import Array, Integer, Record
from vmgen.cfront.layout import FilledArray, FilledRecord, Layout
from vmgen.cfront.unit import Unit
from vmgen.execution import (
    Address,
    ExecutedProgram,
    FunctionValue,
    MemoryBlock,
    NotKnown,
    UnknownValue,
    Value,
)
from vmgen.execution.context import SourceFile
from vmgen.execution.library import CLibrary, string
from vmgen.execution.memory import load, store
from vmgen.known.processors import ProcessorRegisters, Processors, UnreadProcessor
from vmgen.preprocess import Preprocessor
from vmgen.processors.arm_host import FACTS, ArmHost, RegistersListed, named
from vmgen.processors.board_switches import SETTERS, switched_off
from vmgen.source import NOWHERE, VmgenError
from vmgen.tree import SourceTree

_CPU, _CLASS = "ARMCPU", "ARMCPUClass"
_STATE, _FEATURES = "env", "features"
_BOARDS = "hw/arm/"
_DEFAULT = re.compile(r"\b(get_)?default_cpu_type\b\s*=(?!=)\s*([^;]*);")
_TEXT = re.compile(r'"([^"]*)"')


def reads(tree: SourceTree) -> bool:
    """Whether the tree's target has such processors."""
    return tree.base_arch == "arm"


def processors(
    tree: SourceTree,
    sources: Iterable[str],
    preprocessor: Preprocessor = "auto",
    progress: Callable[[str], None] | None = None,
    models: Callable[[str], bool] = lambda name: True,
) -> Processors:
    """The processors of a target whose binary is made of ``sources``.

    Of a model whose registers cannot be computed there is why.  ``progress`` is called
    with each model, ``models`` says which
    of them the caller wants.
    """
    names = sorted(
        {name for name in sources if name.startswith((*FACTS.under, _BOARDS))}
    )
    maker = _Maker(
        tree, [one for one in names if not one.startswith(_BOARDS)], preprocessor
    )
    made: list[ProcessorRegisters] = []
    unread: list[UnreadProcessor] = []
    for model in maker.models():
        if models(model.name):
            if progress is not None:
                progress(f"{tree.target} {model.name}")
            _every(maker, model, made, unread)
    boards = dict(_board_models(tree, maker, names, preprocessor))
    toggles = {toggle for one in made for toggle in one.toggles}
    off = dict(boards_off(tree, names, toggles, preprocessor))
    return Processors(tuple(made), tuple(unread), boards, off)


def _every(
    maker: _Maker,
    model: _Model,
    made: list[ProcessorRegisters],
    unread: list[UnreadProcessor],
) -> None:
    """A model's processors: with each of its switches on and off that make a difference.

    For one that makes none while the others are on, vmgen does not try the rest.
    """
    try:
        toggles = maker.toggles(model)
        every = maker.registers(model, dict.fromkeys(toggles, True))
        toggles = tuple(
            name
            for name in toggles
            if every != maker.registers(model, {one: one != name for one in toggles})
        )
    except NotKnown as error:
        unread.append(UnreadProcessor(model.name, (), _why(error)))
        return
    for values in product((True, False), repeat=len(toggles)):
        off = tuple(name for name, on in zip(toggles, values, strict=True) if not on)
        try:
            registers = (
                maker.registers(model, dict(zip(toggles, values, strict=True)))
                if off
                else every
            )
        except NotKnown as error:
            unread.append(UnreadProcessor(model.name, off, _why(error)))
        else:
            made.append(ProcessorRegisters(model.name, off, toggles, registers))


def _why(error: NotKnown) -> str:
    at = error.position
    return f"{at.file}:{at.line}: {error.why}" if at.file else error.why


def _board_models(
    tree: SourceTree, maker: _Maker, names: Iterable[str], preprocessor: Preprocessor
) -> Iterator[tuple[str, frozenset[str]]]:
    """The models that the machine types of a board's file have without ``-cpu``: of a
    text, or of a function that gives one."""
    for name in names:
        if not name.startswith(_BOARDS):
            continue
        text = tree.path(name).read_text(encoding="utf-8", errors="replace")
        if "default_cpu_type" not in text:
            continue
        try:
            expanded = preprocess.preprocess(tree, name, preprocessor=preprocessor)
        except VmgenError:
            continue  # which its other readers say
        found = set()
        for asked, value in _DEFAULT.findall(expanded.text):
            written = "".join(_TEXT.findall(value))
            if asked:
                written = maker.text_of(name, value.strip())
            found.add(written.removesuffix("-arm-cpu") if written else "?")
        if found:
            yield name, frozenset(found)


def boards_off(
    tree: SourceTree,
    names: Iterable[str],
    toggles: Iterable[str],
    preprocessor: Preprocessor = "auto",
) -> Iterator[tuple[str, frozenset[str]]]:
    """The properties of CPUs that the code of a board's file, one of ``names``, switches
    off on a machine without options."""
    for name in names:
        if not name.startswith(_BOARDS):
            continue
        text = tree.path(name).read_text(encoding="utf-8", errors="replace")
        asked = sorted(one for one in toggles if f'"{one}"' in text)
        if not asked or not any(one in text for one in SETTERS):
            continue
        try:
            expanded = preprocess.preprocess(tree, name, preprocessor=preprocessor)
        except VmgenError:
            continue  # which its other readers say
        unit = Unit(expanded.text, source=expanded.source, relative=expanded.relative)
        if found := frozenset(switched_off(unit, asked)):
            yield name, found


@dataclass(frozen=True, slots=True)
class _Model:
    """An entry of a table of models: its name, the function that sets it up, and where
    the entry is."""

    name: str
    file: str
    table: str
    index: int
    function: str


class _Maker:
    """Makes CPUs of the models of one target."""

    def __init__(
        self, tree: SourceTree, names: list[str], preprocessor: Preprocessor
    ) -> None:
        self._tree, self._preprocessor = tree, preprocessor
        self._texts = {
            name: tree.path(name).read_text(encoding="utf-8", errors="replace")
            for name in names
        }
        self._host = ArmHost()
        self._program = ExecutedProgram(self._host, self._files_with, self._open)

    def _files_with(self, name: str) -> Iterator[str]:
        word = re.compile(rf"\b{re.escape(name)}\b")
        for file, text in self._texts.items():
            if name in text and word.search(text):
                yield file

    def _open(self, name: str) -> SourceFile:
        # QEMU's build makes some headers, which this code does not need.
        expanded = preprocess.preprocess(
            self._tree, name, preprocessor=self._preprocessor, partial=True
        )
        unit = Unit(expanded.text, source=expanded.source, relative=expanded.relative)
        return SourceFile(name, unit, Layout(unit))

    def models(self) -> Iterator[_Model]:
        """The models of the tables, each once."""
        table = re.compile(rf"\b{FACTS.models}\s+(\w+)\s*\[\s*\]\s*=")
        seen: set[str] = set()
        for file, text in self._texts.items():
            for match in table.finditer(text):
                for one in self._of_table(file, match[1]):
                    if one.name not in seen:
                        seen.add(one.name)
                        yield one

    def _of_table(self, file: str, table: str) -> Iterator[_Model]:
        source = self._program.file(file)
        declared = source.unit.object(table)
        filled = None if declared is None else source.layout.filled(declared)
        if not isinstance(filled, FilledArray):
            return  # under a condition that this target does not have
        for index, entry in filled.elements():
            if not isinstance(entry, FilledRecord):
                continue
            name, function = entry["name"], entry["initfn"]
            if name is None or isinstance(name, FilledRecord | FilledArray):
                continue
            text = source.layout.text(name)
            if text is None:
                continue
            symbol = ""
            if function is not None and not isinstance(
                function, FilledRecord | FilledArray
            ):
                symbol = source.layout.symbol(function)
            yield _Model(text, file, table, index, symbol)

    def text_of(self, file: str, function: str) -> str:
        """The text that a function of one argument gives, whatever that is; empty where
        it depends on it."""
        nothing = UnknownValue("the machine")
        try:
            found = self._program.call(
                FunctionValue(function, file), [nothing], NOWHERE
            )
            return string(found, NOWHERE)
        except NotKnown:
            return ""

    def toggles(self, model: _Model) -> tuple[str, ...]:
        """The switches that a model has."""
        self._made(model)
        return tuple(name for name in FACTS.toggles if name in self._host.added)

    def _home(self) -> SourceFile:
        """The file that makes a CPU."""
        home = self._program.home(FACTS.realize)
        if home is None:
            raise NotKnown(f"where {FACTS.realize}() is")
        return self._program.file(home.file)

    def _made(self, model: _Model) -> tuple[Address, SourceFile]:
        """An object of the model, before it is realized."""
        file, program, host = self._home(), self._program, self._host
        layout = file.layout
        cpu_type = layout.resolve(named(layout, _CPU))
        class_type = layout.resolve(named(layout, _CLASS))
        assert isinstance(class_type, Record)  # a struct's
        cpu = Address(MemoryBlock(layout.sizeof(cpu_type), "the CPU"), 0)
        class_ = Address(MemoryBlock(layout.sizeof(class_type), "the CPU's class"), 0)
        host.layout, host.class_, host.added = layout, class_, {}
        host.library = CLibrary()
        program.begin()
        self._set_info(model, class_, class_type, layout)
        self._defaults(file, cpu)
        for name in FACTS.make:
            function = FunctionValue(name, file.name) if name else None
            if function is None and model.function:
                function = FunctionValue(model.function, model.file)
            if function is not None:
                program.call(self._where(function), [cpu], NOWHERE)
        return cpu, file

    def _where(self, function: FunctionValue) -> FunctionValue:
        """A function in its file, or wherever it is."""
        declared = self._program.file(function.file).unit.function(function.name)
        if declared is not None and declared.body is not None:
            return function
        return FunctionValue(function.name, "")

    def _set_info(
        self, model: _Model, class_: Address, type: Record, layout: Layout
    ) -> None:
        """``cpu_register_class_init``: the class knows its model."""
        member = layout.member(type, "info")
        if member is None:
            return
        source = self._program.file(model.file)
        table = self._program.global_(source, model.table, NOWHERE)
        assert isinstance(table.type, Array)  # a table
        size = source.layout.sizeof(table.type.element)
        entry = Address(table.block(), model.index * size)
        store(Address(class_.block, member.offset), 8, entry)

    def _defaults(self, file: SourceFile, cpu: Address) -> None:
        """``device_initfn``: the defaults of the properties of the class."""
        for match in re.finditer(
            r"\bProperty\s+(\w+)\s*\[\s*\]\s*=", self._texts[file.name]
        ):
            table = self._program.global_(file, match[1], NOWHERE)
            assert isinstance(table.type, Array)  # a table
            size = file.layout.sizeof(table.type.element)
            for index in range(table.type.length or 0):
                entry = Address(table.block(), index * size)
                if load(entry, 8, False) != 0:  # the end of the list has no name
                    self._host.add(cpu, entry, NOWHERE)

    def registers(
        self, model: _Model, switched: Mapping[str, bool]
    ) -> dict[int, int | None]:
        """The registers of a processor.  Some models are of boards alone that give them
        an object of their own, and some of boards alone that do not."""
        try:
            return self._registers(model, switched, False)
        except NotKnown as error:
            try:
                return self._registers(model, switched, True)
            except NotKnown:
                raise error from None

    def _registers(
        self, model: _Model, switched: Mapping[str, bool], with_objects: bool
    ) -> dict[int, int | None]:
        cpu, file = self._made(model)
        host, program, layout = self._host, self._program, file.layout
        if with_objects:
            self._give_objects(cpu, layout)
        for name, on in switched.items():
            offset, size = host.added[name]
            store(Address(cpu.block, cpu.offset + offset), size, int(on))
        self._set_by_board(cpu, FACTS.set)
        error = Address(MemoryBlock(8, "an error"), 0)
        host.listing = False
        try:
            program.call(FunctionValue(FACTS.realize, file.name), [cpu, error], NOWHERE)
        except RegistersListed as listed:
            lists = listed.function
        else:
            raise NotKnown(f"{FACTS.realize}() ends before it lists the registers")
        finally:
            host.listing = True
        program.call(FunctionValue(lists, ""), [cpu], NOWHERE)
        type = layout.resolve(named(layout, _CPU))
        assert isinstance(type, Record)  # a struct's

        def member(name: str) -> Value:
            found = layout.member(type, name)
            if found is None:
                raise NotKnown(f"a CPU without {name}")
            of = found.type
            signed = isinstance(of, Integer) and of.signed
            return load(Address(cpu.block, found.offset), layout.sizeof(of), signed)

        count, indexes, table = (
            member(name) for name in ("cpreg_array_len", "cpreg_indexes", "cp_regs")
        )
        if not isinstance(count, int) or (count and not isinstance(indexes, Address)):
            raise NotKnown("the list of the registers")
        numbers: list[int] = []
        for place in range(count):
            assert isinstance(indexes, Address)  # there are some
            number = load(Address(indexes.block, indexes.offset + 8 * place), 8, False)
            if not isinstance(number, int):
                raise NotKnown("the number of a register")
            numbers.append(number)
        environment = self._running(cpu, type, layout)
        return {
            number: self._constant(environment, table, number)
            for number in sorted(numbers)
        }

    def _give_objects(self, cpu: Address, layout: Layout) -> None:
        type = layout.resolve(named(layout, _CPU))
        assert isinstance(type, Record)  # a struct's
        state = layout.member(type, _STATE)
        for name in FACTS.objects:
            if state is None or not isinstance(state.type, Record):
                raise NotKnown(f"a CPU without {_STATE}")
            found = layout.member(state.type, name)
            if found is not None:
                some = Address(
                    MemoryBlock(1 << 16, name, UnknownValue(f"the {name}")), 0
                )
                store(Address(cpu.block, state.offset + found.offset), 8, some)

    def _running(self, cpu: Address, type: Record, layout: Layout) -> Address:
        """The CPU's state as it may be while a guest runs; its features stay."""
        found = layout.member(type, _STATE)
        if found is None or not isinstance(found.type, Record):
            raise NotKnown(f"a CPU without {_STATE}")
        place = Address(cpu.block, found.offset)
        features = layout.member(found.type, _FEATURES)
        if features is None:
            raise NotKnown(f"a CPU without {_FEATURES}")
        at = Address(cpu.block, found.offset + features.offset)
        size = layout.sizeof(features.type)
        kept = load(at, size, False)
        store(
            place, layout.sizeof(found.type), UnknownValue("the state of a running CPU")
        )
        store(at, size, kept)
        self._set_by_board(cpu, FACTS.set_later)
        return place

    def _set_by_board(self, cpu: Address, names: Iterable[str]) -> None:
        for name in names:
            if name in self._host.added:
                offset, size = self._host.added[name]
                number = UnknownValue(f"what the board sets {name} to")
                store(Address(cpu.block, cpu.offset + offset), size, number)

    def _constant(self, environment: Address, table: Value, number: int) -> int | None:
        """The value of a register that the state of the CPU has no part in."""
        program = self._program
        key = program.call(FunctionValue(FACTS.key, ""), [number], NOWHERE)
        entry = program.call(FunctionValue(FACTS.look_up, ""), [table, key], NOWHERE)
        try:
            value = program.call(
                FunctionValue(FACTS.read, ""), [environment, entry], NOWHERE
            )
        except NotKnown:
            return None  # it depends on what a guest has done
        return value if isinstance(value, int) else None
