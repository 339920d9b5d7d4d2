"""Plain data are of the types that a dataclass declares, or refused with the field named."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

import pytest

from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats._declared import declared


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Point:
    x: float
    y: float = 0.0

    def __post_init__(self) -> None:
        if self.y < 0:
            raise InvalidOption(f"y is {self.y}")


@dataclass(frozen=True, kw_only=True)
class Drawing:
    name: str
    count: int
    filled: bool = False
    side: Literal["left", "right"] = "left"
    colour: Colour | None = None
    points: tuple[Point, ...] = ()
    counts: list[int] = field(default_factory=list)
    scales: Mapping[str, float] = field(default_factory=dict)
    anything: Any = None


WHOLE: dict[str, Any] = {
    "name": "a",
    "count": 3,
    "filled": True,
    "side": "right",
    "colour": "blue",
    "points": [{"x": 1}, {"x": 2.5, "y": 1.0}],
    "counts": [1, 2],
    "scales": {"u": 1, "v": 0.5},
    "anything": [None, "x"],
}


def test_what_fits() -> None:
    made = declared(Drawing, WHOLE, "drawing")
    assert made.colour is Colour.BLUE
    assert made.points == (Point(1.0), Point(2.5, 1.0))
    assert isinstance(made.points[0].x, float)
    assert made.scales == {"u": 1.0, "v": 0.5}
    assert declared(Drawing, asdict(made), "drawing") == made
    assert declared(Drawing, {"name": "a", "count": 1}, "drawing").counts == []
    assert declared(Drawing, {**WHOLE, "more": 1}, "drawing", ignore=True) == made


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": 3}, "name: must be a string; got 3"),
        ({"name": None}, "name: must be a string; got None"),
        ({"count": 1.0}, "count: must be an integer; got 1.0"),
        ({"count": True}, "count: must be .*; got True"),
        ({"count": 2**63}, "count: must be .*; got 9223372036854775808"),
        ({"count": -(10**400)}, "count: must be .*; got -1000"),
        ({"filled": 1}, "filled: must be true or false; got 1"),
        ({"side": "up"}, "side: must be one of 'left', 'right'; got 'up'"),
        ({"side": []}, "side"),
        ({"colour": "green"}, "'green' is not a valid Colour"),
        ({"colour": []}, "colour"),
        ({"points": {"x": 1}}, "points: must be a list; got .*"),
        ({"points": [3]}, "points: entry 1: must be a mapping; got 3"),
        ({"points": [{"x": "1"}]}, "points: entry 1: x: must be a number; got '1'"),
        ({"points": [{"y": 1.0}]}, "points: entry 1: x is missing"),
        ({"points": [{"x": 1, "z": 1}]}, "points: entry 1: 'z' is unknown"),
        ({"points": [{"x": 1, "y": -1}]}, "points: entry 1: y is -1"),
        ({"counts": [1, "2"]}, "counts: entry 2: must be .*; got '2'"),
        ({"scales": {1: 2.0}}, "scales: must be a mapping of names"),
        ({"scales": {"u": 10**400}}, "scales"),
        ({"more": 1}, "'more' is unknown"),
    ],
)
def test_what_does_not(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidFile, match=f"this is no drawing: .*{message}") as caught:
        declared(Drawing, {**WHOLE, **changes}, "drawing")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("data", [None, 3, [], "a", [("name", "a")]])
def test_what_is_no_mapping(data: object) -> None:
    with pytest.raises(InvalidFile, match="must be a mapping"):
        declared(Drawing, data, "drawing")
