"""The reduction to whole numbers, and the bounds that need no search."""

from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so
from subsetopt.solvers.exact import _integers
from subsetopt.solvers.exact._integers import Integers

VALUES: dict[str, Any] = {
    "float32": np.random.default_rng(0).exponential(size=8).astype(np.float32),
    "float64": np.random.default_rng(1).normal(size=8),
    "wide": np.array([1e-300, 1e300, -2e-300, 3.0, -1e300, 5e299, 1e-8, 0.0]),
    "integers": np.array([6, 12, -18, 30, 6, 0, 42, 12]),
    "constant": np.full(8, 0.1),
    "zeros": np.zeros(8),
    "denormal": np.arange(8) * 5e-324,
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("cardinality", ["exactly", "at_most"])
@pytest.mark.parametrize("k", [1, 3, 6, 8])
def test_distances_are_the_objective(name: str, cardinality: Any, k: int) -> None:
    problem = so.MeanMatching(VALUES[name], k=k, target=None, cardinality=cardinality)
    integers = Integers.of(problem)
    assert min(integers.values) == 0
    assert np.gcd.reduce(np.array(integers.values, dtype=object)) in (0, 1)
    for size in range(problem.smallest_count, k + 1):
        for chosen in list(combinations(range(8), size))[::5]:
            selection = np.array(chosen, dtype=np.int64)
            subset = integers.subset(selection)
            assert integers.selection(subset).tolist() == list(chosen)
            sub = next(s for s in integers.subproblems if s.count == subset.size)
            distance = integers.distance(subset, sub)
            assert distance * integers.unit == problem.exact_objective(selection)
            assert distance >= sub.least


def test_more_than_half_are_chosen_by_what_is_left_out() -> None:
    many = Integers.of(so.MeanMatching(VALUES["float64"], k=6))
    assert many.complement
    assert [sub.count for sub in many.subproblems] == [2]
    few = Integers.of(so.MeanMatching(VALUES["float64"], k=4))
    assert not few.complement
    assert [sub.count for sub in few.subproblems] == [4]


@pytest.mark.parametrize(("value", "zeros"), [(0, 16), (1, 0), (-8, 3), (2**40, 16), (48, 4)])
def test_trailing_zeros(value: int, zeros: int) -> None:
    assert _integers.trailing_zeros(value) == zeros


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.lists(st.integers(-5, 9).map(lambda i: i << 13), max_size=5),
    st.fractions(-(2**18), 2**18, max_denominator=9),
)
def test_reachable_residues_and_the_least_distance(numbers: list[int], wanted: Fraction) -> None:
    modulus = 2**_integers.RESIDUE_BITS
    sums = {
        sum(c) % modulus for size in range(len(numbers) + 1) for c in combinations(numbers, size)
    }
    reachable = _integers.reachable_residues(numbers)
    assert set(np.flatnonzero(reachable).tolist()) == sums
    below = {(wanted.__floor__() - residue) % modulus for residue in sums}
    above = {(residue - wanted.__floor__() - 1) % modulus + 1 for residue in sums}
    fraction = wanted - wanted.__floor__()
    expected = min(fraction + min(below), min(above) - fraction)
    assert _integers.least_distance(reachable, wanted) == expected
