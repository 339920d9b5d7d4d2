"""Sequences: valid orders, the MMD they report, and batches that are as good as they should be."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import subsetopt as so
from subsetopt.sequencing import _build, bar, choose, mmd_to_whole
from subsetopt.sequencing._state import State

few = settings(deadline=None, derandomize=True, max_examples=25)


def cloud(seed: int, n: int, d: int = 3, dtype: Any = np.float64) -> NDArray[Any]:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(dtype)


def direct_mmd2(found: so.MiniBatchSequence, X: NDArray[Any], kernel: Any) -> list[float]:
    """Evaluate the squared MMD to what is left after each batch, as `MMDSelection` does."""
    values = []
    for b, batch in enumerate(found.batches):
        before = found.order[: found.boundaries[b]]
        left = np.setdiff1d(np.arange(len(X)), before)
        if len(left) > len(batch):
            problem = so.MMDSelection(X[left], len(batch), selected=X[before], kernel=kernel)
            values.append(problem.objective(np.searchsorted(left, batch)))
    return values


def valid(found: so.MiniBatchSequence, n: int, k: int) -> None:
    assert sorted(found.order) == list(range(n))
    assert found.boundaries.tolist() == [*range(0, n, k), n]
    assert len(found) == len(found.batches) == len(found.seconds)
    np.testing.assert_array_equal(np.concatenate(found.batches), found.order)


@pytest.mark.parametrize("engine", ["matrix", "rows"])
@pytest.mark.parametrize("selector", ["running-herding", "running-swap"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "kernel", [so.Gaussian(scale=1.5), so.Laplace(scale=2.0), so.Polynomial(degree=2), so.Linear()]
)
def test_the_mmd_after_every_batch(kernel: Any, dtype: Any, selector: str, engine: str) -> None:
    X = cloud(0, 83, dtype=dtype)
    found = so.sequence(X, 9, kernel=kernel, selector=selector, engine=engine)
    valid(found, 83, 9)
    wanted = direct_mmd2(found, X.astype(np.float64), kernel)
    # float32: rounding of entries to 6e-8, against the size of the kernel itself
    scale = float(kernel(X, X).diagonal().mean())
    tolerance = 1e-5 * scale if dtype == np.float32 else 1e-12 * scale
    np.testing.assert_allclose(found.mmd2[:-1], wanted, rtol=1e-6, atol=tolerance)
    assert np.isnan(found.mmd2[-1])
    assert found.mmd2_to_whole[-1] == pytest.approx(0, abs=tolerance)
    n, s = 83, found.boundaries[1:-1]
    to_whole = found.mmd2[:-1] * ((n - s) / n) ** 2
    np.testing.assert_allclose(found.mmd2_to_whole[:-1], to_whole, rtol=1e-12)
    np.testing.assert_array_equal(found.mmd[:-1], np.sqrt(found.mmd2[:-1]))


def literal_herding(K: NDArray[np.float64]) -> list[int]:
    """Transcribe ``argmin K_jj / 2 + u_j - (t/N) R_j`` over the free, pick after pick."""
    n = len(K)
    taken: list[int] = []
    sums, u = K.sum(axis=1), np.zeros(len(K))
    for t in range(1, n + 1):
        score = K.diagonal() / 2 + u - t / n * sums
        score[taken] = np.inf
        taken.append(int(score.argmin()))
        u += K[taken[-1]]
    return taken


@given(seed=st.integers(0, 10_000), n=st.integers(3, 60), k=st.integers(1, 60))  # 2: a tie
@few
def test_herding_is_herding(seed: int, n: int, k: int) -> None:
    X = cloud(seed, n)
    K = so.Gaussian(scale=1.0)(X, X)
    size = min(k, n)
    found = so.sequence(X, size, kernel=so.Gaussian(scale=1.0), selector="running-herding")
    whole = n - n % size if n % size else n - size  # picks that the last batch has no part in
    assert found.order[:whole].tolist() == literal_herding(K)[:whole]


def test_more_points_than_a_block_of_the_compiled_loops() -> None:
    X = cloud(1, 2100, dtype=np.float32)
    kernel = so.Gaussian(scale=1.0)
    found = so.sequence(X, 700, kernel=kernel, selector="running-herding")
    K = choose(X, kernel, engine="matrix").rows(np.arange(2100)).astype(np.float64)
    assert found.order[:1400].tolist() == literal_herding(K)[:1400]


def squared(K: NDArray[np.float64], chosen: list[int]) -> float:
    weights = np.full(len(K), -len(chosen) / len(K))
    weights[chosen] += 1
    return float(weights @ K @ weights)


@given(seed=st.integers(0, 10_000), n=st.integers(3, 40), k=st.integers(1, 8))
@few
def test_no_exchange_helps_any_more_and_none_hurt(seed: int, n: int, k: int) -> None:
    X = cloud(seed, n)
    kernel = so.Gaussian(scale=1.0)
    K = kernel(X, X)
    size = min(k, n - 1)
    found = so.sequence(X, size, kernel=kernel)
    for b, batch in enumerate(found.batches[:-1]):
        before = found.order[: found.boundaries[b]].tolist()
        left = [j for j in range(n) if j not in before]
        reached = squared(K, before + batch.tolist())
        herded: list[int] = []
        for _ in range(size):  # from the same P
            t = len(before) + len(herded) + 1
            score = K.diagonal() / 2 + K[before + herded].sum(axis=0) - t / n * K.sum(axis=1)
            score[before + herded] = np.inf
            herded.append(int(score.argmin()))
        assert reached <= squared(K, before + herded) + 1e-9
        for i in batch:
            for j in set(left) - set(batch.tolist()):
                other = [m for m in batch.tolist() if m != i] + [j]
                assert squared(K, before + other) >= reached - 1e-9


def test_sweeps_bound_the_looks() -> None:
    X = cloud(2, 200)
    herded, none, one, all_ = (
        so.sequence(X, 20, **options)
        for options in ({"selector": "running-herding"}, {"sweeps": 0}, {"sweeps": 1}, {})
    )
    np.testing.assert_array_equal(none.order, herded.order)
    assert all_.mmd2[0] <= one.mmd2[0] < none.mmd2[0]


@pytest.mark.parametrize(
    "selector", ["exact", "running-swap", "running-herding", so.solver("tabu", iterations=2000)]
)
def test_tiny_cases_against_all_selections(selector: Any) -> None:
    X = cloud(3, 10)
    K = so.Gaussian(scale=1.0)(X, X)
    best = min(squared(K, list(chosen)) for chosen in combinations(range(10), 3)) / 9
    if selector == "exact":
        selector = so.solver("branch-and-bound")
    found = so.sequence(X, 3, kernel=so.Gaussian(scale=1.0), selector=selector)
    first = found.mmd2_to_whole[0]
    assert first >= best - 1e-12
    if not isinstance(selector, str):
        assert first == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("engine", ["matrix", "rows"])
@pytest.mark.parametrize(
    ("selector", "options"),
    [
        ("tabu", {"iterations": 3000}),
        ("lp-rounding", {}),
        ("greedy", {}),
        ("random", {}),
        ("frank-wolfe", {"time_limit": 60.0}),
        (so.solver("swap"), {}),
    ],
)
def test_other_solvers(selector: Any, options: dict[str, Any], engine: str, dtype: Any) -> None:
    X = cloud(4, 31, dtype=dtype)
    kernel = so.Gaussian(scale=1.0)
    found = so.sequence(X, 6, kernel=kernel, selector=selector, engine=engine, **options)
    valid(found, 31, 6)
    wanted = direct_mmd2(found, X.astype(np.float64), kernel)
    np.testing.assert_allclose(found.mmd2[:-1], wanted, atol=1e-6 if dtype == np.float32 else 1e-12)
    for batch in found.batches:
        assert batch.tolist() == sorted(batch.tolist())
    again = so.sequence(X, 6, kernel=kernel, selector=selector, engine=engine, **options)
    np.testing.assert_array_equal(found.order, again.order)


@pytest.mark.parametrize("name", ["herding", "swap", "random"])
def test_the_name_of_a_solver_means_that_solver(name: str) -> None:
    X = cloud(6, 60, d=3).astype(np.float64)
    named = so.sequence(X, 8, selector=name, seed=3)
    given = so.sequence(X, 8, selector=so.solver(name), seed=3)
    for one, other in zip(named.batches, given.batches, strict=True):
        assert sorted(one) == sorted(other)


def test_a_selector_of_ones_own() -> None:
    def last(state: State, k: int) -> None:
        state.add(state.left[-k:])

    found = so.sequence(cloud(6, 11), 4, selector=last)
    assert [batch.tolist() for batch in found.batches] == [[7, 8, 9, 10], [3, 4, 5, 6], [0, 1, 2]]
    with pytest.raises(so.InvalidOption, match="option 'sweeps' belongs into"):
        so.sequence(cloud(6, 11), 4, selector=last, sweeps=1)
    with pytest.raises(so.InvalidOption, match="selector must be a name, a Solver or a Batch"):
        so.sequence(cloud(6, 11), 4, selector=3)  # type: ignore[arg-type]


def test_better_solvers_give_better_first_batches() -> None:
    X = cloud(5, 120, d=5)
    first = {
        name: so.sequence(X, 12, selector=name).mmd2[0]
        for name in ("random", "running-herding", "running-swap")
    }
    first["tabu"] = so.sequence(X, 12, selector="tabu", iterations=20_000).mmd2[0]
    assert first["tabu"] <= first["running-swap"] < first["running-herding"] < first["random"]


def test_refused_where_a_batch_does_not_fit() -> None:
    X = cloud(6, 300)
    with pytest.raises(so.TooLarge, match="300 x 300 kernel matrix of what is left"):
        so.sequence(X, 30, selector="greedy", engine="rows", memory=100_000)
    with pytest.raises(so.TooLarge, match="the rows of a batch of 100 would take"):
        so.sequence(X, 100, engine="rows", memory=100_000)
    assert len(so.sequence(X, 100, selector="random", engine="rows", memory=100_000)) == 3


# -- the ends --------------------------------------------------------------------------------------


@pytest.mark.parametrize("selector", ["running-herding", "running-swap", "greedy"])
def test_last_batches(selector: str) -> None:
    X = cloud(7, 11)
    found = so.sequence(X, 4, selector=selector)
    assert found.boundaries.tolist() == [0, 4, 8, 11]
    dropped = so.sequence(X, 4, selector=selector, drop_last=True)
    assert dropped.boundaries.tolist() == [0, 4, 8]
    np.testing.assert_array_equal(dropped.order, found.order[:8])
    assert np.isfinite(dropped.mmd2).all()
    even = so.sequence(X[:8], 4, selector=selector, drop_last=True)
    assert even.boundaries.tolist() == [0, 4, 8]
    whole = so.sequence(X, 11, selector=selector)
    assert whole.order.tolist() == list(range(11))
    assert np.isnan(whole.mmd2).all()
    single = so.sequence(X[:1], 1, selector=selector)
    assert single.order.tolist() == [0]
    ones = so.sequence(X, 1, selector=selector)
    valid(ones, 11, 1)


@pytest.mark.parametrize("engine", ["matrix", "rows"])
@pytest.mark.parametrize("selector", ["running-herding", "running-swap"])
def test_nothing_to_tell_points_apart(selector: str, engine: str) -> None:
    found = so.sequence(np.ones((7, 2)), 3, selector=selector, engine=engine)
    assert found.order.tolist() == list(range(7))
    np.testing.assert_allclose(found.mmd2[:-1], 0, atol=1e-15)
    zeros = so.sequence(np.zeros((7, 7)), 3, kernel="precomputed", selector=selector)
    assert zeros.order.tolist() == list(range(7))


@pytest.mark.parametrize("selector", ["running-herding", "running-swap"])
def test_duplicates(selector: str) -> None:
    X = np.repeat(cloud(8, 6), 4, axis=0)
    found = so.sequence(X, 6, kernel=so.Gaussian(scale=1.0), selector=selector)
    valid(found, 24, 6)
    assert sorted(found.order[:6] // 4) == [0, 1, 2, 3, 4, 5]
    assert found.mmd2[0] == pytest.approx(0, abs=1e-12)


def test_precomputed_matrices_are_used_as_they_are() -> None:
    X = cloud(9, 60, dtype=np.float32)
    engine = choose(X, so.Gaussian(scale=1.0))
    found = so.sequence(X, 7, engine=engine)
    assert engine.matrix is not None
    given_ = so.sequence(engine.matrix, 7, kernel="precomputed")
    np.testing.assert_array_equal(found.order, given_.order)
    np.testing.assert_array_equal(found.mmd2, given_.mmd2[:])
    assert choose(engine.matrix, "precomputed").matrix is not None
    assert np.shares_memory(choose(engine.matrix, "precomputed").rows(np.array([3])), engine.matrix)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"batch_size": 0}, so.InvalidProblem, r"batch_size must .*got 0"),
        ({"batch_size": 10}, so.InvalidProblem, r"batch_size must .*got 10"),
        ({"batch_size": 2.5}, so.InvalidProblem, r"batch_size must .*got 2.5"),
        ({"X": [[1.0], [np.nan]]}, so.InvalidProblem, "nan"),
        ({"X": np.zeros((3, 2, 2))}, so.InvalidProblem, r"shape \(3, 2, 2\)"),
        ({"kernel": "rbf"}, so.InvalidProblem, "got 'rbf'"),
        ({"kernel": "precomputed"}, so.InvalidProblem, r"K must .*got shape \(9, 3\)"),
        ({"engine": "gpu"}, so.InvalidOption, "engine must be auto, matrix"),
        ({"engine": 3}, so.InvalidOption, r"engine must .*got 3"),
        ({"selector": "fast"}, so.UnknownSolver, "fast"),
        ({"selector": "stride"}, so.UnsupportedProblem, "stride"),
        ({"sweeps": -1}, so.InvalidOption, "sweeps must be an integer >= 0 or None; got -1"),
        ({"sweeps": True}, so.InvalidOption, "sweeps must be an integer >= 0 or None; got True"),
        (
            {"turns": 3},
            so.InvalidOption,
            "'running-swap' has no option 'turns'; it has sweeps",
        ),
        ({"selector": "running-herding", "sweeps": 3}, so.InvalidOption, "no option 'sweeps'"),
        ({"selector": "tabu", "sweeps": 3}, so.InvalidOption, "no option 'sweeps'"),
        ({"selector": so.solver("tabu"), "tenure": 3}, so.InvalidOption, "option 'tenure' belongs"),
        (
            {"selector": "tabu", "time_limit": -1.0},
            so.InvalidOption,
            "time_limit must be .*; got -1.0",
        ),
        ({"seed": -1}, so.InvalidOption, "seed must be .*; got -1"),
        ({"threads": 0}, so.InvalidOption, "threads must be .*; got 0"),
        ({"memory": 0}, so.InvalidProblem, r"memory in bytes must .*got 0"),
        ({"drop_last": 1}, so.InvalidOption, r"drop_last must .*got 1"),
        ({"batches": 0}, so.InvalidOption, r"batches must be .*got 0"),
        ({"batches": 4}, so.InvalidOption, r"batches must be an integer in \[1, 3\] .*4"),
    ],
)
def test_refused(changes: dict[str, Any], error: Any, message: str) -> None:
    arguments = {"X": cloud(0, 9), "batch_size": 3, **changes}
    with pytest.raises(error, match=message):
        so.sequence(**arguments)


def test_an_engine_of_other_points() -> None:
    with pytest.raises(so.InvalidProblem, match="X has 8 points, the engine 9"):
        so.sequence(cloud(0, 8), 2, engine=choose(cloud(0, 9)))


# -- the same order --------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["matrix", "matrix16", "rows"])
def test_threads_have_no_bearing(engine: str) -> None:
    X = cloud(10, 1500, d=400, dtype=np.float32)
    found = []
    for blas, own in ((1, 1), (2, 2), (2, 3)):
        with threadpool_limits(blas, "blas"):
            found.append(so.sequence(X, 200, engine=engine, threads=own))
    for other in found[1:]:
        np.testing.assert_array_equal(found[0].order, other.order)
        np.testing.assert_array_equal(found[0].mmd2, other.mmd2)


def test_progress_begins_before_the_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []

    def made(*_: object, **__: object) -> None:
        assert seen == [(0, 3)]
        raise KeyboardInterrupt

    monkeypatch.setattr(_build, "choose", made)
    with pytest.raises(KeyboardInterrupt):
        so.sequence(cloud(11, 10), 4, progress=lambda done, total: seen.append((done, total)))


def test_progress() -> None:
    seen: list[tuple[int, int]] = []
    so.sequence(cloud(11, 10), 4, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    with bar() as progress:  # no terminal here: nothing is shown
        so.sequence(cloud(11, 10), 4, progress=progress)


def test_progress_is_shown_while_rows_are_added_up() -> None:
    seen: list[tuple[int, int]] = []
    X = cloud(11, 2500)

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        if len(seen) == 3:  # at once, then with the first and the second part of the sums
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        so.sequence(X, 4, engine="rows", threads=1, progress=stop)
    assert seen == [(0, 625)] * 3


@pytest.mark.parametrize("engine", ["matrix", "rows"])
def test_stopping_after_some_batches(engine: str) -> None:
    whole = so.sequence(cloud(13, 50), 8, engine=engine)
    for batches in (1, 3, 7):
        found = so.sequence(cloud(13, 50), 8, engine=engine, batches=batches)
        assert (len(found), found.provenance["batches"]) == (batches, batches)
        np.testing.assert_array_equal(found.order, whole.order[: 8 * batches])
        np.testing.assert_array_equal(found.mmd2, whole.mmd2[:batches])
    assert len(so.sequence(cloud(13, 50), 8, drop_last=True)) == 6


@pytest.mark.parametrize("of", ["torch", "ml_dtypes"])
def test_features_in_16_bits(of: str) -> None:
    module = pytest.importorskip(of)
    X = cloud(14, 30)
    narrow = [torch_or_numpy(module, X, kind) for kind in ("float16", "bfloat16")]
    for values in narrow:
        wide = np.asarray(values.float().numpy() if of == "torch" else values, np.float32)
        for made in (so.MMDSelection(values, 4).candidates, choose(values).data):
            assert made.dtype == np.float32
            np.testing.assert_array_equal(made, wide)


def torch_or_numpy(module: Any, X: NDArray[Any], kind: str) -> Any:
    if hasattr(module, "tensor"):
        return module.tensor(X).to(getattr(module, kind))
    return X.astype(getattr(module, kind, kind))


def test_the_mmd_of_any_order() -> None:
    X = cloud(12, 40)
    engine = choose(X)
    found = so.sequence(X, 7, engine=engine)
    whole = mmd_to_whole(engine, found.order, found.boundaries)
    np.testing.assert_allclose(whole, found.mmd2_to_whole, atol=1e-14)
    part = mmd_to_whole(engine, found.order[:7], [0, 3, 7])
    assert part[-1] == pytest.approx(whole[0])
    for order, boundaries, message in (
        ([0, 0], [0, 2], "more than once"),
        ([0, 1], [0, 1], "do not go from 0 to 2"),
        ([0, 1], [0, 1, 1, 2], "do not ascend"),
    ):
        with pytest.raises(so.InvalidProblem, match=message):
            mmd_to_whole(engine, order, boundaries)


def test_who_chooses_no_batches_is_told_before_anything_is_computed() -> None:
    from subsetopt.sequencing._selectors import selector_of

    said = r"selector must be .*; got 'runing-swap' \(did you mean 'running-swap'\?\)"
    with pytest.raises(so.UnknownSolver, match=said) as named:
        selector_of("runing-swap", {}, seed=0, threads=None)
    assert "exact" not in str(named.value)  # which takes sums alone
    with pytest.raises(so.UnsupportedProblem, match=r"'exact' solves mean-matching; .*solve mmd"):
        selector_of("exact", {}, seed=0, threads=None)
