"""Dataclasses that are written when somebody calls them are those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from typing import Any, ClassVar

import pytest

from vmgen import records


@records.dataclass(frozen=True, slots=True)
class Cheap:
    """A record."""

    kind: ClassVar[str] = "record"
    first: int
    second: str = "two"
    third: list[int] = dataclasses.field(default_factory=list)
    fourth: int = dataclasses.field(default=4, repr=False)

    def __post_init__(self) -> None:
        if self.first < 0:
            raise ValueError(self.first)


@dataclasses.dataclass(frozen=True, slots=True)
class Plain:
    """A record."""

    kind: ClassVar[str] = "record"
    first: int
    second: str = "two"
    third: list[int] = dataclasses.field(default_factory=list)
    fourth: int = dataclasses.field(default=4, repr=False)

    def __post_init__(self) -> None:
        if self.first < 0:
            raise ValueError(self.first)


@records.dataclass(frozen=True, slots=True)
class One:
    only: Any


@records.dataclass(frozen=True, slots=True)
class Other:
    only: Any


@records.dataclass(frozen=True, slots=True)
class Nothing:
    pass


@records.dataclass(frozen=True, slots=True, order=True)
class Ordered:
    first: int
    second: int = 0


@records.dataclass(frozen=True, slots=True, eq=False)
class Same:
    only: int


@records.dataclass(frozen=True, slots=True)
class ByName:
    name: str
    size: int = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByName) and other.name == self.name


GIVEN: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}),
    ((1, "2", [3], 4), {}),
    ((), {"first": 1, "third": [5]}),
]


@pytest.mark.parametrize(("values", "named"), GIVEN)
def test_the_members_are_those_of_a_dataclass(
    values: tuple[Any, ...], named: dict[str, Any]
) -> None:
    cheap = Cheap(*values, **named)
    plain: Any = Plain(*values, **named)
    assert repr(cheap) == repr(plain).replace("Plain", "Cheap")
    assert dataclasses.astuple(cheap) == dataclasses.astuple(plain)
    assert cheap == Cheap(*values, **named)
    assert cheap != Cheap(2)
    assert cheap != plain
    assert Cheap(1).third is not Cheap(1).third


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((1, 2, 3, 4, 5), {}), ((1,), {"first": 1}), ((1,), {"fifth": 1})],
)
def test_no_other_members_are_taken(
    values: tuple[Any, ...], named: dict[str, Any]
) -> None:
    for cls in (Cheap, Plain):
        with pytest.raises(TypeError, match="__init__"):
            cls(*values, **named)


def test_what_is_wrong_with_the_members_is_said_when_they_are_given() -> None:
    with pytest.raises(ValueError, match="-1"):
        Cheap(-1)


def test_the_standard_library_takes_them_for_dataclasses() -> None:
    def described(cls: Any) -> list[tuple[Any, ...]]:
        return [
            (one.name, one.type, one.default, one.default_factory, one.repr)
            for one in dataclasses.fields(cls)
        ]

    assert described(Cheap) == described(Plain)
    assert dataclasses.is_dataclass(Nothing)
    assert not dataclasses.fields(Nothing)
    assert dataclasses.replace(Cheap(1), second="x") == Cheap(1, "x")
    assert [*inspect.signature(Cheap).parameters] == [
        *inspect.signature(Plain).parameters
    ]
    assert Cheap.__match_args__ == Plain.__match_args__


def test_they_cannot_be_changed() -> None:
    made: Any = Cheap(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="'first'"):
        made.first = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="'first'"):
        del made.first
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.fifth = 2
    assert not hasattr(made, "__dict__")


def test_they_are_copied_and_pickled() -> None:
    for made in (Cheap(1, "2", [3], 5), One(None), Nothing(), Ordered(1, 2)):
        assert pickle.loads(pickle.dumps(made)) == made
        assert copy.deepcopy(made) == made


def test_equal_ones_have_one_hash() -> None:
    assert len({One(1), One(1), One(2), Other(1), Nothing(), Nothing()}) == 4
    other: Any = Other(1)
    assert One(1) != other
    with pytest.raises(TypeError, match="unhashable"):
        hash(One([]))


def test_ordered_ones_are_sorted_member_by_member() -> None:
    assert sorted([Ordered(2), Ordered(1, 5), Ordered(1)]) == [
        Ordered(1),
        Ordered(1, 5),
        Ordered(2),
    ]
    assert Ordered(1) <= Ordered(1)
    assert Ordered(1) >= Ordered(1)
    assert not Ordered(1) > Ordered(1)
    with pytest.raises(TypeError, match="not supported"):
        assert Ordered(1) < 3  # type: ignore[operator]


def test_own_functions_of_a_class_stay() -> None:
    assert ByName("a", 1) == ByName("a", 2) != ByName("b", 1)
    assert hash(ByName("a", 1)) != hash(ByName("a", 2))  # as a dataclass has it
    one = Same(1)
    assert one != Same(1)
    assert one in {one}


def test_whatever_is_different_is_a_dataclass_of_the_standard_library() -> None:
    @records.dataclass(slots=True)
    class Changing:
        first: int

    @records.dataclass(frozen=True, slots=True)
    class Derived(One):
        more: int = 0

    @records.dataclass(frozen=True, slots=True)
    class Uncompared:
        first: int
        second: int = dataclasses.field(default=0, compare=False)

    made = Changing(1)
    made.first = 2
    assert made == Changing(2)
    assert Derived(1, 2) == Derived(only=1, more=2)
    assert repr(Derived(1)).endswith("Derived(only=1, more=0)")
    assert Uncompared(1, 2) == Uncompared(1, 3)
