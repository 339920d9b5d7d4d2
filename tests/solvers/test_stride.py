"""OBFTF_prox against the paper's listing."""

from math import floor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so


def _listing(losses: list[float], k: int) -> list[int]:
    """The listing, word for word: sort descending, every stride-th from the stride-th on."""
    order = sorted(range(len(losses)), key=lambda i: -losses[i])
    stride = len(losses) / (k + 1)
    return sorted(order[floor(i * stride)] for i in range(1, k + 1))


@settings(deadline=None, derandomize=True)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.data())
def test_is_the_listing(losses: list[float], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(losses)))
    solution = so.solve(so.MeanMatching(losses, k=k), "stride")
    assert solution.indices is not None
    assert solution.indices.tolist() == _listing(losses, k)


def test_is_the_listing_where_strides_are_whole() -> None:
    for n in range(1, 130):
        losses = np.random.default_rng(n).permutation(n).astype(np.float32)
        for k in {1, 2, n // 4, n // 2 - 1, n // 2, n - 1, n} & set(range(1, n + 1)):
            solution = so.solve(so.MeanMatching(losses, k=k), "stride")
            assert solution.indices is not None
            assert solution.indices.tolist() == _listing(losses.tolist(), k)


def test_does_not_look_at_the_target() -> None:
    losses = np.random.default_rng(0).exponential(size=30)
    one = so.solve(so.MeanMatching(losses, k=7), "stride")
    two = so.solve(so.MeanMatching(losses, k=7, target=100.0), "stride")
    assert one.indices is not None
    assert two.indices is not None
    assert one.indices.tolist() == two.indices.tolist()
    assert one.termination is so.Termination.FINISHED


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint8])
def test_extreme_integers_sort_right(dtype: Any) -> None:
    info = np.iinfo(dtype)
    losses = np.array([max(info.min, -(2**52)), 5, min(info.max, 2**52)], dtype=dtype)
    solution = so.solve(so.MeanMatching(losses, k=1), "stride")
    assert solution.indices is not None
    assert solution.indices.tolist() == [1]


def test_vectors_are_refused() -> None:
    with pytest.raises(so.UnsupportedProblem, match="swap"):
        so.solve(so.MeanMatching(np.ones((4, 2)), k=2), "stride")


def test_quotas_sample_each_group_by_its_share() -> None:
    losses, labels = np.random.default_rng(1).exponential(size=40), np.arange(40) % 4
    quota = so.Quota(labels, at_least={0: 6}, at_most={1: 1})
    problem = so.MeanMatching(losses, k=12, constraints=so.Constraints(quotas=quota))
    solution = so.solve(problem, "stride")
    assert solution.indices is not None
    for groups, count in (([0], 6), ([1], 1), ([2, 3], 5)):  # those without limits are one
        own = np.flatnonzero(np.isin(labels, groups))
        expected = own[_listing(losses[own].tolist(), count)]
        assert np.intersect1d(solution.indices, own).tolist() == sorted(expected.tolist())


def test_at_most_takes_as_many_as_quotas_allow() -> None:
    quota = so.Quota([0] * 3 + [1] * 7, at_most={0: 2, 1: 3})
    rules = so.Constraints(quotas=quota)
    problem = so.MeanMatching(np.arange(10.0), k=8, cardinality="at_most", constraints=rules)
    solution = so.solve(problem, "stride")
    assert solution.indices is not None
    assert len(solution.indices) == 5
