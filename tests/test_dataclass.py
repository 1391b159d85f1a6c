"""vmgen's frozen dataclasses against those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import field
from typing import Any

import pytest

from vmgen import ir
from vmgen.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Ours:
    """Every kind of member that the project uses."""

    name: str
    numbers: tuple[int, ...] = (1, 2)
    known: dict[str, int] = field(default_factory=dict)
    place: int = field(default=0, compare=False, repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    """The same by the standard library."""

    name: str
    numbers: tuple[int, ...] = (1, 2)
    known: dict[str, int] = field(default_factory=dict)
    place: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Below(Ours):
    """With a member more, and something to do when it is made."""

    last: int = 7

    def __post_init__(self) -> None:
        if self.last < 0:
            raise ValueError("below zero")


@dataclass(frozen=True, slots=True)
class Told:
    """With methods of its own."""

    name: str

    def __repr__(self) -> str:
        return f"told {self.name}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Told) and other.name.lower() == self.name.lower()

    def __hash__(self) -> int:
        return hash(self.name.lower())


@dataclass(frozen=True, slots=True)
class Empty:
    """Without members."""


MADE: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    (("a",), {}),
    (("a", (3,), {"b": 1}, 4), {}),
    ((), {"name": "a", "place": 9}),
]


@pytest.mark.parametrize(("arguments", "named"), MADE)
def test_it_is_made_and_printed_as_a_dataclass(
    arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    ours, theirs = Ours(*arguments, **named), Theirs(*arguments, **named)
    assert dataclasses.astuple(ours) == dataclasses.astuple(theirs)
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert ours.known is not Ours("a").known


@pytest.mark.parametrize("call", [(), ("a", (), {}, 1, 2), ("a", "b", "c", "d", "e")])
def test_wrong_arguments_are_refused(call: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="argument"):
        Ours(*call)
    with pytest.raises(TypeError, match="argument"):
        Ours("a", other=1)  # type: ignore[call-arg]


def test_it_is_compared_and_hashed_by_its_members() -> None:
    first, same = Ours("a", (1,), place=1), Ours("a", (1,), place=2)
    assert first == same
    assert first != Ours("b", (1,))
    other: object = Theirs("a", (1,))
    assert first != other
    assert first.__eq__(3) is NotImplemented
    flat = [ir.Const(1), ir.Const(1), ir.Const(2)]
    assert len({*flat}) == 2
    assert hash(flat[0]) == hash(flat[1])
    with pytest.raises(TypeError, match="unhashable"):
        hash(first)  # it has a dictionary
    assert Ours("a") != Below("a")
    assert Below("a") != Ours("a")


@pytest.mark.parametrize("name", ["name", "place", "new"])
def test_it_is_frozen(name: str) -> None:
    ours = Ours("a")
    with pytest.raises(dataclasses.FrozenInstanceError, match=name):
        setattr(ours, name, 1)
    with pytest.raises(dataclasses.FrozenInstanceError, match=name):
        delattr(ours, name)
    assert not hasattr(ours, "__dict__")


@pytest.mark.parametrize("one", [Ours("a", (3,), {"b": 1}), Below("a", last=3)])
def test_it_is_copied(one: Ours) -> None:
    for other in (
        pickle.loads(pickle.dumps(one)),
        copy.deepcopy(one),
        copy.copy(one),
        dataclasses.replace(one),
    ):
        assert other == one
        assert other is not one
        assert type(other) is type(one)
    assert dataclasses.replace(one, name="b").name == "b"


def test_one_that_is_below_another() -> None:
    made = Below("a", last=3)
    assert repr(made) == "Below(name='a', numbers=(1, 2), known={}, last=3)"
    assert Below("a").last == 7
    with pytest.raises(ValueError, match="below zero"):
        Below("a", last=-1)
    match made:
        case Ours(name, numbers):
            assert (name, numbers) == ("a", (1, 2))


def test_own_methods_stay() -> None:
    assert repr(Told("A")) == "told A"
    assert Told("A") == Told("a")
    assert len({Told("A"), Told("a")}) == 1


def test_without_members() -> None:
    assert Empty() == Empty()
    assert hash(Empty()) == hash(())
    assert repr(Empty()) == "Empty()"


def test_only_plain_members() -> None:
    with pytest.raises(TypeError, match=r"Odd\.late is no plain field"):

        @dataclass(frozen=True, slots=True)
        class Odd:
            late: int = field(init=False)


def test_other_options_are_the_standard_library_s() -> None:
    @dataclass(order=True)
    class Changed:
        number: int = 1

    one = Changed()
    one.number = 3
    assert one > Changed(2)
