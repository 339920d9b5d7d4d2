"""Claims by intervals: what they show, what they refute, and what they leave open."""

from collections.abc import Mapping
from math import inf, nan
from typing import Any

import pytest

pytest.importorskip("torch")

from subsetopt.papers._claims import Claim, Finding, Standing, interval
from subsetopt.papers._parts import Pairs, Quantity, TableCell
from subsetopt.papers.measuring import Line, Measured

ACCURACY = Quantity(name="accuracy", value="final.accuracy", better="higher", share=True)


def _measured(**cells: list[float]) -> Measured:
    """Return accuracies: ``a1=[...]`` are those of row a in column 1, by seed."""
    lines = tuple(
        Line(
            part="p",
            quantity=ACCURACY,
            cell=TableCell(name[:-1], name[-1]),
            published=None,
            values=dict(enumerate(values)),
        )
        for name, values in cells.items()
    )
    return Measured(lines=lines, tests=0, results={}, parts=())


def _pairs(columns: str = "1") -> Pairs:
    return Pairs(part="p", row="a", than="b", column=tuple(columns))


def _judged(found: Measured, check: Any, pairs: Pairs | None = None, **given: Any) -> Finding:
    return Claim(text="", check=check, pairs=pairs or _pairs(), **given).judged(found)


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
    assert _judged(found, "exceeds").standing is standing
    turned = {Standing.HOLDS: Standing.FAILS, Standing.FAILS: Standing.HOLDS}
    opposite = _judged(found, "exceeds", opposite=True)
    assert opposite.standing is turned.get(standing, standing)


def test_all_pairs_have_to_show_it() -> None:
    two = _pairs("12")
    both = _judged(_measured(a1=HIGH, b1=LOW, a2=NOISY, b2=LOW), "exceeds", two)
    assert both.standing is Standing.UNDECIDED
    assert "1 of 2 comparisons show it, 0 the contrary" in both.why
    half = _judged(_measured(a1=HIGH, b1=LOW), "exceeds", two)
    assert half.standing is Standing.UNDECIDED
    assert "1 not measured" in half.why
    split = _judged(_measured(a1=HIGH, b1=LOW, a2=LOW, b2=HIGH), "exceeds", two)
    assert split.standing is Standing.FAILS
    alike = _measured(a1=HIGH, b1=LOW, a2=HIGH, b2=LOW)
    assert _judged(alike, "on_average", two).standing is Standing.HOLDS


def test_margins() -> None:
    near = _measured(a1=NEAR, b1=HIGH)
    assert _judged(near, "within", by=0.01).standing is Standing.HOLDS
    assert _judged(near, "within", by=0.0001).standing is Standing.UNDECIDED
    assert _judged(near, "exceeds", by=-0.01).standing is Standing.HOLDS
    apart = _measured(a1=HIGH, b1=LOW)
    assert _judged(apart, "within", by=0.01).standing is Standing.FAILS
    assert _judged(apart, "exceeds", by=0.2).standing is Standing.FAILS


def test_gains_and_changes_are_compared() -> None:
    found = _measured(a1=HIGH, b1=LOW, a2=NEAR, b2=HIGH)
    one, other = _pairs("1"), _pairs("2")
    assert _judged(found, "more_so", one, than=other).standing is Standing.HOLDS
    assert _judged(found, "more_so", other, than=one).standing is Standing.FAILS
    found = _measured(a1=HIGH, a2=NEAR, b1=HIGH, b2=LOW)
    assert _judged(found, "steadier", _pairs("12")).standing is Standing.HOLDS
    turned = Pairs(part="p", row="b", than="a", column=("1", "2"))
    assert _judged(found, "steadier", turned).standing is Standing.FAILS


def test_seeds_that_diverged_on_either_side_decide_nothing() -> None:
    found = _measured(a1=[nan, 0.9, 0.9], b1=[0.8, nan, 0.8])
    finding = _judged(found, "exceeds")
    assert finding.standing is Standing.UNDECIDED
    assert "gain +nan (-inf to +inf)" in finding.why


def test_pairs_are_all_combinations_but_a_cell_and_itself() -> None:
    pairs = Pairs(part="p", row=("a", "b"), than=("a", "c"), column="1", quantity=("x", "y"))
    names = [(pair.name, pair.one.quantity) for pair in pairs.each()]
    assert names == [
        (f"{name} less {other}", quantity)
        for name, other in (("a 1", "c"), ("b 1", "a"), ("b 1", "c"))
        for quantity in ("x", "y")
    ]
    (other,) = Pairs(part="p", row="a", column="1", than_part="q", than_column="2").each()
    assert other.name == "a 1 less 2 q"


def test_intervals() -> None:
    low, high = interval([1.0, 2.0, 3.0])
    assert low == pytest.approx(2 - 4.302653 / 3**0.5)
    assert high == pytest.approx(2 + 4.302653 / 3**0.5)
    assert interval([1.0, 2.0]) == (-inf, inf)
    assert interval([inf] * 3) == (inf, inf)
    assert interval([inf, -inf, 1.0]) == (-inf, inf)
