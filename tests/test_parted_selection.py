"""Selecting from parts that stay in place: shares, exact means, and all kinds of parts."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so


def _parts(*sizes: int, seed: int = 0, dtype: Any = np.float64) -> list[Any]:
    draw = np.random.default_rng(seed)
    return [draw.exponential(size=n).astype(dtype) + p for p, n in enumerate(sizes)]


def _checked(parts: list[Any], k: int, **options: Any) -> so.PartedSelection:
    """Return a selection after a look at all that is said of it."""
    found = so.select_parts(parts, k, **options)
    joined = np.concatenate(parts)
    assert found.sizes == tuple(map(len, parts))
    assert found.k == k
    assert found.indices.dtype == np.int64
    assert found.objective == so.MeanMatching(joined, k, options.get("target")).objective(
        found.indices
    )
    for part, chosen in zip(parts, found.parts, strict=True):
        assert chosen.tolist() == sorted(set(chosen.tolist()))
        assert abs(len(chosen) - Fraction(k * len(part), len(joined))) < 1
    return found


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(0, 9), st.data())
def test_shares_and_means_are_exact(sizes: list[int], seed: int, data: Any) -> None:
    parts = _parts(*sizes, 1, seed=seed, dtype=data.draw(st.sampled_from([np.float32, float])))
    k = data.draw(st.integers(1, sum(sizes) + 1))
    found = _checked(parts, k, seed=seed)
    again = so.select_parts(parts, k, seed=seed)
    assert again.indices.tolist() == found.indices.tolist()


@pytest.mark.parametrize(
    ("sizes", "k", "most"),
    [
        ((300, 300, 300), 90, 1e-9),
        ((900,), 90, 1e-9),
        ((5, 700, 3, 0, 190), 60, 1e-9),
        ((60,) * 40, 60, 1e-8),  # one or two of each
        ((60,) * 40, 12, 1e-4),  # none of most
    ],
)
def test_the_mean_of_all_is_met(sizes: tuple[int, ...], k: int, most: float) -> None:
    assert _checked(_parts(*sizes), k).objective < most


def test_a_target_away_from_the_mean_is_met_by_all_parts() -> None:
    found = _checked(_parts(300, 300, 300), 45, target=4.0)
    assert found.objective < 1e-8
    assert found.target == 4
    out_of_reach = _checked(_parts(300, 300), 30, target=-1.0)
    lowest = [np.sort(part)[:15].sum() for part in _parts(300, 300)]
    assert out_of_reach.mean == pytest.approx(sum(lowest) / 30, abs=0.05)


@pytest.mark.parametrize("factor", [1e300, 1e-300, 1e9])
def test_magnitudes_do_not_matter(factor: float) -> None:
    parts = [factor * part for part in _parts(300, 300)]
    assert _checked(parts, 60).objective < 1e-8 * factor
    moved = [factor + part for part in _parts(300, 300)]
    assert _checked(moved, 60).objective <= max(1e-6, np.spacing(factor))


def test_the_chosen_resemble_all() -> None:
    parts = [part - p for p, part in enumerate(_parts(*[500] * 12))]
    for k in (24, 240):  # two of each, whose quantiles differ
        found, joined = _checked(parts, k), np.sort(np.concatenate(parts))
        ranks = np.searchsorted(joined, np.sort(np.concatenate(parts)[found.indices])) / len(joined)
        apart = np.abs(ranks - (np.arange(k) + 0.5) / k).max()
        assert apart < 0.8 / np.sqrt(k)  # of a draw it is 0.87 on average


def test_arrow_and_dask_are_parts() -> None:
    pa, dask_array = pytest.importorskip("pyarrow"), pytest.importorskip("dask.array")
    frames = pytest.importorskip("dask.dataframe")
    parts = _parts(200, 300, 100)
    wanted = so.select_parts(parts, 60)
    chunked = pa.chunked_array(parts)
    assert so.select_parts(chunked, 60).indices.tolist() == wanted.indices.tolist()
    array = dask_array.concatenate([dask_array.from_array(part, chunks=-1) for part in parts])
    column = frames.from_map(lambda part: __import__("pandas").Series(part), parts)
    for lazy in (array, column):
        assert so.select_parts(lazy, 60).indices.tolist() == wanted.indices.tolist()
        assert so.select(lazy, 60).tolist() == wanted.indices.tolist()


def test_integers_and_half_precision_are_summed_exactly() -> None:
    whole = np.random.default_rng(1).integers(2**51, 2**52, (3, 50))
    _checked(list(whole), 30)
    half = [part.astype(np.float16) for part in _parts(100, 100)]
    found = so.select_parts([part.tolist() for part in half], 20)
    assert so.select_parts(half, 20).indices.tolist() == found.indices.tolist()


@pytest.mark.parametrize(
    ("losses", "k", "words"),
    [
        ([np.ones(3), np.array([0.0, np.nan])], 2, r"losses\[1\]\[1\] is nan"),
        ([np.ones(3), np.ones((2, 2))], 2, r"losses\[1\] must have shape \(n,\)"),
        ([np.ones(3), np.array(["a"])], 2, r"losses\[1\]"),
        ([np.ones(3)], 4, r"k"),
        ([], 1, r"part"),
        ([np.empty(0)], 1, r"part"),
        (np.ones(3), 1, r"\[losses\]"),
        (7, 1, r"list of arrays"),
    ],
)
def test_what_are_no_parts_is_refused(losses: Any, k: int, words: str) -> None:
    with pytest.raises(so.InvalidProblem, match=words):
        so.select_parts(losses, k)
    with pytest.raises(so.InvalidOption, match="seed"):
        so.select_parts([np.ones(3)], 1, seed=-1)
