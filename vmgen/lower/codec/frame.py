"""The frame of one function pair: its statements, its names, and where attributes are."""

from __future__ import annotations

from collections.abc import Sequence

from vmgen import ir, plan
from vmgen.lower import expressions
from vmgen.lower.codec.phrases import c_name, chained, sized
from vmgen.lower.codec.refer import Refer
from vmgen.lower.codec.run import FixedRun, Runs
from vmgen.lower.names import LOCALS, RESERVED, Names
from vmgen.lower.program import CodecLayouts, MemberValue
from vmgen.lower.shape import CodecLayout, Leaf
from vmgen.plan import code


class Frame:
    """What the fields of a function have in common, for the given versions."""

    def __init__(
        self,
        layouts: CodecLayouts,
        layout: CodecLayout,
        refer: Refer,
        runs: Runs,
        versions: Sequence[int],
        root: str = "self",
    ) -> None:
        self.layouts = layouts
        self.layout = layout
        self.refer = refer
        self.runs = runs
        self.versions = versions
        self.load: list[code.Statement] = []
        self.save: list[code.Statement] = []
        self.run = FixedRun()
        self.optional = False
        self.root = code.PyName(root)
        self.alias_of: dict[code.Expr, code.PyName] = {}
        # What save calls an attribute, where it differs.
        self.saved: dict[code.Expr, code.PyName] = {}
        # The local names of lengths, by the member that counts, and those in use.
        self.lengths: dict[tuple[str, int, bool], code.PyName] = {}
        self.shared_lengths: set[code.PyName] = set()
        # On save: members outside of the state that the length of a field implies.
        self.implied: dict[str, code.Expr] = {}
        self._names = Names(RESERVED | LOCALS)
        self._origin_of: dict[str, str] = {root: ""}
        self._sized: set[code.Expr] = set()

    def flush(self) -> None:
        """End the current run."""
        run, self.run = self.run, FixedRun()
        self.load += run.before
        self.save += run.aliases
        if run.format:
            made = self.runs.add(run, self.optional)
            self.load.append(code.PyUnpack(made.name, tuple(run.targets), run.size))
            self._pack(made, run.values)
        self.load += run.ending()

    def _pack(self, made: plan.Run, values: list[code.Expr]) -> None:
        """Save the values of a run, in as many calls as it says."""
        run, most = code.PyName(made.name), made.most
        if not most:
            self.save.append(code.PyPack(code.PyAttr(run, "pack"), tuple(values)))
            return
        parts = [tuple(values[at : at + most]) for at in range(0, len(values), most)]
        names = tuple(self.local(f"pack_{at}") for at in range(len(parts)))
        packs = code.PyAttr(run, "packs")
        self.save.append(code.PyAssign((code.PyTuple(names),), packs))
        self.save += map(code.PyPack, names, parts)

    # --- names ------------------------------------------------------------------------

    def local(self, wanted: str) -> code.PyName:
        """A new local name, as close to the attribute's as can be."""
        return code.PyName(self._names.take(_without_underscores(wanted)))

    def chunk(self, wanted: str) -> code.PyName:
        """A new local name for the bytes of an attribute."""
        return code.PyName(self._names.take(f"{_without_underscores(wanted)}_"))

    def name(self, full: code.Expr, wanted: str) -> code.PyName:
        """A local name for an attribute, to be used from here on."""
        alias = self.local(wanted)
        self.alias_of[full] = alias
        self.stands_for(alias, self.path_of(full))
        return alias

    def stands_for(self, alias: code.PyName, path: str) -> None:
        """Say what messages call an object that has a local name."""
        self._origin_of[alias.id] = path

    def path_of(self, expr: code.Expr) -> str:
        """The path of an attribute from the function's object, for messages."""
        match expr:
            case code.PyName(id=name):
                return self._origin_of.get(name, name)
            case code.PyAttr(base=base, name=name):
                above = self.path_of(base)
                return f"{above}.{name}" if above else name
            case code.PyIndex(base=base, index=code.PyConst(value=int(index))):
                return f"{self.path_of(base)}[{index}]"
        raise TypeError(expr)

    # --- attributes -------------------------------------------------------------------

    def attribute(self, leaf: Leaf, root: code.Expr) -> code.Expr:
        """The attribute of a leaf, by way of its records' names."""
        assert leaf.member is not None
        expr = root
        for member, index in leaf.parents:
            full = code.PyAttr(expr, member.attr)
            own = self.alias_of.get(code.at(full, *index))
            expr = own or code.at(self.alias_of.get(full, full), *index)
        return code.PyAttr(expr, leaf.member.attr)

    def place(self, leaf: Leaf, root: code.Expr) -> tuple[code.Expr, code.Expr]:
        """The value of a leaf on load and on save, before the index of an element."""
        assert leaf.member is not None
        full = self.attribute(leaf, root)
        known = self.alias_of.get(full, full)
        if (
            leaf.member.shared
            and known == full
            and leaf.shape in ("item", "array", "rows")
            and not leaf.levels
            and full not in self._sized
        ):
            self._sized.add(full)
            check = sized(full, leaf.member.length(), self.path_of(full))
            self.run.aliases.append(code.PyDo(check))
        source = self.saved.get(full, known)
        return code.at(known, *leaf.levels), code.at(source, *leaf.levels)

    def undecided(self, layout: CodecLayout, leaves: Sequence[Leaf]) -> bool:
        """Whether an attribute may be absent, as far as the versions tell."""
        return bool(leaves) and not any(
            self.layouts.exists(layout, leaf, self.versions_of(layout)) is True
            for leaf in leaves
        )

    def versions_of(self, layout: CodecLayout) -> Sequence[int]:
        """The versions that the function loads a layout at."""
        return self.versions if layout is self.layout else (layout.version,)

    # --- values -----------------------------------------------------------------------

    def asked(self, name: str, where: str) -> code.Expr:
        """The value of a C function that only the context knows."""
        state, version = code.PyName("self"), expressions.VERSION
        return code.call("ask", CONTEXT, name, state, version, where)

    def where(self, leaf: Leaf) -> str:
        """Description, field and place, for the message of a missing context."""
        place = leaf.field.position
        at = f" ({place.file}:{place.line})" if place.file else ""
        return f"{self.layout.symbol}, field {leaf.path}{at}"


CONTEXT = code.PyAttr(code.PyName("scope"), "context")


class ContextReads:
    """What one expression of C reads: of the state what that has, the rest of the context.

    ``unknown`` says whether it read anything that the state may lack.  ``where`` is for the
    message of a missing context.
    """

    def __init__(self, frame: Frame, where: str) -> None:
        self._frame = frame
        self._where = where
        self.unknown = False

    def member(
        self,
        found: Sequence[MemberValue],
        path: str,
        subscripts: Sequence[code.Expr],
        type_: ir.IntType,
    ) -> code.Expr:
        """A member's value from what the state has of it, or from the context."""
        if not found or found[-1].condition is not None:
            self.unknown = True
        owner = self._frame.layout.type
        name = c_name(path, subscripts)
        outside = code.call("member", CONTEXT, owner, name, self._where)
        return chained(found, expressions.truncated(outside, type_), type_)

    def asked(self, name: str) -> code.Expr:
        """The value of a C function or global."""
        self.unknown = True
        return self._frame.asked(name, self._where)


def _without_underscores(name: str) -> str:
    """A name that no definition of a module has: those begin with an underscore."""
    bare = name.strip("_")
    return bare if bare.isidentifier() else f"part{bare}"
