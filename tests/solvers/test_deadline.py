"""Time limits: what is left undone, whatever the point at which the time is up."""

import threading
from collections.abc import Callable, Iterator
from time import perf_counter, sleep
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt._clock import _Clock
from subsetopt.limits import Limits
from subsetopt.problems import _mean_matching_models, _parallel
from subsetopt.solvers import _deadline, catalogue
from subsetopt.solvers._deadline import NEVER, Deadline, OutOfTime, TimedSolver
from subsetopt.solvers.heuristics import _quadratic_search, _vector_search
from subsetopt.solvers.relaxations import frank_wolfe

CHUNKED = (
    _deadline,
    _quadratic_search,
    _vector_search,
    frank_wolfe,
)
POINTS = (1, 2, 3, 4, 5, 6, 8, 11, 16, 23, 32, 45, 64, 100, 150)


class Ticks:
    """A clock that goes on by one second whenever it is read."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> float:
        self.now += 1
        return float(self.now)


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Ticks:
    clock = Ticks()
    monkeypatch.setattr(_deadline, "clock", clock)
    return clock


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every piece of work be as small as it can be."""
    for module in CHUNKED:
        monkeypatch.setattr(module, "CHUNK", 1)
    monkeypatch.setattr(_mean_matching_models, "_AT_ONCE", 1)
    monkeypatch.setattr(_mean_matching_models, "_PRODUCTS", 1)
    monkeypatch.setattr(_vector_search, "_PRODUCTS", 1)


def problems() -> Iterator[Any]:
    generator = np.random.default_rng(0)
    yield so.MeanMatching(generator.normal(size=90), 20)
    yield so.MeanMatching(generator.normal(size=24), 9, target=0.3, cardinality="at_most")
    yield so.MeanMatching(generator.normal(size=(70, 3)), 20)
    yield so.MeanMatching(generator.normal(size=(50, 3)), 20, cardinality="at_most")
    yield so.QuadraticSelection(generator.normal(size=(28, 28)), None, 9, sense="maximise")
    yield so.MMDSelection(generator.normal(size=(60, 2)), 15)


OWN = [name for name in catalogue.names() if issubclass(catalogue.solver_class(name), TimedSolver)]
CASES = [
    pytest.param(problem, name, id=f"{name}-{problem.family}-{problem.k}of{problem.n}")
    for problem in problems()
    for name in OWN
    if problem.family in catalogue.solver_class(name).handles
    and (name != "exact" or problem.n < 90)
    and name != "lp-rounding"  # HiGHS has a clock of its own
]


def test_all_our_solvers_are_timed() -> None:
    backends = {"cbc", "scip", "highs", "cpsat"}
    assert set(OWN) == set(catalogue.BUILT_IN) - backends


@pytest.mark.parametrize(("problem", "name"), CASES)
def test_wherever_the_time_is_up_there_is_a_selection(
    problem: Any, name: str, ticks: Ticks, small_chunks: None
) -> None:
    for limit in POINTS:
        made, parts = problem.__reduce__()
        fresh = made(*parts) if problem.family != "quadratic" else problem
        ticks.now = 0
        try:
            solution = so.solve(fresh, name, time_limit=float(limit), threads=1)
        except so.TooLarge:
            assert name == "exact"
            continue
        assert solution.indices is not None
        assert problem.check(solution.indices).size <= problem.k
        over = ticks.now - limit
        assert over < 40, f"{over} looks at the clock after the time was up"
        assert over < 0 or solution.termination is not so.Termination.ITERATION_LIMIT


@pytest.mark.parametrize(("problem", "name"), CASES)
def test_wherever_ctrl_c_comes_there_is_a_selection(
    problem: Any, name: str, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for point in POINTS:
        left = [point]

        def check(self: Deadline, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt

        monkeypatch.setattr(Deadline, "check", check)
        solution = so.solve(problem, name, threads=1)
        assert solution.indices is not None
        assert problem.check(solution.indices).size <= problem.k
        if left[0] > 0:
            break  # it was over before
        assert left[0] > -200  # frank-wolfe works out what its point is a bound for
        assert solution.termination is so.Termination.INTERRUPTED


@pytest.mark.parametrize(("problem", "name"), [case for case in CASES if case.values[1] != "exact"])
def test_in_small_chunks_the_answer_is_the_same(
    problem: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"tabu": {"iterations": 2000}, "swap": {"restarts": 3}}.get(name, {})
    if name == "branch-and-bound":
        options = {"nodes": 2}
    ready = so.solver(name, **options)
    whole = so.solve(problem, ready, threads=1)
    for module in (_deadline, _vector_search, frank_wolfe):
        monkeypatch.setattr(module, "CHUNK", 1)
    parts = so.solve(problem, ready, threads=1)
    assert np.array_equal(np.asarray(whole.indices), np.asarray(parts.indices))
    assert whole.objective == parts.objective
    assert whole.bound == parts.bound
    assert whole.stats.iterations == parts.stats.iterations


def test_too_long_a_start_is_replaced_by_a_uniform_one(ticks: Ticks, small_chunks: None) -> None:
    problem = so.MeanMatching(np.random.default_rng(0).normal(size=(200, 2)), 100)
    rows = _vector_search.Rows(problem, Deadline(1e6))
    assert rows.greedy(np.zeros(200, np.bool_), 0.5)  # there is time enough
    chosen = np.zeros(200, np.bool_)
    rows.deadline = Deadline(30_000.0)
    assert not rows.greedy(chosen, 0.5)  # it would take 100 x 200 ticks
    assert 0 < chosen.sum() < 10
    search = _vector_search.Vectors(problem, Limits(), 0.0, Deadline(30_000.0))
    search.start()
    assert search.indices().size == 100


# -- the deadline itself ---------------------------------------------------------------------------


def test_deadline(ticks: Ticks) -> None:
    deadline = Deadline(10.0)  # begins at 1
    assert deadline.limited
    assert deadline.elapsed == 1.0
    assert deadline.remaining == 8.0
    assert deadline.sooner(4.0).remaining == 3.0
    assert deadline.rest(Limits(seed=3)) == Limits(time_limit=6.0, seed=3)
    while not deadline.passed:
        pass
    assert ticks.now == 11
    with pytest.raises(OutOfTime):
        deadline.check()
    assert deadline.remaining == 0.0
    assert deadline.rest(Limits()).time_limit == 1e-3


def test_without_a_limit_nobody_looks_at_the_clock(ticks: Ticks) -> None:
    deadline = Deadline.of(Limits())
    before = ticks.now
    deadline.check()
    assert not deadline.passed
    assert deadline.remaining == np.inf
    assert deadline.rest(Limits(threads=2)) == Limits(threads=2)
    assert list(deadline.chunks(5, 2, 4)) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert list(deadline.chunks(2, 10, 4)) == [slice(0, 1), slice(1, 2)]
    assert list(deadline.chunks(0, 10, 4)) == []
    assert ticks.now == before


def test_the_first_chunk_is_done_whatever_the_time() -> None:
    late = Deadline(0.0)
    assert list(late.chunks(10, 1, 10)) == [slice(0, 10)]
    parts = late.chunks(10, 1, 5)
    assert next(parts) == slice(0, 5)
    with pytest.raises(OutOfTime):
        next(parts)


def test_calls_that_cannot_be_divided() -> None:
    assert NEVER.wait_for(lambda: 3, 0.0) == 3
    assert NEVER.wait_for(threading.get_ident, 0.0) == threading.get_ident()
    assert NEVER.wait_for(threading.get_ident, 9.0) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        NEVER.wait_for(lambda: 1 / 0, 9.0)
    release = threading.Event()
    with pytest.raises(OutOfTime):
        Deadline(0.05).wait_for(release.wait, 9.0)
    release.set()
    with pytest.raises(OutOfTime):  # not even begun
        Deadline(0.0).wait_for(lambda: pytest.fail("begun"), 9.0)


def test_the_clock_stands_while_it_is_paused() -> None:
    clock = _Clock()
    begin, real = clock.now(), perf_counter()
    clock.pause()
    clock.pause()  # another thread, say
    sleep(0.05)
    clock.go_on()
    sleep(0.05)
    clock.go_on()
    assert clock.now() - begin <= perf_counter() - real - 0.1
    later = clock.now()
    sleep(0.01)
    assert clock.now() >= later + 0.01


def test_compiling_is_not_in_the_limit() -> None:
    from subsetopt._clock import CLOCK
    from subsetopt._kernels._cache import njit

    @njit(cache=False)
    def fresh(x: float) -> float:
        return x + 1.0

    stood = CLOCK.stood
    assert fresh(1.0) == 2.0
    assert CLOCK.stood > stood
    stood = CLOCK.stood
    fresh(2.0)
    assert CLOCK.stood == stood


# -- building --------------------------------------------------------------------------------------


def test_inner_products_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).normal(size=(150, 3))
    whole = _mean_matching_models.inner_products(rows)
    monkeypatch.setattr(_mean_matching_models, "_AT_ONCE", 2**10)
    monkeypatch.setattr(_mean_matching_models, "_PRODUCTS", 2**10)
    checks: list[int] = []
    blocks = _mean_matching_models.inner_products(rows, lambda: checks.append(0))
    np.testing.assert_allclose(blocks, whole, rtol=1e-13, atol=1e-13)
    assert (blocks == blocks.T).all()
    assert not blocks.flags.writeable
    assert len(checks) == 6  # blocks of 64: three on the diagonal, three above it


def test_inner_products_of_few_columns_are_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """To mirror a matrix takes as long as to multiply."""
    monkeypatch.setattr(_mean_matching_models, "_ENTRIES", 100 * 100)
    checks: list[int] = []
    _mean_matching_models.inner_products(np.ones((100, 1)), lambda: checks.append(100))
    _mean_matching_models.inner_products(np.ones((101, 1)), lambda: checks.append(101))
    assert checks == [101]


def test_a_matrix_that_was_not_finished_is_not_kept(small_chunks: None) -> None:
    problem = so.MeanMatching(np.ones((150, 2)), 3)

    def refuse() -> None:
        raise OutOfTime

    with pytest.raises(OutOfTime):
        problem.quadratic_form(refuse)
    assert problem.quadratic_form() is problem.quadratic_form(refuse)


def test_the_sums_over_the_kernel_matrix_belong_to_the_problem() -> None:
    problem = so.MMDSelection(np.random.default_rng(0).normal(size=(30, 2)), 4)
    assert "own" in vars(problem._terms)  # O(n^2), and so not left to the first solve
    precomputed = so.MMDSelection(problem.quadratic_form().matrix, 4, kernel="precomputed")
    assert "own" in vars(precomputed._terms)


@pytest.mark.parametrize("name", ["tabu", "herding"])
def test_inner_products_that_do_not_fit_are_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.ones((50_000, 2))
    monkeypatch.setattr("subsetopt.problems._memory.memory_limit", lambda: 2**34)
    with pytest.raises(so.TooLarge, match=r"50000 x 50000 .* 18\.6 GiB, .* 16 GiB.*'swap'"):
        so.solve(so.MeanMatching(values, 9), name, time_limit=1.0)


def test_unchecked_lets_all_go_on() -> None:
    call: Callable[[], None] = _parallel.no_callback
    call()


# -- by the clock on the wall ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["swap", "greedy", "frank-wolfe"])
def test_many_long_vectors(name: str) -> None:
    small = so.MeanMatching(np.random.default_rng(0).normal(size=(40, 3)), 9)
    so.solve(small, name)
    values = np.random.default_rng(0).standard_normal((60_000, 64), np.float32)
    problem = so.MeanMatching(values, 3_000)
    begin = perf_counter()
    solution = so.solve(problem, name, time_limit=0.5)
    assert perf_counter() - begin < 5.0  # it would take minutes
    assert solution.termination is so.Termination.TIME_LIMIT
    assert solution.indices is not None
    assert solution.indices.size == 3_000
