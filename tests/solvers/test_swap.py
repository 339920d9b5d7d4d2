"""Swap descent: its quality, its options, and every reason to stop."""

from collections.abc import Iterator
from itertools import combinations, pairwise, product
from time import perf_counter
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so
from subsetopt.limits import Limits
from subsetopt.solvers import _deadline
from subsetopt.solvers._deadline import Deadline, OutOfTime
from subsetopt.solvers.heuristics import (
    _quadratic_search,
    _scalar_search,
    _vector_search,
    swap,
)

HEURISTICS = ("swap", "greedy", "stride", "random", "frank-wolfe")


def _exponential(seed: int, *shape: int) -> Any:
    return np.random.default_rng([seed, *shape]).exponential(size=shape)


def _contract(problem: so.MeanMatching, solution: so.Solution) -> None:
    assert solution.indices is not None
    assert solution.indices.dtype == np.int64
    assert problem.check(solution.indices).tolist() == solution.indices.tolist()
    assert problem.smallest_count <= solution.indices.size <= problem.k


_KINDS: dict[str, st.SearchStrategy[Any]] = {
    "ties": st.sampled_from([0.0, 0.3, 0.3, 7.0]),
    "float32": st.floats(-100, 100, width=32),
    "huge": st.floats(-1e306, 1e306),
    "denormal": st.integers(-9, 9).map(lambda i: i * 5e-324),
    "constant": st.just(0.1),
    "integers": st.integers(-99, 99),
}


_CARDINALITIES: tuple[Literal["exactly", "at_most"], ...] = ("exactly", "at_most")


@st.composite
def problems(draw: st.DrawFn) -> so.MeanMatching:
    values = draw(st.lists(draw(st.sampled_from(list(_KINDS.values()))), min_size=1, max_size=12))
    k = draw(st.integers(1, len(values)))
    target = draw(st.none() | st.sampled_from(values))
    cardinality = draw(st.sampled_from(_CARDINALITIES))
    return so.MeanMatching(values, k=k, target=target, cardinality=cardinality)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(problems())
def test_no_heuristic_beats_exact_or_breaks_the_contract(problem: so.MeanMatching) -> None:
    proven = so.solve(problem, "exact")
    assert proven.indices is not None
    best = problem.exact_objective(proven.indices)
    for name in HEURISTICS:
        solution = so.solve(problem, name, seed=3)
        _contract(problem, solution)
        assert solution.indices is not None
        assert problem.exact_objective(solution.indices) >= best
        assert solution.bound is not None
        assert proven.objective is not None
        assert solution.bound <= proven.objective


@pytest.mark.parametrize("k", [12, 32, 64, 116])
def test_reaches_the_tolerance(k: int) -> None:
    for seed in range(10):
        values = _exponential(seed, 128)
        solution = so.solve(so.MeanMatching(values, k=k), "swap", seed=seed)
        quartiles = np.sort(values)[96] - np.sort(values)[32]
        assert solution.objective is not None
        assert solution.objective <= 1.01e-8 * quartiles
        assert solution.termination is so.Termination.FINISHED
        assert solution.message == ""


def test_the_tolerance_and_the_number_of_restarts_are_obeyed() -> None:
    problem = so.MeanMatching(_exponential(0, 128), k=40)
    loose = so.solve(problem, so.solver("swap", tolerance=10.0))
    tight = so.solve(problem, so.solver("swap", tolerance=0.0, restarts=3))
    assert loose.stats.iterations == 0
    assert tight.stats.iterations == 4
    assert tight.termination is so.Termination.ITERATION_LIMIT
    assert tight.objective is not None
    assert loose.objective is not None
    assert tight.objective < loose.objective


def test_more_restarts_are_never_worse() -> None:
    problem = so.MeanMatching(_exponential(0, 60), k=20)
    errors = [
        so.solve(problem, so.solver("swap", tolerance=0.0, restarts=restarts)).objective
        for restarts in (0, 1, 10, 100)
    ]
    assert all(a is not None and b is not None and b <= a for a, b in pairwise(errors))
    assert errors[-1] != errors[0]


@pytest.mark.parametrize("shape", [(128,), (60, 2)])
def test_the_absolute_gap_is_the_tolerance_in_units_of_the_objective(shape: Any) -> None:
    problem = so.MeanMatching(1000 * _exponential(1, *shape), k=20)
    loose = so.solve(problem, "swap", absolute_gap=1e6)
    assert loose.objective is not None
    wanted = 0.5 * loose.objective
    close = so.solve(problem, "swap", absolute_gap=wanted)
    assert loose.termination is close.termination is so.Termination.FINISHED
    assert close.objective is not None
    assert 0 < close.objective <= wanted


@pytest.mark.parametrize("shape", [(200,), (100, 5)])
def test_the_time_limit_ends_it(shape: tuple[int, ...]) -> None:
    problem = so.MeanMatching(_exponential(2, *shape), k=50)
    start = perf_counter()
    solution = so.solve(problem, so.solver("swap", tolerance=0.0), time_limit=0.2)
    assert 0.2 <= perf_counter() - start < 1.5
    assert solution.termination is so.Termination.TIME_LIMIT
    assert solution.stats.iterations is not None
    assert solution.stats.iterations > 33  # the number of restarts is then no limit
    _contract(problem, solution)


@pytest.mark.parametrize(("family", "shape"), [("Scalars", (90,)), ("Vectors", (40, 3))])
def test_interruption_returns_the_best_so_far(
    family: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = so.MeanMatching(_exponential(3, *shape), k=20)
    search: Any = getattr(swap, family)
    plain = search.rounds
    calls: list[int] = []

    def stop_later(self: Any, begin: int, end: int) -> int:
        calls.append(begin)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return int(plain(self, begin, begin + 1))

    first = so.solve(problem, so.solver("swap", tolerance=0.0, restarts=1))
    monkeypatch.setattr(search, "rounds", stop_later)
    solution = so.solve(problem, so.solver("swap", tolerance=0.0))
    assert solution.termination is so.Termination.INTERRUPTED
    assert solution.stats.iterations == 2
    assert solution.objective == first.objective
    _contract(problem, solution)


@pytest.mark.parametrize("target", [-5.0, 50.0])
def test_out_of_reach_the_closed_form_is_certified(target: float) -> None:
    values = _exponential(4, 100)
    problem = so.MeanMatching(values, k=15, target=target)
    solution = so.solve(problem, "swap")
    order = np.argsort(values)
    assert solution.indices is not None
    assert solution.indices.tolist() == sorted((order[:15] if target < 0 else order[-15:]).tolist())
    assert solution.certificate.kind is so.CertificateKind.EXACT
    assert solution.termination is so.Termination.OPTIMAL
    assert solution.stats.iterations == 0


def test_at_most_uses_fewer_where_that_is_better() -> None:
    values = _exponential(5, 100) + 3.0
    problem = so.MeanMatching(values, k=20, target=1.0, cardinality="at_most")
    solution = so.solve(problem, "swap")
    assert solution.objective is not None
    assert solution.objective < 1e-7
    assert solution.indices is not None
    assert 0 < solution.indices.size < 7
    exactly = so.solve(so.MeanMatching(values, k=20, target=1.0), "swap")
    assert exactly.objective is not None
    assert exactly.objective > 2


def test_scaling_by_a_power_of_two_changes_nothing() -> None:
    values = np.random.default_rng(6).integers(1, 2**20, 60).astype(np.float64)
    wanted = so.solve(so.MeanMatching(values, k=21), "swap").indices
    assert wanted is not None
    for power in (-1060, -700, -20, 20, 700, 990):
        scaled = so.solve(so.MeanMatching(np.ldexp(values, power), k=21), "swap")
        assert scaled.indices is not None
        assert scaled.indices.tolist() == wanted.tolist()


def test_the_seed_decides() -> None:
    problem = so.MeanMatching(_exponential(7, 128), k=40)
    solver = so.solver("swap", tolerance=0.0, restarts=3)
    found = [so.solve(problem, solver, seed=seed).indices for seed in (0, 0, 1, 2, 3)]
    lists = [tuple(indices.tolist()) for indices in found if indices is not None]
    assert lists[0] == lists[1]
    assert len(set(lists)) > 1


@pytest.mark.parametrize(
    "options",
    [{"tolerance": -1.0}, {"tolerance": float("nan")}, {"tolerance": float("inf")},
     {"restarts": -1}, {"restarts": 1.5}, {"restarts": True}],
)  # fmt: skip
def test_options_are_validated(options: dict[str, Any]) -> None:
    with pytest.raises(so.InvalidOption, match=next(iter(options))):
        so.solver("swap", **options)


# -- vectors --------------------------------------------------------------------------------------


def _vector_problems() -> Iterator[so.MeanMatching]:
    for seed, (n, d, k) in enumerate(
        [(20, 2, 5), (40, 8, 10), (30, 1, 15), (25, 3, 25), (9, 4, 1)]
    ):
        values = np.random.default_rng(seed).normal(size=(n, d))
        yield so.MeanMatching(values, k=k)
        yield so.MeanMatching(values.astype(np.float32), k=k, target=np.full(d, 0.4))
        yield so.MeanMatching(values + 1, k=k, cardinality="at_most")
    yield so.MeanMatching(np.ones((8, 2)), k=3)
    yield so.MeanMatching(np.arange(12.0).reshape(6, 2) // 3, k=3)


@pytest.mark.parametrize("problem", list(_vector_problems()), ids=repr)
def test_vectors_never_worse_than_greedy_and_no_single_swap_helps(problem: so.MeanMatching) -> None:
    found = so.solve(problem, "swap")
    _contract(problem, found)
    greedy = so.solve(problem, "greedy")
    assert found.objective is not None
    assert greedy.objective is not None
    assert found.indices is not None
    assert found.objective <= greedy.objective + 1e-25
    chosen = set(found.indices.tolist())
    rest = set(range(problem.n)) - chosen
    for i, j in product(chosen, rest):
        assert problem.objective(sorted(chosen - {i} | {j})) >= found.objective - 1e-12


def test_vectors_in_blocks_are_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = so.MeanMatching(np.random.default_rng(0).normal(size=(60, 4)), k=20)
    settled = so.solver("swap", restarts=4)
    whole = so.solve(problem, settled)
    monkeypatch.setattr(_vector_search, "_BLOCK_BYTES", 8 * 60 * 3)
    blocks = so.solve(problem, settled)
    _contract(problem, blocks)
    greedy = so.solve(problem, "greedy")
    assert blocks.objective is not None
    assert whole.objective is not None
    assert greedy.objective is not None
    assert blocks.objective < 0.5 * greedy.objective
    assert blocks.objective < 10 * whole.objective


def test_vectors_find_the_optimum_of_small_problems() -> None:
    hits = 0  # by a heuristic, so not all of them
    for seed in range(8):
        problem = so.MeanMatching(np.random.default_rng(seed).normal(size=(12, 2)), k=5)
        best = min(problem.objective(c) for c in combinations(range(12), 5))
        found = so.solve(problem, "swap").objective
        assert found is not None
        assert found >= best * (1 - 1e-9)
        hits += found <= best * (1 + 1e-9)
    assert hits >= 3


# -- quadratic forms ------------------------------------------------------------------------------


def _quadratic(n: int, k: int, seed: int, dtype: Any = np.float64) -> so.QuadraticSelection:
    generator = np.random.default_rng([n, k, seed])
    matrix = generator.normal(size=(n, n))
    return so.QuadraticSelection((matrix + matrix.T).astype(dtype), generator.normal(size=n), k)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_quadratic_never_worse_than_greedy_and_no_single_swap_helps(dtype: Any) -> None:
    for seed, (n, k) in enumerate([(30, 9), (25, 24), (40, 40), (20, 1), (50, 40)]):
        problem = _quadratic(n, k, seed, dtype)
        found, greedy = so.solve(problem, "swap"), so.solve(problem, "greedy")
        assert found.objective is not None
        assert greedy.objective is not None
        assert found.indices is not None
        assert found.objective <= greedy.objective
        chosen = set(found.indices.tolist())
        for i, j in product(chosen, set(range(n)) - chosen):
            assert problem.objective(sorted(chosen - {i} | {j})) >= found.objective - 1e-9


def test_quadratic_more_restarts_are_never_worse() -> None:
    problem = _quadratic(150, 40, 0)
    values = [
        so.solve(problem, so.solver("swap", restarts=restarts)).objective
        for restarts in (0, 1, 10, 100)
    ]
    assert all(a is not None and b is not None and b <= a for a, b in pairwise(values))
    assert values[-1] != values[0]


def test_quadratic_in_parts_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = _quadratic(100, 30, 0)
    whole = so.solve(problem, so.solver("swap", restarts=0))
    for module in (_deadline, _quadratic_search):
        monkeypatch.setattr(module, "CHUNK", 1)
    assert so.solve(problem, so.solver("swap", restarts=0)).objective == whole.objective


def test_quadratic_the_time_limit_ends_it() -> None:
    problem = _quadratic(200, 40, 0)
    start = perf_counter()
    solution = so.solve(problem, "swap", time_limit=0.2)
    assert 0.2 <= perf_counter() - start < 5
    assert solution.termination is so.Termination.TIME_LIMIT
    assert solution.stats.iterations is not None
    assert solution.stats.iterations > 33


def test_quadratic_interruption_returns_the_best_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = _quadratic_search.Descents.rounds

    def stop_later(self: Any, begin: int, end: int) -> int:
        if begin == 3:
            raise KeyboardInterrupt
        return plain(self, begin, begin + 1)

    problem = _quadratic(100, 30, 1)
    first = so.solve(problem, so.solver("swap", restarts=2))
    monkeypatch.setattr(_quadratic_search.Descents, "rounds", stop_later)
    solution = so.solve(problem, "swap")
    assert solution.termination is so.Termination.INTERRUPTED
    assert solution.objective == first.objective


def test_mmd_is_half_of_what_greedy_leaves() -> None:
    points = np.random.default_rng(5).normal(size=(400, 5)).astype(np.float32)
    problem = so.MMDSelection(points, k=30)
    found, greedy = (so.solve(problem, name).objective for name in ("swap", "greedy"))
    assert found is not None
    assert greedy is not None
    assert found < 0.5 * greedy


def test_long_work_is_not_left_to_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    plain = _scalar_search.TIERS.choose

    def choose(steps: float, *, hurried: bool = False) -> Any:
        asked.append(steps)
        return plain(steps, hurried=hurried)

    monkeypatch.setattr(_scalar_search.TIERS, "choose", choose)
    problem = so.MeanMatching(_exponential(0, 1000), k=300)
    so.solve(problem, so.solver("swap", tolerance=0.0, restarts=9))
    assert len(asked) == 10  # each of the rounds is accounted for
    asked.clear()
    so.solve(problem, "frank-wolfe")
    assert max(asked) == 3 * 1000 * 300  # its point may be that many swaps away


def test_a_long_descent_is_left_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = so.MeanMatching(_exponential(0, 500), k=200, target=9.0)
    far = np.arange(200)
    whole = _scalar_search.Scalars(problem, Limits(), 0.0)
    whole.start(far)
    whole.rounds(0, 1)
    parts = _scalar_search.Scalars(problem, Limits(), 0.0, Deadline(1e9))
    parts._rounds._swaps = 1
    parts.start(far)
    parts.rounds(0, 1)
    assert abs(problem.objective(whole.indices()) - problem.objective(parts.indices())) < 1e-9
    late = _scalar_search.Scalars(problem, Limits(), 0.0, Deadline(0.0))
    late._rounds._swaps = 3
    late.start(far)
    with pytest.raises(OutOfTime):
        late.rounds(0, 1)
    assert problem.objective(late.indices()) < problem.objective(far)
