"""The layouts of a program are put together: subsections, temporaries, arrays, padding."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import assert_never

from vmgen import ir
from vmgen.lower.layout import Resolve, build, words_key, words_layout
from vmgen.lower.names import Names
from vmgen.lower.program import STATE, CodecLayouts
from vmgen.lower.shape import CodecLayout, Key, Leaf, Pad, RecordMember, Struct


def assemble(program: ir.Program, repeated: Collection[Key] = ()) -> CodecLayouts:
    """The layouts of a program; arrays of other programs have those ``repeated``, too.

    Raises :class:`VmgenError` for a description that is missing.
    """
    resolve = Resolve(program)
    functions = {
        module.file: {one.symbol: one for one in module.functions}
        for module in program.modules
    }
    layouts = {
        key: build(key, description, functions[key[0]], resolve)
        for key, description in resolve.found.items()
    }
    parents: dict[Key, list[Key]] = {}
    holders: dict[Key, list[Key]] = {}
    words: dict[Key, list[Key]] = {}
    for key, layout in tuple(layouts.items()):
        for _, sub in layout.subsections:
            parents.setdefault(sub, []).append(key)
        for leaf in layout.leaves:
            if isinstance(leaf.kind, Struct) and leaf.kind.temporary:
                held = holders.setdefault(leaf.kind.key, [])
                held += [key] if key not in held else []
            if (inner := _words(layout, leaf)) and inner.key not in layouts:
                layouts[inner.key] = inner
                words.setdefault(key, []).append(inner.key)
    made = CodecLayouts(program, layouts, parents, holders, functions, words)
    for key, layout in layouts.items():
        if layout.minimum == layout.version or key not in parents:
            layout.version_attr = ""
        _store_pads(made, layout)
    own = {key for layout in layouts.values() for key in _in_arrays(made, layout)}
    others = {
        key
        for key in repeated
        if key in layouts and made.flat(key, layouts[key].version)
    }
    return replace(made, repeated=frozenset(own | others))


def _in_arrays(layouts: CodecLayouts, layout: CodecLayout) -> Iterator[Key]:
    """The flat layouts that arrays of a layout have."""
    for leaf in layout.leaves:
        kind = leaf.kind
        if (
            isinstance(kind, Struct)
            and leaf.shape in ("array", "rows", "dynamic")
            and kind.version == kind.saved
            and layouts.flat(kind.key, kind.version)
        ):
            yield kind.key


def _words(layout: CodecLayout, leaf: Leaf) -> CodecLayout | None:
    """The layout of an info of several words, if the leaf has such elements."""
    element = leaf.field.element
    if not isinstance(element, ir.WordsElement) or not isinstance(leaf.kind, Struct):
        return None
    last = leaf.field.path[-1].type if leaf.field.path else ""
    c_type = last or element.name or element.info
    return words_layout(words_key(layout.key[0], element, c_type), element, c_type)


def _store_pads(layouts: CodecLayouts, layout: CodecLayout) -> None:
    """Unused bytes whose presence or number the rest of the state does not tell
    become a member that holds their number."""
    names = Names(member.attr for member in layout.root.members)
    for attr, _ in layout.subsections:
        names.take(attr)
    for leaf in layout.leaves:
        if isinstance(leaf.kind, Pad) and not _known(layouts, layout, leaf):
            member = RecordMember("", names.take("unused"), 0)
            member.leaves.append(leaf)
            member.indices.append(())
            leaf.member = member
            layout.root.members.append(member)


def _known(layouts: CodecLayouts, layout: CodecLayout, leaf: Leaf) -> bool:
    """Whether a complete state tells how many unused bytes there are, if any."""
    if leaf.field.test:
        function = layouts.functions[layout.key[0]].get(leaf.field.test)
        if (
            function is None
            or function.body is None
            or not layouts.evaluable(layout, function.body)
        ):
            return False
    for amount in (leaf.amount, leaf.size):
        match amount:
            case ir.FromMember(path):
                found = layouts.find(layout, STATE, ir.path_text(path), [], None)
                if not found or found[0].condition is not None:
                    return False
            case ir.Computed(value):
                if not layouts.evaluable(layout, value):
                    return False
            case ir.Fixed() | None:
                pass
            case _:
                assert_never(amount)
    return True
