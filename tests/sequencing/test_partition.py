"""Partitions: sizes, classes, groups, their objective, limits; bad input."""

import tracemalloc
from functools import partial
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.sequencing import _part_counts, _part_search

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
CLASSES = RNG.integers(0, 4, 120)
GROUPS = np.sort(RNG.integers(0, 30, 120))


def mmd(K: NDArray[Any], parts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The root MMD between all pairs of parts, by its definition."""
    marks = np.eye(parts.max() + 1)[parts]
    weights = marks / marks.sum(axis=0)
    means = weights.T @ K @ weights
    own = means.diagonal()
    return np.asarray(np.sqrt(np.maximum(own[:, None] + own - 2 * means, 0)))


def objective(K: NDArray[Any], parts: NDArray[np.int64]) -> float:
    shares = np.bincount(parts) / len(parts)
    return float((np.outer(shares, shares) * mmd(K, parts) ** 2).sum() / 2)


def gaussian(X: NDArray[Any]) -> NDArray[Any]:
    return so.Gaussian().fitted(X)(X, X)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**20),
    n=st.integers(4, 60),
    p=st.integers(2, 4),
    classes=st.integers(0, 5),
)
def test_sizes_classes_and_values(seed: int, n: int, p: int, classes: int) -> None:
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, 2))
    labels = generator.integers(0, classes, n) if classes else None
    cuts = np.sort(generator.choice(n - 1, p - 1, replace=False)) + 1
    sizes = np.diff([0, *cuts, n])
    result = so.partition(X, sizes, balance=labels, seed=seed, full_output=True, draws=3)
    np.testing.assert_array_equal(np.bincount(result.parts, minlength=p), sizes)
    np.testing.assert_array_equal(result.sizes, sizes)
    assert result.parts.dtype == np.int64
    if labels is not None:
        for label in range(classes):
            counts = np.bincount(result.parts[labels == label], minlength=p)
            proportional = sizes * (labels == label).mean()
            assert np.abs(counts - proportional).max() <= 1 + 1e-9
        assert result.off_balance is not None
        assert result.off_balance <= 1 + 1e-9
    K = gaussian(X)
    np.testing.assert_allclose(result.mmd, mmd(K, result.parts), atol=2e-7)
    assert result.objective == pytest.approx(objective(K, result.parts), abs=1e-12)
    assert result.termination is so.Termination.FINISHED
    again = so.partition(X, sizes, balance=labels, seed=seed, threads=1)
    np.testing.assert_array_equal(again, result.parts)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**20), groups=st.integers(4, 20), balanced=st.booleans())
def test_groups_stay_together(seed: int, groups: int, balanced: bool) -> None:
    generator = np.random.default_rng(seed)
    names = np.concatenate([np.arange(groups), generator.integers(0, groups, 40)])
    X = generator.normal(size=(len(names), 2))
    labels = generator.integers(0, 2, len(names)) if balanced else None
    assume(3 * np.bincount(names).max() <= len(names))
    result = so.partition(
        X, 3, balance=labels, keep_together=names.astype(str), seed=seed, full_output=True, draws=1
    )
    for name in range(groups):
        assert len({*result.parts[names == name]}) == 1
    np.testing.assert_array_equal(np.bincount(result.parts, minlength=3), result.sizes)
    assert result.objective == pytest.approx(objective(gaussian(X), result.parts), abs=1e-12)
    # A part is never off by more than the largest group: the smallest one would go elsewhere.
    assert np.abs(result.sizes - result.asked).max() <= np.bincount(names).max()


def test_the_largest_groups_are_dealt_out_first(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, dealt = _part_counts._attempt, []

    def watched(kernels: Any, order: Any, demands: Any, *rest: Any) -> Any:
        dealt.append(demands[order, 0].tolist())
        return whole(kernels, order, demands, *rest)

    monkeypatch.setattr(_part_counts, "_attempt", watched)
    sizes = [3, 9, 1, 7, 5, 2, 8]
    groups = np.repeat(np.arange(len(sizes)), sizes)
    so.partition(np.arange(len(groups)), 3, keep_together=groups)
    assert dealt[0] == sorted(sizes, reverse=True)


def test_groups_of_one_row_are_rows() -> None:
    names = np.random.default_rng(1).permutation(120)
    result = so.partition(X, 3, balance=CLASSES, keep_together=names, full_output=True, draws=1)
    assert result.sizes.tolist() == [40, 40, 40]
    assert result.objective == pytest.approx(objective(gaussian(X), result.parts), abs=1e-12)
    rows = so.partition(X, 3, balance=CLASSES, full_output=True, draws=1)
    assert result.objective < 1.2 * rows.objective


def test_one_row_a_part_and_one_row_a_class() -> None:
    assert sorted(so.partition(X[:20], 20).tolist()) == list(range(20))
    assert np.bincount(so.partition(X, [119, 1], balance=np.arange(120))).tolist() == [119, 1]


@pytest.mark.parametrize("kernel", ["gaussian", lambda A, B: so.Gaussian(1.0)(A, B)])
def test_sums_between_groups_of_many_rows(kernel: Any) -> None:
    """Groups of many rows span several tiles of the kernel matrix."""
    many = np.random.default_rng(0).normal(size=(1500, 2))
    names = np.random.default_rng(1).integers(0, 9, 1500)
    result = so.partition(many, 2, kernel=kernel, keep_together=names, full_output=True, draws=1)
    used = so.Gaussian(1.0) if kernel != "gaussian" else so.Gaussian().fitted(many)
    assert result.objective == pytest.approx(objective(used(many, many), result.parts), rel=1e-6)
    assert (np.array([len({*result.parts[names == name]}) for name in range(9)]) == 1).all()


def all_partitions(n: int, sizes: list[int]) -> NDArray[np.int64]:
    return np.array([*{*permutations(np.repeat(np.arange(len(sizes)), sizes).tolist(), n)}])


def test_as_good_as_the_best_of_all_partitions() -> None:
    hits = 0
    every = all_partitions(8, [4, 2, 2])
    for seed in range(10):
        X = np.random.default_rng(seed).normal(size=(8, 2))
        K = gaussian(X)
        best = min(objective(K, parts) for parts in every)
        result = so.partition(X, [4, 2, 2], full_output=True, draws=1, seed=seed)
        assert result.objective >= best - 1e-12
        hits += result.objective <= best + 1e-12
    assert hits == 10


def test_sizes_of_groups_are_as_near_as_they_can_be() -> None:
    for seed in range(5):
        generator = np.random.default_rng(seed)
        sizes = generator.integers(2, 9, 9)
        names = np.repeat(np.arange(9), sizes)
        n = len(names)
        result = so.partition(
            generator.normal(size=(n, 2)), [0.6, 0.4], keep_together=names, tolerance=0,
            full_output=True,
        )  # fmt: skip
        subsets = (np.arange(2**9)[:, None] >> np.arange(9)) & 1
        nearest = np.abs(subsets @ sizes - result.asked[0]).min()
        assert abs(result.sizes[0] - result.asked[0]) == nearest


def test_several_labellings() -> None:
    sex, region = RNG.choice(["f", "m"], 120), RNG.integers(0, 3, 120)
    named = {"sex": sex, "region": region}
    parts = so.partition(X, [60, 40, 20], balance=named)
    for labels in named.values():
        for label in np.unique(labels):
            counts = np.bincount(parts[labels == label], minlength=3)
            assert np.abs(counts - np.array([60, 40, 20]) * (labels == label).mean()).max() <= 1
    pandas = pytest.importorskip("pandas")
    for several in ([sex, region], pandas.DataFrame(named)):
        np.testing.assert_array_equal(so.partition(X, [60, 40, 20], balance=several), parts)
    numbers = np.column_stack([sex == "m", region])
    np.testing.assert_array_equal(so.partition(X, [60, 40, 20], balance=numbers), parts)


@pytest.mark.parametrize("balance", [None, CLASSES])
@pytest.mark.parametrize("groups", [None, GROUPS])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_block_after_block(
    monkeypatch: pytest.MonkeyPatch, balance: Any, groups: Any, dtype: Any
) -> None:
    """What is not one block gives sums of the same kind, and a partition that is better too."""
    monkeypatch.setattr(_part_search, "ALONE", 10)
    monkeypatch.setattr(_part_search, "BLOCK", 16)
    given = {"balance": balance, "keep_together": groups}
    result = so.partition(X.astype(dtype), [0.5, 0.3, 0.2], full_output=True, **given)
    K = gaussian(X.astype(dtype)).astype(np.float64)
    assert result.objective == pytest.approx(objective(K, result.parts), rel=1e-4)
    assert result.mmd.max() < (0.7 if groups is None else 1.0) * result.random_mmd.max()
    again = so.partition(X.astype(dtype), [0.5, 0.3, 0.2], threads=1, **given)
    np.testing.assert_array_equal(again, result.parts)
    if groups is None:
        assert result.sizes.tolist() == [60, 36, 24]


def test_tolerance_lets_sizes_and_classes_stray_for_a_better_match() -> None:
    given: dict[str, Any] = {"balance": CLASSES, "keep_together": GROUPS, "full_output": True}
    near = so.partition(X, [0.5, 0.3, 0.2], tolerance=0, **given)
    loose = so.partition(X, [0.5, 0.3, 0.2], tolerance=0.05, **given)
    assert loose.objective < near.objective
    assert np.abs(loose.sizes - loose.asked).max() <= 6
    assert loose.off_balance is not None
    assert loose.off_balance <= max(6, near.off_balance or 0)


def test_a_precomputed_matrix_and_functions_are_as_features_are() -> None:
    K = gaussian(X)
    parts = so.partition(X, 3, balance=CLASSES)
    given = so.partition(K, 3, balance=CLASSES, kernel="precomputed", full_output=True)
    assert given.objective == pytest.approx(objective(K, parts), rel=0.05)
    made = so.partition(X, 3, balance=CLASSES, kernel=lambda A, B: so.Gaussian(1.5)(A, B))
    named = so.partition(X, 3, balance=CLASSES, kernel=so.Gaussian(1.5))
    assert (made == named).mean() > 0.9


def test_the_matrix_is_never_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_part_search, "ALONE", 64)
    monkeypatch.setattr(_part_search, "BLOCK", 64)
    many = np.random.default_rng(0).normal(size=(4000, 2))
    so.partition(many[:300], 2)
    tracemalloc.start()
    try:
        so.partition(many, 2, kernel=so.Gaussian(1.0), threads=1)  # the median takes a sample
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * 4000**2 / 4


# -- limits ---------------------------------------------------------------------------------------


def test_ctrl_c_keeps_the_best_so_far(caplog: pytest.LogCaptureFixture) -> None:
    def interrupted(done: int, total: int) -> None:
        if done > 50:
            raise KeyboardInterrupt

    result = so.partition(X, [0.7, 0.3], progress=interrupted, full_output=True)
    assert result.termination is so.Termination.INTERRUPTED
    assert result.sizes.tolist() == [84, 36]
    assert result.mmd[0, 1] < result.random_mmd[0, 1]
    assert "interrupted" in caplog.text


def test_no_time_at_all(caplog: pytest.LogCaptureFixture) -> None:
    result = so.partition(X, 3, balance=CLASSES, time_limit=1e-9, full_output=True)
    assert result.termination is so.Termination.TIME_LIMIT
    assert result.sizes.tolist() == [40, 40, 40]
    assert np.isnan(result.mmd[0, 1])
    assert "made from neighbouring rows alone" in caplog.text


@pytest.mark.parametrize("kernel", ["gaussian", "precomputed", so.Linear()])
@pytest.mark.parametrize("labels", [None, np.arange(600) % 3])
def test_without_time_parts_are_closer_than_random_ones(kernel: Any, labels: Any) -> None:
    """Neighbours are dealt out, which takes no sums over all pairs."""
    X = np.random.default_rng(0).normal(size=(600, 3))
    K = X @ X.T if isinstance(kernel, so.Linear) else gaussian(X)
    given = K if kernel == "precomputed" else X
    options: dict[str, Any] = {"balance": labels, "kernel": kernel, "full_output": True}
    result = so.partition(given, [0.7, 0.15, 0.15], time_limit=1e-9, **options)
    random = so.partition(given, [0.7, 0.15, 0.15], **options).random_mmd
    assert result.sizes.tolist() == [420, 90, 90]
    assert np.triu(mmd(K, result.parts)).sum() < 0.75 * np.triu(random).sum()
    if labels is not None:
        assert result.off_balance is not None
        assert result.off_balance <= 1


def test_blocks_of_neighbours_are_searched_before_the_sums_over_all_pairs() -> None:
    many = np.random.default_rng(0).normal(size=(4200, 2))
    ended: list[float] = []

    def interrupted(stop: int, done: int, total: int) -> None:
        if done >= stop:
            raise KeyboardInterrupt

    for stop in (0, 10):  # before the first block, and after the last
        progress = partial(interrupted, stop)
        parts = so.partition(many, [0.6, 0.4], kernel="linear", progress=progress)
        assert np.bincount(parts).tolist() == [2520, 1680]
        ended.append(float(np.linalg.norm(many[parts == 0].mean(0) - many[parts == 1].mean(0))))
    generator = np.random.default_rng(1)
    shuffled = [generator.permutation(parts) for _ in range(9)]
    random = [np.linalg.norm(many[a == 0].mean(0) - many[a == 1].mean(0)) for a in shuffled]
    assert ended[0] < 0.5 * np.median(random)
    assert ended[1] < 0.5 * ended[0]


def test_progress_goes_from_0_to_100() -> None:
    told: list[tuple[int, int]] = []
    so.partition(X, 3, progress=lambda *far: told.append(far))
    assert told == sorted(told)
    assert told[0] == (0, 100)
    assert told[-1] == (100, 100)


# -- results --------------------------------------------------------------------------------------


def test_a_result_shows_itself(tmp_path: Any) -> None:
    result = so.partition(X, [0.5, 0.3, 0.2], balance=CLASSES, full_output=True)
    assert len(result) == 3
    assert [len(rows) for rows in result.indices] == [60, 36, 24]
    assert repr(result).startswith("Partition(sizes=[60, 36, 24], mmd=0.")
    pairs = list(result.pairs())
    assert [(row["part"], row["other"]) for row in pairs] == [(0, 1), (0, 2), (1, 2)]
    assert pairs[0]["mmd"] < pairs[0]["stratified_mmd"]
    assert not result.parts.flags.writeable
    pytest.importorskip("pandas")
    assert result.to_frame().shape == (3, 7)
    pytest.importorskip("matplotlib")
    result.plot(tmp_path / "parts.svg")
    assert "<svg" in (tmp_path / "parts.svg").read_text()


def test_equal_rows_are_all_alike() -> None:
    result = so.partition(np.ones((9, 2)), 3, full_output=True)
    assert result.sizes.tolist() == [3, 3, 3]
    assert result.objective == pytest.approx(0, abs=1e-12)


# -- sizes and bad input --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "counts"),
    [
        ([0.7, 0.15, 0.15], [7, 2, 1]),
        ([0.5, 0.5], [5, 5]),
        ([1 / 3] * 3, [4, 3, 3]),
        ([6, 4], [6, 4]),
        (4, [3, 3, 2, 2]),
        (np.array([9, 1]), [9, 1]),
    ],
)
def test_sizes(sizes: Any, counts: list[int]) -> None:
    assert np.bincount(so.partition(np.arange(10.0), sizes)).tolist() == counts


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([6, 3], "sizes sum to 9, but X has 10 rows; add a part of 1"),
        ([6, 5], "sizes sum to 11, but X has 10 rows; take 1 rows off"),
        ([0.7, 0.2], "sum to 0.9: add a part of 0.1, or divide them by 0.9"),
        ([0.7, 0.7], "shares must sum to 1; .* sum to 1.4: divide them by 1.4"),
        ([1.2, -0.2], "shares must be greater than 0"),
        ([0.99, 0.01], "part 1 would have 0 of 10 rows"),
        ([10, 0], "part 1 would have 0 of 10 rows"),
        ([10], "sizes must name between 2 and n = 10 parts; got 1"),
        ([1] * 11, "sizes must name between 2 and n = 10 parts; got 11"),
        (11, r"number of parts, must be an integer in \[2, 10\]; got 11"),
        (1, r"must be an integer in \[2, 10\]; got 1"),
        ("ab", "sizes must be counts that sum"),
        (0.7, "sizes must be counts that sum"),
    ],
)
def test_bad_sizes(sizes: Any, message: str) -> None:
    with pytest.raises(so.InvalidProblem, match=message):
        so.partition(np.arange(10.0), sizes)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"balance": [0, 1]}, "balance must have one label for each of the 10 rows; got 2 labels"),
        ({"balance": np.zeros((10, 2, 2))}, r"got shape \(10, 2, 2\)"),
        ({"balance": [0.5] * 10}, "balance must hold classes; got the number 0.5: bin it"),
        ({"balance": [np.nan] + [1.0] * 9}, "balance has no label in row 0"),
        ({"balance": ["a"] * 9 + [None]}, "balance has no label in row 9"),
        ({"balance": {"sex": [1, 2]}}, "balance.'sex'. must have one label"),
        ({"keep_together": [0, 1]}, "keep_together must have one label for each of the 10 rows"),
        ({"keep_together": [0] * 10}, "keep_together has 1 groups, fewer than the 2 parts"),
        ({"keep_together": ["a"] * 9 + ["b"]}, "group 'a' of keep_together has 9 rows, more than"),
        ({"kernel": "gauss"}, "got 'gauss'"),
    ],
)
def test_bad_labels(given: dict[str, Any], message: str) -> None:
    with pytest.raises(so.InvalidProblem, match=message):
        so.partition(np.arange(10.0), [6, 4], **given)


@pytest.mark.parametrize(
    "given",
    [{"tolerance": 1.0}, {"tolerance": "x"}, {"full_output": 1}, {"draws": 0}, {"time_limit": 0},
     {"seed": -1}, {"threads": 0}],
)  # fmt: skip
def test_bad_options(given: dict[str, Any]) -> None:
    with pytest.raises(so.InvalidOption):
        so.partition(np.arange(10.0), [6, 4], **given)


def test_bad_features() -> None:
    with pytest.raises(so.InvalidProblem, match=r"X\[1\] is nan"):
        so.partition([1.0, np.nan, 2.0], 2)
    with pytest.raises(so.InvalidProblem, match="square"):
        so.partition(np.ones((3, 2)), 2, kernel="precomputed")
    for groups in (None, GROUPS):
        with pytest.raises(so.InvalidProblem, match="not symmetric"):
            so.partition(X, 2, kernel=lambda A, B: A @ (B + 1).T, keep_together=groups)


def test_columns_in_different_units_are_warned_of() -> None:
    with pytest.warns(so.UnscaledColumns) as seen:
        so.partition(X * [1, 100, 1], 2)
    assert seen[0].filename == __file__
