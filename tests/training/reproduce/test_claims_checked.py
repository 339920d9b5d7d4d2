"""Claims by intervals: what they show, what they refute, and what they leave open."""

from collections.abc import Mapping
from math import inf, nan

import pytest

pytest.importorskip("torch")

from subsetopt.training.reproduce.checks import (
    Pair,
    Standing,
    Term,
    exceeds,
    interval,
    more_so,
    on_average,
    pairs,
    steadier,
    unlike,
    within,
)
from subsetopt.training.reproduce.measuring import Line, Measured
from subsetopt.training.reproduce.parts import ACCURACY, Cell


def _measured(**cells: list[float]) -> Measured:
    """Return accuracies: ``a1=[...]`` are those of row a in column 1, by seed."""
    lines = tuple(
        Line(
            part="p",
            quantity=ACCURACY,
            cell=Cell(name[:-1], name[-1]),
            published=None,
            values=dict(enumerate(values)),
        )
        for name, values in cells.items()
    )
    return Measured(lines=lines, tests=0, results={}, parts=())


def _pairs(columns: str = "1") -> list[Pair]:
    return pairs("p", ["a"], "b", columns)


HIGH, LOW, NEAR = [0.9, 0.91, 0.92], [0.8, 0.815, 0.822], [0.9, 0.912, 0.919]
NOISY = [0.5, 0.99, 0.7]


@pytest.mark.parametrize(
    ("cells", "standing"),
    [
        ({"a1": HIGH, "b1": LOW}, Standing.HOLDS),
        ({"a1": LOW, "b1": HIGH}, Standing.FAILS),
        ({"a1": NOISY, "b1": LOW}, Standing.UNDECIDED),
        ({"a1": HIGH}, Standing.NOT_MEASURED),
        ({"a1": HIGH[:2], "b1": LOW[:2]}, Standing.UNDECIDED),
        ({"a1": [0.5] * 3, "b1": [0.4] * 3}, Standing.UNDECIDED),
        ({"a1": [nan] * 3, "b1": LOW}, Standing.FAILS),
        ({"a1": HIGH, "b1": [nan] * 3}, Standing.HOLDS),
        ({"a1": [0.9, nan, 0.9], "b1": LOW}, Standing.UNDECIDED),
    ],
)
def test_one_is_better(cells: Mapping[str, list[float]], standing: Standing) -> None:
    found = _measured(**cells)
    assert exceeds(_pairs())(found).standing is standing
    turned = {Standing.HOLDS: Standing.FAILS, Standing.FAILS: Standing.HOLDS}
    assert unlike(exceeds(_pairs()))(found).standing is turned.get(standing, standing)


def test_all_pairs_have_to_show_it() -> None:
    both = _measured(a1=HIGH, b1=LOW, a2=NOISY, b2=LOW)
    assert exceeds(_pairs("12"))(both).standing is Standing.UNDECIDED
    assert "1 of 2 comparisons show it, 0 the contrary" in exceeds(_pairs("12"))(both).why
    half = exceeds(_pairs("12"))(_measured(a1=HIGH, b1=LOW))
    assert half.standing is Standing.UNDECIDED
    assert "1 not measured" in half.why
    assert exceeds(_pairs("12"))(_measured(a1=HIGH, b1=LOW, a2=LOW, b2=HIGH)).standing is (
        Standing.FAILS
    )
    assert on_average(_pairs("12"))(_measured(a1=HIGH, b1=LOW, a2=HIGH, b2=LOW)).standing is (
        Standing.HOLDS
    )


def test_margins() -> None:
    near = _measured(a1=NEAR, b1=HIGH)
    assert within(_pairs(), 0.01)(near).standing is Standing.HOLDS
    assert within(_pairs(), 0.0001)(near).standing is Standing.UNDECIDED
    assert exceeds(_pairs(), -0.01)(near).standing is Standing.HOLDS
    apart = _measured(a1=HIGH, b1=LOW)
    assert within(_pairs(), 0.01)(apart).standing is Standing.FAILS
    assert exceeds(_pairs(), 0.2)(apart).standing is Standing.FAILS


def test_gains_and_changes_are_compared() -> None:
    found = _measured(a1=HIGH, b1=LOW, a2=NEAR, b2=HIGH)
    assert more_so(_pairs("1"), _pairs("2"))(found).standing is Standing.HOLDS
    assert more_so(_pairs("2"), _pairs("1"))(found).standing is Standing.FAILS
    found = _measured(a1=HIGH, a2=NEAR, b1=HIGH, b2=LOW)
    a, b = ([Term("p", Cell(row, column)) for column in "12"] for row in "ab")
    assert steadier(a, b)(found).standing is Standing.HOLDS
    assert steadier(b, a)(found).standing is Standing.FAILS


def test_intervals() -> None:
    low, high = interval([1.0, 2.0, 3.0])
    assert low == pytest.approx(2 - 4.302653 / 3**0.5)
    assert high == pytest.approx(2 + 4.302653 / 3**0.5)
    assert interval([1.0, 2.0]) == (-inf, inf)
    assert interval([inf] * 3) == (inf, inf)
    assert interval([inf, -inf, 1.0]) == (-inf, inf)
