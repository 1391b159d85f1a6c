"""One description of a generated module: classes, loader, saver, words about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from vmgen import plan
from vmgen.infos import formats
from vmgen.lower.classes import Classes
from vmgen.lower.codec import SUFFIX, Body, FixedFields, FixedRun, Frame, Runs
from vmgen.lower.namespace import Namespace
from vmgen.lower.predicates import Predicates
from vmgen.lower.sections import section_name
from vmgen.lower.shape import CodecLayout, Ints, Key, Leaf, Struct
from vmgen.plan import code
from vmgen.source import Diagnostic, VmgenError


class Descriptions:
    """Writes the descriptions of one module, in the order of their names."""

    def __init__(self, space: Namespace) -> None:
        self._space = space
        self._layouts = space.layouts
        self._classes = Classes(space)
        self._predicates = Predicates(space)

    def of(self, key: Key) -> plan.CodecPlan:
        """The plan of one description."""
        layout = self._layouts.all[key]
        codec = self._space.codecs[key]
        runs = Runs(codec)
        versions = range(layout.minimum, layout.version)
        elements = []
        classes: list[plan.Class] = []
        for words in self._layouts.words.get(key, ()):
            inner = self._layouts.all[words]
            classes += self._classes.of(inner)
            if words in self._layouts.repeated:
                elements.append(
                    self._elements(inner, Runs(self._space.codecs[words]), runs)
                )
        classes += self._classes.of(layout)
        if key in self._layouts.repeated:
            elements.append(self._elements(layout, runs, runs))
        current = self._function(layout, runs, (layout.version,))
        old = None
        if versions:
            old = self._function(layout, runs, tuple(versions))
        assert layout.description is not None
        place = layout.description.position
        return plan.CodecPlan(
            codec=codec,
            symbol=layout.symbol,
            wire=layout.name,
            version=layout.version,
            minimum=layout.minimum,
            cls=layout.root.cls,
            banner=(
                f"{layout.name or '(named at run time)'}: {layout.symbol}"
                + (f" ({place.file}:{place.line})" if place.file else "")
            ),
            classes=tuple(classes),
            runs=tuple(runs.made.values()),
            elements=tuple(elements),
            current=current,
            old=old,
            predicates=tuple(self._predicates.of(layout)),
            hooks=tuple(self._hooks(layout)),
            keys=tuple(
                (one, layout.name or section_name(one))
                for one in self._space.sections.get(key, ())
            ),
            answers=self._answers(layout),
        )

    def _answers(self, layout: CodecLayout) -> code.PyCall | None:
        """What says where the bytes around have answers for the class's loader."""
        description = layout.description
        if description is None or not description.answers:
            return None
        module = formats.ANSWERS.get(description.answers)
        if module is None:
            raise VmgenError(
                Diagnostic(
                    "VG503",
                    f"no code is called {description.answers!r:.80}",
                    description.position,
                    hint="another version of vmgen wrote this IR: generate it again",
                )
            )
        find = code.runtime(f"answer_{description.answers}", module)
        around = code.runtime("answered", "_formats")
        cls, symbol = self._space.cls(layout.key), code.PyConst(description.symbol)
        return code.call(around, cls, find, symbol, *self._first(layout))

    def _first(self, layout: CodecLayout) -> tuple[code.Expr, ...]:
        """Class and version of the object that a layout begins with, if any."""
        first = layout.leaves[0] if layout.leaves else None
        if first is None or not isinstance(first.kind, Struct) or first.shape != "one":
            return ()
        return self._space.cls(first.kind.key), code.PyConst(first.kind.version)

    def _function(
        self, layout: CodecLayout, runs: Runs, versions: tuple[int, ...]
    ) -> plan.FunctionPair:
        frame = Frame(self._layouts, layout, self._space, runs, versions)
        Body(frame).write()
        packs = [one for one in code.parts(frame.save) if isinstance(one, code.PyPack)]
        load, end = _ending(frame.load)
        return plan.FunctionPair(
            load=load,
            end=end,
            save=tuple(frame.save),
            names_put=len(packs) > 1 or code.mentions(frame.save, "put"),
        )

    def _elements(self, layout: CodecLayout, runs: Runs, into: Runs) -> plan.Elements:
        versions = (layout.version,)
        frame = Frame(self._layouts, layout, self._space, runs, versions, "one")
        run = FixedFields(frame).elements()
        codec = self._space.codecs[layout.key]
        split = join = None
        if (leaf := self._only_array(layout)) is not None:
            assert isinstance(leaf.kind, Ints)
            assert leaf.member is not None
            suffix, one = SUFFIX[leaf.kind.code], code.PyName("one")
            attribute = code.PyAttr(one, leaf.member.attr)
            chunk, states = code.PyName("chunk"), code.PyName("states")
            split = code.call(f"split_{suffix}", chunk, leaf.count, leaf.start)
            arrays = code.PyEach(attribute, (("one", states),))
            join = code.call(f"join_{suffix}", arrays, leaf.count, leaf.start)
            run = FixedRun(targets=[attribute])
        return plan.Elements(
            unpack=f"_unpack_{codec}",
            pack=f"_pack_{codec}",
            cls=layout.root.cls,
            make=code.PyCall(self._space.maker(layout.root)),
            run=into.add(run).name if run.format else "",
            before=tuple(run.before),
            targets=tuple(run.targets),
            after=tuple(run.ending()),
            aliases=tuple(run.aliases),
            values=tuple(run.values),
            split=split,
            join=join,
        )

    def _only_array(self, layout: CodecLayout) -> Leaf | None:
        """The one array that is all an object has on the wire, if so."""
        leaves = [
            leaf
            for leaf in layout.leaves
            if self._layouts.exists(layout, leaf, (layout.version,))
        ]
        if len(leaves) != len(layout.leaves) or len(leaves) != 1:
            return None
        leaf = leaves[0]
        if (
            not isinstance(leaf.kind, Ints)
            or leaf.kind.code in "?Bb"
            or leaf.shape != "array"
            or leaf.parents
            or leaf.levels
            or not leaf.count
            or leaf.member is None
            or leaf.member.shared
        ):
            return None
        return leaf

    def _hooks(self, layout: CodecLayout) -> Iterator[str]:
        """C functions that are named, not run, and tests that the context answers."""
        description = layout.description
        assert description is not None
        for hook in description.hooks:
            yield f"{hook.role} {hook.symbol} ({hook.position}) is not run."
        functions = self._layouts.functions[self._space.source.file]
        symbols = [description.needed, *(leaf.field.test for leaf in layout.leaves)]
        for symbol in dict.fromkeys(filter(None, symbols)):
            function = functions.get(symbol)
            if function is None or function.body is None:
                reason = (
                    function.untranslated
                    if function is not None
                    else "not in this file"
                )
                what = "needed" if symbol == description.needed else "test"
                at = f" ({function.position})" if function is not None else ""
                yield f"{what} {symbol}{at} is not translated ({reason}): Context(functions=...)."


def _ending(
    load: Sequence[code.Statement],
) -> tuple[tuple[code.Statement, ...], code.Expr]:
    """A loader's statements and where its fields end, behind the last run at once where
    nothing else needs the position."""
    pos = code.PyName("pos")
    for at in range(len(load) - 1, -1, -1):
        one = load[at]
        if isinstance(one, code.PyUnpack):
            end = code.PyBinary("+", pos, code.PyConst(one.size))
            return (*load[:at], replace(one, size=0), *load[at + 1 :]), end
        below = any(isinstance(each, code.PyUnpack) for each in code.parts(one))
        if below or code.mentions(one, "pos"):
            break
    return tuple(load), pos
