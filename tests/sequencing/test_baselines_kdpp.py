"""k-DPPs against their definition, by enumeration."""

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.sequencing.baselines import KDPP, kdpp


def _features(n: int, d: int) -> NDArray[np.float64]:
    return np.random.default_rng([n, d]).normal(size=(n, d))


def _probabilities(L: NDArray[Any], k: int) -> dict[tuple[int, ...], float]:
    sets = list(itertools.combinations(range(len(L)), k))
    weights = np.array([np.linalg.det(L[np.ix_(s, s)]) for s in sets])
    return dict(zip(sets, weights / weights.sum(), strict=True))


def _chi_square(L: NDArray[Any], k: int, draw: Any, draws: int) -> tuple[float, int]:
    """Return the statistic of `draws` sets and its degrees of freedom; rare sets are pooled."""
    expected = {s: draws * p for s, p in _probabilities(L, k).items()}
    counts = dict.fromkeys(expected, 0)
    for _ in range(draws):
        counts[tuple(sorted(draw().tolist()))] += 1
    common = [s for s in expected if expected[s] >= 5]
    observed = np.array([*(counts[s] for s in common), draws - sum(counts[s] for s in common)])
    wanted = np.array([expected[s] for s in common])
    wanted = np.append(wanted, max(draws - wanted.sum(), 1e-9))
    if wanted[-1] < 5:
        assert observed[-1] <= 20
        observed, wanted = observed[:-1], wanted[:-1]
    return float((np.square(observed - wanted) / wanted).sum()), len(wanted) - 1


def _bound(degrees: int) -> float:
    """Return the 99.99 % quantile of chi-square, by Wilson and Hilferty."""
    share = 2 / (9 * degrees)
    return float(degrees * (1 - share + 3.719 * np.sqrt(share)) ** 3)


@pytest.mark.parametrize(("n", "k"), [(6, 3), (6, 1), (5, 4), (7, 2)])
def test_distribution_of_a_full_rank_kernel(n: int, k: int) -> None:
    X = _features(n, 2)
    L = np.exp(-0.5 * np.square(X[:, None] - X[None]).sum(axis=2))
    decomposed, rng = kdpp.spectrum(L), np.random.default_rng(1)
    statistic, degrees = _chi_square(L, k, lambda: kdpp.draw(*decomposed, k, rng), 4000)
    assert statistic < _bound(degrees)


def test_distribution_of_the_dual() -> None:
    B = _features(7, 4)
    rng = np.random.default_rng(2)
    statistic, degrees = _chi_square(B @ B.T, 3, lambda: kdpp.sample_dual(B, 3, rng), 1000)
    assert statistic < _bound(degrees)
    statistic, degrees = _chi_square(B @ B.T, 4, lambda: kdpp.sample_dual(B, 4, rng), 500)
    assert statistic < _bound(degrees)  # k equal to the rank


def test_the_test_tells_a_wrong_distribution() -> None:
    X = _features(6, 2)
    L = np.exp(-0.5 * np.square(X[:, None] - X[None]).sum(axis=2))
    rng = np.random.default_rng(1)
    uniform = _chi_square(L, 3, lambda: rng.permutation(6)[:3], 4000)
    assert uniform[0] > 3 * _bound(uniform[1])


def test_distribution_among_the_available() -> None:
    B = _features(9, 5)
    L = B @ B.T
    left = np.array([1, 2, 4, 5, 7, 8])
    part = L[np.ix_(left, left)]
    rng = np.random.default_rng(3)
    for call, source in ((kdpp.sample, L), (kdpp.sample_dual, B)):

        def among(call: Any = call, source: Any = source) -> NDArray[np.int64]:
            return np.asarray(np.searchsorted(left, call(source, 2, rng, available=left)))

        statistic, degrees = _chi_square(part, 2, among, 500)
        assert statistic < _bound(degrees)


def test_marginals() -> None:
    """Of 40 points: P(i) = sum of v_in^2 P(eigenvector n), from the exact polynomials."""
    X = _features(40, 3)
    L = np.exp(-0.5 * np.square(X[:, None] - X[None]).sum(axis=2))
    k, draws = 5, 1500
    values, vectors = np.linalg.eigh(L)
    whole = np.poly(-values)[k]
    each = np.array([v * np.poly(-np.delete(values, i))[k - 1] for i, v in enumerate(values)])
    wanted = np.square(vectors) @ (each / whole)
    assert wanted.sum() == pytest.approx(k)
    decomposed, rng = kdpp.spectrum(L), np.random.default_rng(4)
    counts = np.zeros(40)
    for _ in range(draws):
        counts[kdpp.draw(*decomposed, k, rng)] += 1
    assert (np.abs(counts / draws - wanted) < 5 * np.sqrt(wanted / draws)).all()


def test_polynomials() -> None:
    values = np.random.default_rng(0).exponential(size=9)
    sums = kdpp.log_polynomials(np.log(values), 5)
    for i in range(10):
        exact = np.append(np.poly(-values[:i]), np.zeros(6))[:6]
        assert np.exp(sums[i]) == pytest.approx(exact)


@pytest.mark.parametrize("scale", [1e-200, 1e-12, 1.0, 1e200])
def test_no_scale_matters(scale: float) -> None:
    """e_50 of 200 eigenvalues of 1e200 overflows float64 by far."""
    X = _features(200, 8)
    L = np.exp(-0.1 * np.square(X[:, None] - X[None]).sum(axis=2))
    taken = kdpp.sample(scale * L, 50, np.random.default_rng(0))
    assert np.array_equal(np.unique(taken), np.sort(taken))
    rows = kdpp.sample_dual(np.sqrt(scale) * X, 8, np.random.default_rng(0))
    assert len(set(rows.tolist())) == 8


@pytest.mark.parametrize("n", [1, 2, 30])
def test_all_points_of_a_full_rank_kernel(n: int) -> None:
    L = np.eye(n) + 0.1
    assert sorted(kdpp.sample(L, n, np.random.default_rng(0)).tolist()) == list(range(n))
    assert sorted(KDPP().select(_features(n, 2), n).tolist()) == list(range(n))


def test_the_directions_stay_orthogonal() -> None:
    """Nearly coincident rows: each projection cancels almost all digits."""
    rng = np.random.default_rng(0)
    V = np.linalg.qr(1 + 1e-7 * rng.normal(size=(200, 60)))[0]
    for seed in range(5):
        rows = kdpp.project(V, np.random.default_rng(seed))
        assert len(set(rows.tolist())) == 60
        assert np.linalg.svd(V[rows], compute_uv=False)[-1] > 0


@pytest.mark.parametrize("k", [4, 7])
def test_k_above_the_rank(k: int) -> None:
    B = _features(20, 3)
    rng = np.random.default_rng(0)
    single = B.astype(np.float32)
    cases = [
        (kdpp.sample, B @ B.T),
        (kdpp.sample, single @ single.T),
        (kdpp.sample_dual, single),
    ]
    for call, source in cases:
        with pytest.raises(so.InvalidProblem, match=f"k is {k}, above the kernel's rank of 3"):
            call(source, k, rng)
    with pytest.raises(so.InvalidProblem, match="rank of 3"):
        KDPP(kernel="linear", ridge=0).order(B, k)
    with pytest.raises(so.InvalidProblem, match="rank of 3"):
        KDPP(kernel=so.Polynomial(1, coef0=0.0), ridge=0).order(single, k)
    order, _ = KDPP(kernel="linear").order(B, k)  # a ridge fills up what the rank has no room for
    assert sorted(order.tolist()) == list(range(20))


def test_points_that_coincide() -> None:
    order, _ = KDPP().order(np.ones((30, 2)), 8)
    assert sorted(order.tolist()) == list(range(30))
    twins = np.repeat(_features(10, 3), 2, axis=0)
    taken = np.array([KDPP().select(twins, 5, seed=s) // 2 for s in range(50)])
    assert all(len(set(row)) == 5 for row in taken.tolist())


def test_batches_are_more_diverse_than_random() -> None:
    X = _features(200, 4)
    kernel = so.Gaussian(1.0)

    def volume(chosen: NDArray[np.int64]) -> float:
        return float(np.linalg.slogdet(np.asarray(kernel(X[chosen], X[chosen])))[1])

    drawn = [volume(KDPP(kernel=kernel).select(X, 10, seed=s)) for s in range(10)]
    rng = np.random.default_rng(0)
    uniform = [volume(rng.choice(200, 10, replace=False)) for _ in range(10)]
    assert np.median(drawn) > np.median(uniform) + 1


def test_bad_input() -> None:
    rng = np.random.default_rng(0)
    L = np.eye(4)
    for k in (0, 5):
        with pytest.raises(so.InvalidProblem, match="k must"):
            kdpp.sample(L, k, rng)
    with pytest.raises(so.InvalidProblem, match="not positive semidefinite"):
        kdpp.sample(np.diag([1.0, -0.5, 1.0]), 2, rng)
    with pytest.raises(so.InvalidProblem, match="rank of 0"):
        kdpp.sample(np.zeros((3, 3)), 1, rng)
    with pytest.raises(so.InvalidProblem, match="symmetric"):
        kdpp.sample(np.triu(np.ones((3, 3))), 1, rng)
    L[1, 2] = np.nan
    with pytest.raises(so.InvalidProblem, match=r"L\[1, 2\]"):
        kdpp.sample(L, 2, rng)
    for ridge in (-1, np.nan, "0"):
        with pytest.raises(so.InvalidOption, match="ridge must"):
            KDPP(ridge=ridge)  # type: ignore[arg-type]


def test_too_large_is_refused_before_anything_is_allocated() -> None:
    X = np.zeros((200_000, 1), dtype=np.float32)
    with pytest.raises(so.TooLarge, match="pool=1000"):
        KDPP(kernel=so.Gaussian(1.0), pool=None).order(X, 8)
