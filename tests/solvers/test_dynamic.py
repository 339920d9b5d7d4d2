"""The dynamic program's table against enumeration."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from math import inf

import numpy as np
import pytest

from subsetopt.solvers._deadline import NEVER, Deadline
from subsetopt.solvers.exact import _dynamic
from subsetopt.solvers.exact._counts import CountLimits
from subsetopt.solvers.exact._integers import Subproblem


def _tables(values: list[int], counts: Sequence[int], width: int) -> _dynamic.SumTables:
    return _dynamic.SumTables(values, CountLimits.none(len(values)), counts, width)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("most", [3, 12, 200])
def test_the_best_of_the_table_is_the_best_of_all(seed: int, most: int) -> None:
    generator = np.random.default_rng([seed, most])
    values = generator.integers(0, most, 40 if most == 3 else 11).tolist()[:11]
    for count in (0, 1, 4, 11):
        wanted = Fraction(int(generator.integers(0, 3 * count * most + 2)), 3)
        sub = Subproblem(count, wanted, Fraction(0))
        best = min(abs(wanted - sum(c)) for c in combinations(values, count))
        table = _tables(values, [count], _dynamic.table_width(sub, best))
        assert table.fill(NEVER)
        subset = table.best(sub)
        assert subset is not None
        assert len(set(subset.tolist())) == count
        assert abs(wanted - sum(values[i] for i in subset)) == best


def test_nothing_where_no_sum_is_within_the_table() -> None:
    sub = Subproblem(2, Fraction(3), Fraction(0))
    table = _tables([50, 60, 2**70], [2], _dynamic.table_width(sub, Fraction(5)))
    assert table.fill(NEVER)
    assert table.best(sub) is None


def test_wanted_below_zero() -> None:
    sub = Subproblem(2, Fraction(-7, 2), Fraction(0))
    table = _tables([4, 0, 1], [2], _dynamic.table_width(sub, Fraction(5)))
    table.fill(NEVER)
    found = table.best(sub)
    assert found is not None
    assert found.tolist() == [1, 2]


def test_the_deadline_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    values, late = [1] * 100, Deadline(0.0)
    assert _tables(values, range(6), 50).fill(late)  # all were in before the first look
    monkeypatch.setattr(_dynamic, "_WORDS_AT_ONCE", 99 * 6)
    assert not _tables(values, range(6), 50).fill(late)
    assert _tables(values, range(6), 50).fill(NEVER)


def test_estimates_grow_and_stay_finite() -> None:
    small, large = (
        _dynamic.estimate(CountLimits.none(100), range(11), width) for width in (1000, 10**6)
    )
    assert small[0] < large[0] < inf
    assert small[1] < large[1] < inf
    none = CountLimits.none(10**6)
    assert _dynamic.estimate(none, [10**5], 10**400)[0] < inf
    table = _tables([1] * 100, range(11), 1000)
    table.fill(NEVER)
    assert small[1] == pytest.approx(table._first[0][0].nbytes, rel=0.1)
