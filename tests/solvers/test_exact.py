"""Proven optima against enumeration, and what happens where nothing can be proven."""

from collections.abc import Callable
from fractions import Fraction
from itertools import chain, combinations, product
from time import perf_counter
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import subsetopt as so
from subsetopt._rounding import down
from subsetopt.limits import Limits
from subsetopt.solvers import _deadline
from subsetopt.solvers.exact import _meet, exact
from subsetopt.testing import CASES, _is_honest

METHODS = ("auto", "meet", "dynamic", "window")
EXACT = so.CertificateKind.EXACT


def _optimum(problem: so.MeanMatching) -> Fraction:
    """Enumerate all selections, in Python integers only."""
    ratios = [Fraction(value) for value in problem.values.tolist()]
    unit = Fraction(1, max(ratio.denominator for ratio in ratios))
    whole = [int(ratio / unit) for ratio in ratios]
    mean = Fraction(sum(whole), problem.n)
    wanted = mean if problem.target is None else Fraction(problem.target) / unit
    p, q = (wanted * problem.k).as_integer_ratio()
    sizes = range(problem.smallest_count, problem.k + 1)
    subsets = chain.from_iterable(combinations(whole, size) for size in sizes)
    return min(abs(p - q * sum(subset)) for subset in subsets) * unit / (q * problem.k)


def _assert_proven(problem: so.MeanMatching, solution: so.Solution, best: Fraction) -> None:
    assert solution.indices is not None
    assert problem.exact_objective(solution.indices) == best
    assert solution.certificate.kind is EXACT
    assert solution.termination is so.Termination.OPTIMAL
    assert solution.bound == min(down(best), float(best))
    assert solution.gap == 0


def _solve(problem: so.MeanMatching, method: str = "auto", **limits: Any) -> so.Solution:
    return so.solve(problem, so.solver("exact", method=method), **limits)


_SINGLE = st.floats(width=32, allow_nan=False, allow_infinity=False)
_ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "float32": _SINGLE,
    "unit": st.floats(0, 1, width=32),
    "double": st.floats(-1e300, 1e300),
    "near": st.floats(1.0, 1.0000001),
    "denormal": st.integers(-50, 50).map(lambda i: i * 5e-324),
    "small": st.integers(-20, 20),
    "integers": st.integers(-(2**40), 2**40),
    "ties": st.sampled_from([0.1, 0.7, 0.3, -2.5]),
    "negative": st.floats(-10, -0.5, width=32),
    "mixed float32": st.tuples(st.integers(-30, 30), st.floats(-1, 1)).map(
        lambda pair: float(np.float32(pair[1] * 10.0 ** pair[0]))
    ),
    "mixed float64": st.tuples(st.integers(-200, 200), st.floats(-1, 1)).map(
        lambda pair: pair[1] * 10.0 ** pair[0]
    ),
}
_CARDINALITIES: tuple[Literal["exactly", "at_most"], ...] = ("exactly", "at_most")
_DTYPES = {"float32": np.float32, "unit": np.float32, "mixed float32": np.float32}


@st.composite
def problems(draw: st.DrawFn, most: int = 10) -> so.MeanMatching:
    kind = draw(st.sampled_from(sorted(_ELEMENTS)))
    listed = draw(st.lists(_ELEMENTS[kind], min_size=1, max_size=most))
    values = np.array(listed, dtype=_DTYPES.get(kind))
    k = draw(st.integers(1, len(listed)))
    share = draw(st.one_of(st.none(), st.floats(-0.5, 1.5)))
    target = None
    if share is not None:
        low, high = float(values.min()), float(values.max())
        target = low + share * (high - low) if abs(high - low) < 1e306 else low
    cardinality = draw(st.sampled_from(_CARDINALITIES))
    return so.MeanMatching(values, k=k, target=target, cardinality=cardinality)


@settings(deadline=None, derandomize=True, max_examples=250)
@given(problems())
def test_agrees_with_enumeration(problem: so.MeanMatching) -> None:
    _assert_proven(problem, _solve(problem), _optimum(problem))


@settings(deadline=None, derandomize=True, max_examples=30)
@given(problems(9), st.sampled_from(METHODS[1:]))
def test_every_method_agrees_or_says_that_it_cannot(problem: so.MeanMatching, method: str) -> None:
    best = _optimum(problem)
    try:
        solution = _solve(problem, method)
    except so.TooLarge as error:
        refused = error
    else:
        _assert_honest(problem, solution, best, method)
        return
    assert method != "meet"
    assert refused.seconds > 0


def _assert_honest(
    problem: so.MeanMatching, solution: so.Solution, best: Fraction, method: str
) -> None:
    assert solution.indices is not None
    if solution.certificate.kind is EXACT:
        _assert_proven(problem, solution, best)
    else:
        assert method == "window"
        assert solution.termination is so.Termination.ITERATION_LIMIT
        assert solution.bound is not None
        assert Fraction(solution.bound) <= problem.exact_objective(solution.indices)


def _float64(n: int, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).exponential(size=n)


BIGGER: dict[str, Callable[[], so.MeanMatching]] = {
    "float64": lambda: so.MeanMatching(_float64(16, 0), k=8),
    "float32": lambda: so.MeanMatching(_float64(16, 1).astype(np.float32), k=7),
    "wide float64": lambda: so.MeanMatching(_float64(14, 2) * 10.0 ** np.arange(-140, 140, 20), 6),
    "many of them": lambda: so.MeanMatching(_float64(15, 3), k=12),
    "at most": lambda: so.MeanMatching(_float64(13, 4), k=7, target=1.0, cardinality="at_most"),
    "at most, signed": lambda: so.MeanMatching(
        _float64(13, 5) - 1.0, k=6, target=0.01, cardinality="at_most"
    ),
    "three values": lambda: so.MeanMatching(np.repeat([0.0, 1000.0, 1001.3], 5), k=8),
    "integers": lambda: so.MeanMatching((_float64(16, 6) * 1000).astype(int), k=8, target=700.3),
    "big integers": lambda: so.MeanMatching((_float64(14, 7) * 2.0**49).astype(np.int64), k=6),
    "clustered": lambda: so.MeanMatching(1e6 + _float64(14, 8) * 1e-6, k=7),
}


@pytest.mark.parametrize("name", BIGGER)
@pytest.mark.parametrize("method", ["auto", "meet"])
def test_bigger_instances(name: str, method: str) -> None:
    problem = BIGGER[name]()
    _assert_proven(problem, _solve(problem, method), _optimum(problem))


@pytest.mark.parametrize("name", BIGGER)
@pytest.mark.parametrize("piece", [7, 40])
def test_small_pieces_and_threads_change_nothing(
    name: str, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = BIGGER[name]()
    whole = _solve(problem, "meet", threads=1)
    monkeypatch.setattr(_meet, "PIECE", piece)
    one, two = (_solve(problem, "meet", threads=threads) for threads in (1, 2))
    assert one.indices is not None
    assert two.indices is not None
    assert one.indices.tolist() == two.indices.tolist()
    assert one.objective == two.objective == whole.objective
    assert one.certificate.kind is two.certificate.kind is EXACT


def test_n_40_is_proven_and_at_least_as_good_as_swap() -> None:
    for seed in range(2):
        problem = so.MeanMatching(_float64(40, seed).astype(np.float32), k=20)
        proven = _solve(problem, "meet")
        swap = so.solve(problem, "swap")
        assert proven.certificate.kind is EXACT
        assert proven.objective is not None
        assert swap.objective is not None
        assert proven.objective <= swap.objective


@pytest.mark.parametrize("k", [12, 64, 100])
def test_float32_of_128_is_proven_by_a_window(k: int) -> None:
    for seed in range(2):
        problem = so.MeanMatching(_float64(128, seed).astype(np.float32), k=k)
        solution = _solve(problem, "window")
        assert solution.certificate.kind is EXACT
        # Nothing below the nearest grid point exists: proven here without the solver.
        lower = problem.lower_bound()
        assert solution.objective is not None
        assert solution.gap == 0
        assert float(lower) <= solution.objective <= 1e-6


def test_small_integers_of_1000_against_a_plain_programme() -> None:
    values = np.random.default_rng(0).integers(0, 12, 1000) ** 2 * 3
    k, target = 10, 2.05
    problem = so.MeanMatching(values, k=k, target=target)
    solution = _solve(problem, "dynamic")
    reached: list[set[int]] = [{0}, *(set() for _ in range(k))]
    for value in values.tolist():
        for count in range(k, 0, -1):
            reached[count] |= {s + value for s in reached[count - 1] if s + value < 100}
    best = min(abs(Fraction(target) - Fraction(total, k)) for total in reached[k])
    _assert_proven(problem, solution, best)
    assert best > 0


def test_three_of_many_against_all_triples() -> None:
    n = 200
    values = np.random.default_rng(1).integers(0, 2**40, n)
    problem = so.MeanMatching(values, k=3)
    solution = _solve(problem)
    i, j, h = np.array(list(combinations(range(n), 3))).T
    sums = values[i] + values[j] + values[h]
    best = Fraction(int(np.abs(3 * int(values.sum()) - n * sums).min()), 3 * n)
    _assert_proven(problem, solution, best)


def test_closed_form_where_the_target_is_out_of_reach() -> None:
    values = _float64(5000, 0)
    for target, expected in ((-1.0, np.argsort(values)[:40]), (99.0, np.argsort(values)[-40:])):
        problem = so.MeanMatching(values, k=40, target=target)
        solution = _solve(problem)
        assert solution.indices is not None
        assert solution.indices.tolist() == sorted(expected.tolist())
        assert solution.certificate.kind is EXACT


def test_refusal_says_what_it_would_take_and_what_to_do() -> None:
    problem = so.MeanMatching(_float64(128, 0), k=64)
    with pytest.raises(so.TooLarge) as caught:
        _solve(problem)
    error = caught.value
    assert error.seconds > 60
    assert error.bytes > 0
    for part in ("n = 128", "meet", "dynamic", "60 s", "4 GiB", "swap", "max_seconds"):
        assert part in str(error)
    with pytest.raises(so.TooLarge, match=r"are 0\.5 s"):
        _solve(problem, time_limit=0.5)


def test_memory_is_a_limit_too() -> None:
    problem = so.MeanMatching(_float64(40, 0), k=20)
    with pytest.raises(so.TooLarge, match="GiB"):
        so.solve(problem, so.solver("exact", max_bytes=1000.0))


def test_the_time_limit_ends_it_with_the_best_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_meet, "_NANOSECONDS", 1e-6)  # so that the estimate does not refuse
    problem = so.MeanMatching(_float64(56, 0), k=28)
    _solve(so.MeanMatching(_float64(20, 0), k=10), "meet")  # compiled
    start = perf_counter()
    solution = _solve(problem, "meet", time_limit=0.5, threads=2)
    assert perf_counter() - start < 2.5
    assert solution.termination is so.Termination.TIME_LIMIT
    assert solution.certificate.kind is so.CertificateKind.BOUND
    assert solution.indices is not None
    assert solution.objective is not None
    swap = so.solve(problem, "swap")
    assert swap.objective is not None
    assert solution.objective <= max(swap.objective, 1e-8)


def test_interruption_returns_the_best_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_meet.Meet, "run", stop)
    solution = _solve(so.MeanMatching(_float64(30, 0), k=10), "meet")
    assert solution.termination is so.Termination.INTERRUPTED
    assert solution.indices is not None
    assert solution.certificate.kind is not EXACT


@pytest.mark.parametrize(
    "options", [{"method": "guess"}, {"max_seconds": 0}, {"max_bytes": -1.0}, {"max_seconds": "1"}]
)
def test_options_are_validated(options: dict[str, Any]) -> None:
    with pytest.raises((so.InvalidOption, TypeError)):
        so.solver("exact", **options)


def test_vectors_are_refused() -> None:
    with pytest.raises(so.UnsupportedProblem, match="swap"):
        so.solve(so.MeanMatching(np.ones((4, 2)), k=2), "exact")


def test_limits_reach_the_solver_unchanged() -> None:
    problem = so.MeanMatching(_float64(24, 0), k=11)
    answers = [exact.Exact()._solve(problem, Limits(seed=seed)) for seed in range(3)]
    values = {problem.exact_objective(answer.indices) for answer in answers}  # type: ignore[arg-type]
    assert len(values) == 1


def test_few_distinct_values_are_few_sums() -> None:
    # 8 values of a float32 grid too fine for the table, 8 times each: 2**32 subsets a half, but
    # no more than 9**4 sums of one.
    distinct = np.random.default_rng(3).exponential(size=8).astype(np.float32)
    problem = so.MeanMatching(np.repeat(distinct, 8), k=16)
    solution = so.solve(problem, so.solver("exact", method="meet"), time_limit=5.0)
    assert solution.certificate.kind is so.CertificateKind.EXACT
    counts = np.array([c for c in product(range(9), repeat=7) if sum(c) <= 16])
    counts = np.column_stack([counts, 16 - counts.sum(axis=1)])
    sums = counts[counts[:, -1] <= 8] @ distinct.astype(np.float64)
    assert solution.objective == pytest.approx(
        np.abs(sums / 16 - problem.target_value).min(), rel=1e-9
    )


@pytest.mark.parametrize("method", ["auto", "meet", "dynamic", "window"])
@pytest.mark.parametrize(("n", "k"), [(4096, 410), (3000, 1500)])
def test_what_takes_longer_than_a_float_can_say_is_refused(n: int, k: int, method: str) -> None:
    problem = so.MeanMatching(_float64(n, 0), k=k)
    with pytest.raises(so.TooLarge, match=f"refused for n = {n}") as caught:
        _solve(problem, method)
    assert caught.value.seconds > 60
    assert caught.value.bytes > 0


@pytest.mark.parametrize(("target", "best"), [(1.0, 1), (-1.0, 0), (1e307, 1), (1e-323, 1)])
def test_subnormal_values_and_a_target_of_any_size(target: float, best: int) -> None:
    problem = so.MeanMatching([5e-324, 1e-323], k=1, target=target)
    for solver in ("exact", "swap"):
        solution = so.solve(problem, solver)
        assert solution.indices is not None
        assert solution.indices.tolist() == [best]
        assert solution.certificate.kind is EXACT


@pytest.mark.parametrize("name", ["wide", "huge", "tiny", "float32", "at most", "k = 1"])
def test_nothing_is_proven_where_the_time_is_up_in_between(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever look at the clock is the first one past the limit."""
    problem = CASES[name]
    for last in range(200):
        looks = 0

        def clock(last: int = last) -> float:
            nonlocal looks
            looks += 1
            return 0.0 if looks <= last else 2.0

        monkeypatch.setattr(_deadline, "clock", clock)
        _is_honest(problem, so.solve(problem, "exact", time_limit=1.0, threads=1))
        if looks <= last:
            break
    assert looks <= last, "every look was the first one past the limit once"
