"""Records of streams: made by position or by name, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from vmgen.stream.frozen import Frozen


class Pair(Frozen):
    first: int
    second: int = 2


class Other(Frozen):
    first: int
    second: int = 2


@pytest.mark.parametrize(
    ("values", "named"), [((1, 3), {}), ((1,), {"second": 3}), ((), {"second": 3, "first": 1})]
)  # fmt: skip
def test_members_come_by_position_and_by_name(
    values: tuple[int, ...], named: dict[str, Any]
) -> None:
    made: Any = Pair(*values, **named)
    assert (made.first, made.second) == (1, 3)
    assert repr(made) == "Pair(first=1, second=3)"


def test_a_member_that_is_left_out_has_its_default() -> None:
    assert Pair(1) == Pair(1, 2) == Pair(first=1)
    assert hash(Pair(1)) == hash(Pair(1, 2))
    assert Pair(1) != Pair(2)
    assert Pair(1) != Other(1)


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((), {"second": 3}), ((1, 2, 3), {}), ((1,), {"third": 3}),
     ((1, 2), {"third": 3}), ((1,), {"first": 1}), ((1, 2), {"second": 2})],
)  # fmt: skip
def test_no_other_members_are_taken(
    values: tuple[int, ...], named: dict[str, Any]
) -> None:
    with pytest.raises(TypeError, match="Pair"):
        Pair(*values, **named)
