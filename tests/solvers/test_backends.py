"""Every backend, on every kind of instance: agreement with enumeration within its own eps."""

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain, combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so
from subsetopt.limits import Limits
from subsetopt.solvers import catalogue
from subsetopt.solvers.backends import _backend

BACKENDS = ("cbc", "scip", "highs", "cpsat")


def _backends() -> Iterator[Any]:
    for name in BACKENDS:
        available = catalogue.solver_class(name).availability()
        mark = pytest.mark.skipif(not available, reason=available.reason or "available")
        yield pytest.param(name, marks=mark)


backend = pytest.mark.parametrize("name", list(_backends()))
_RNG = np.random.default_rng(7)
_LOSSES = _RNG.exponential(size=12).astype(np.float32)
_SIGNED = _RNG.normal(size=11)
_WIDE = [0.77, 128, 256131.09375, -93645.75, -553516.75, -925265.125, -634537.375]
_WIDE[4:4] = [-328202.84375, -328202.84375]

CASES = {
    "losses": so.MeanMatching(_LOSSES, k=4),
    "float64": so.MeanMatching(_LOSSES.astype(np.float64) / 3, k=5),
    "negatives": so.MeanMatching(_SIGNED, k=4),
    "all negative": so.MeanMatching(-np.abs(_SIGNED), k=3),
    "ties": so.MeanMatching([1.0, 1.0, 2.0, 2.0, 2.0, 5.0], k=3),
    "constant": so.MeanMatching(np.full(8, 0.7), k=3),
    "zeros": so.MeanMatching(np.zeros(5), k=2),
    "integers": so.MeanMatching([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5], k=4),
    "big integers": so.MeanMatching([2**52 + 1, 2**51 + 3, 7, 2**50 + 9, 12345, 2**49], k=3),
    "huge": so.MeanMatching(_LOSSES.astype(np.float64) * 1e30, k=4),
    "largest float32": so.MeanMatching((_LOSSES * 1e37).astype(np.float32), k=4),
    "nearly overflowing": so.MeanMatching(_SIGNED * 1e306, k=4),
    "tiny": so.MeanMatching(_LOSSES.astype(np.float64) * 1e-30, k=4),
    "denormal": so.MeanMatching(np.arange(1, 10) * 5e-324, k=4),
    "wide": so.MeanMatching([1e-300, 1e300, 2e-300, 3.0, -1e300, 5e299, 1e-8], k=3),
    "fairly wide": so.MeanMatching([1e-12, 1e6, 3e-7, 2.0, 5e5, 7e-4, 1e3], k=3),
    "past CBC's increment": so.MeanMatching(
        [3.0, 239651.0, 268211.0, 0.0, 0.0, -507935.0, 1.0], k=5, cardinality="at_most"
    ),
    "past CP-SAT's presolve": so.MeanMatching(
        np.array(_WIDE, dtype=np.float32),
        k=8,
        cardinality="at_most",
    ),
    "far from zero": so.MeanMatching(1e6 + _SIGNED, k=4),
    "n=1": so.MeanMatching([0.3], k=1),
    "k=1": so.MeanMatching(_LOSSES, k=1),
    "k=n": so.MeanMatching(_LOSSES, k=12),
    "at most": so.MeanMatching(_SIGNED, k=4, cardinality="at_most"),
    "at most, empty is best": so.MeanMatching(
        [1.0, 2.0, 3.0], k=2, target=-1, cardinality="at_most"
    ),
    "target inside": so.MeanMatching(_LOSSES, k=4, target=0.5),
    "target below": so.MeanMatching(_LOSSES, k=4, target=-3.0),
    "target above": so.MeanMatching(_LOSSES, k=4, target=100.0),
    "target far above": so.MeanMatching(_LOSSES, k=4, target=1e40),
    "target far below zeros": so.MeanMatching(np.zeros(3), k=2, target=-1e40),
}


def subsets(problem: so.MeanMatching) -> Iterable[tuple[int, ...]]:
    sizes = range(problem.smallest_count, problem.k + 1)
    return chain.from_iterable(combinations(range(problem.n), size) for size in sizes)


def optimum(problem: so.MeanMatching) -> Fraction:
    return min(problem.exact_objective(list(chosen)) for chosen in subsets(problem))


def assert_honest(problem: so.MeanMatching, name: str, best: Fraction, **limits: Any) -> Any:
    """The claim of the backend itself, then what certification makes of it, from a start."""
    answer: Any = catalogue.create(name, warm_start=False)._solve(problem, Limits(**limits))
    assert answer.termination is so.Termination.OPTIMAL, answer.message
    value = problem.exact_objective(answer.indices)
    assert best <= value
    rounding = Fraction(1, 10**12) * abs(value)
    assert value - best <= Fraction(answer.eps) + rounding
    assert answer.bound <= best + Fraction(answer.eps) + rounding
    if answer.proven:
        assert value == best
    solution: Any = so.solve(problem, name, **limits)
    # From a start a backend may end elsewhere, within its tolerance.
    slack = max(answer.eps, solution.objective - solution.bound)
    assert solution.objective <= problem.objective(answer.indices) + slack
    assert solution.bound <= float(best) * (1 + 1e-12) + 5e-324
    assert solution.stats.build_seconds > 0
    return answer


@backend
@pytest.mark.parametrize("case", CASES)
def test_optimal_within_eps(name: str, case: str) -> None:
    answer = assert_honest(CASES[case], name, optimum(CASES[case]), threads=1)
    if case == "losses":
        assert answer.eps < 5e-5
        assert answer.message in ("", "values scaled to integers without rounding")


@backend
@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    values=st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=9),
    k=st.integers(1, 9),
    cardinality=st.sampled_from(["exactly", "at_most"]),
)
def test_any_small_instance(name: str, values: list[float], k: int, cardinality: Any) -> None:
    problem = so.MeanMatching(values, k=min(k, len(values)), cardinality=cardinality)
    assert_honest(problem, name, optimum(problem), threads=1)


def closest(problem: so.MeanMatching) -> Fraction:
    """The optimum by meeting in the middle, in exact integers."""
    p, q = problem.scaled_target
    assert problem.grid.integers is not None
    integers, half = problem.grid.integers.tolist(), problem.n // 2
    left, right = (_sums(part, problem.k) for part in (integers[:half], integers[half:]))
    best = -1
    for count in range(problem.k + 1):
        first, second = left[count], right[problem.k - count]
        if not (first.size and second.size):
            continue
        wanted = p // q - first
        at = np.searchsorted(second, wanted)
        for shift in (-1, 0, 1):
            other = second[np.clip(at + shift, 0, second.size - 1)]
            i = int(np.argmin(np.abs(wanted - other)))
            near = abs(p - q * (int(first[i]) + int(other[i])))
            best = near if best < 0 else min(best, near)
    return Fraction(best, q * problem.k) * Fraction(2) ** problem.grid.exponent


def _sums(integers: list[int], k: int) -> list[Any]:
    sums = [np.zeros(1, np.int64)] + [np.zeros(0, np.int64)] * k
    for value in integers:
        sums = [sums[0]] + [np.concatenate([sums[c], sums[c - 1] + value]) for c in range(1, k + 1)]
    return [np.sort(part) for part in sums]


@pytest.mark.parametrize("name", [p for p in _backends() if p.values[0] != "cpsat"])
@pytest.mark.parametrize("seed", range(3))
def test_eps_is_honest_on_random_losses(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(18, 25))
    problem = so.MeanMatching(rng.exponential(size=n).astype(np.float32), k=int(rng.integers(4, 9)))
    best = closest(problem)
    answer: Any = catalogue.create(name)._solve(problem, Limits(threads=1))
    assert answer.termination is so.Termination.OPTIMAL
    assert 0 <= problem.exact_objective(answer.indices) - best <= Fraction(answer.eps)
    assert answer.eps < 5e-5


def test_meeting_in_the_middle_is_right() -> None:
    assert abs(closest(CASES["losses"]) - optimum(CASES["losses"])) < 1e-15


@backend
@pytest.mark.parametrize("limit", [{"gap": 0.5}, {"absolute_gap": 0.05}])
def test_gaps_are_counted_in_eps(name: str, limit: dict[str, float]) -> None:
    problem = so.MeanMatching(_LOSSES, k=4, target=5 * float(_LOSSES.max()))
    assert_honest(problem, name, optimum(problem), threads=1, **limit)
    assert_honest(CASES["losses"], name, optimum(CASES["losses"]), threads=1, **limit)


HARD = so.MeanMatching(np.random.default_rng(0).exponential(size=300).astype(np.float32), k=5)


@backend
@pytest.mark.parametrize("time_limit", [1e-3, 0.2])
def test_time_limit(name: str, time_limit: float) -> None:
    solution: Any = so.solve(HARD, name, time_limit=time_limit, threads=1)
    assert solution.stats.solve_seconds < time_limit + 2
    if solution.termination is not so.Termination.OPTIMAL:
        assert solution.termination is so.Termination.TIME_LIMIT
    if time_limit > 0.1:
        assert solution.indices is not None
    infinite: Any = so.solve(CASES["ties"], name, time_limit=math.inf, gap=math.inf)
    assert infinite.indices is not None


@backend
def test_silence_and_log(name: str, capfd: Any) -> None:
    so.solve(CASES["losses"], name, time_limit=5, gap=0.1, absolute_gap=0.1, threads=2, seed=5)
    so.solve(HARD, name, time_limit=0.05, threads=1)
    so.solve(CASES["constant"], name)
    assert capfd.readouterr() == ("", "")
    so.solve(CASES["losses"], name, log=True, threads=1)
    assert capfd.readouterr().out


@backend
def test_same_seed_same_selection(name: str) -> None:
    problem = so.MeanMatching(_RNG.exponential(size=20).astype(np.float32), k=6)
    first, second = (so.solve(problem, name, seed=3, threads=1) for _ in range(2))
    np.testing.assert_array_equal(first.indices, second.indices)


@backend
def test_limits_not_honoured_are_named(name: str) -> None:
    problem = CASES["losses"]
    message = so.solve(problem, name, absolute_gap=1e-9, seed=1, threads=2, time_limit=9).message
    unhonoured = {"cbc": ["absolute_gap", "seed", "threads"], "scip": ["threads"]}
    for limit in ("absolute_gap", "seed", "threads", "time_limit"):
        assert (limit in message) == (limit in unhonoured.get(name, [])), message
    assert "not honoured" not in so.solve(problem, name).message


@backend
@pytest.mark.parametrize("cardinality", ["exactly", "at_most"])
def test_vectors(name: str, cardinality: Any) -> None:
    vectors = so.MeanMatching(_SIGNED[:10].reshape(5, 2), k=2, cardinality=cardinality)
    solution: Any = so.solve(vectors, name, threads=1)
    assert solution.objective == pytest.approx(float(optimum(vectors)), abs=1e-5)
    assert solution.termination is so.Termination.OPTIMAL


@pytest.mark.parametrize(
    ("scale", "d", "cardinality"),
    [(1.0, 1, "exactly"), (1.0, 2, "at_most"), (1e-20, 3, "exactly"), (1e20, 2, "at_most")],
)
def test_vectors_by_scip(scale: float, d: int, cardinality: Any) -> None:
    pytest.importorskip("pyscipopt")
    rng = np.random.default_rng(d)
    problem = so.MeanMatching(rng.normal(size=(10, d)) * scale, k=3, cardinality=cardinality)
    assert_honest(problem, "scip", optimum(problem))
    assert so.solve(problem, "scip").gap is not None
    offset = so.MeanMatching(problem.values, k=3, target=np.full(d, 2 * scale))
    assert_honest(offset, "scip", optimum(offset))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cbc", {"nonsense": 1}),
        ("cbc", {"replay_seconds": 1.0}),
        ("cbc", {"warm_start": 1}),
        ("scip", {"parameters": 3}),
        ("highs", {"presolve": "maybe"}),
        ("cpsat", {"bits": 1}),
        ("cpsat", {"bits": True}),
    ],
)
def test_bad_options(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(so.InvalidOption):
        so.solver(name, **options)


def test_scip_parameters() -> None:
    pytest.importorskip("pyscipopt")
    few = so.solver("scip", parameters={"limits/nodes": 1})
    assert hash(few) == hash(so.solver("scip", parameters=(("limits/nodes", 1),)))
    assert so.solve(HARD, few).termination is so.Termination.ITERATION_LIMIT
    for wrong in ({"no/such": 1}, {"limits/nodes": "many"}):
        with pytest.raises(so.InvalidOption, match="SCIP refuses"):
            so.solve(HARD, so.solver("scip", parameters=wrong))


@pytest.mark.parametrize("presolve", ["on", "off"])
def test_highs_presolve(presolve: str) -> None:
    pytest.importorskip("highspy")
    solution: Any = so.solve(CASES["losses"], so.solver("highs", presolve=presolve))
    assert solution.objective <= optimum(CASES["losses"]) + 1e-5


def test_cpsat_proves_and_rounds() -> None:
    pytest.importorskip("ortools")
    problem = so.MeanMatching(_RNG.exponential(size=14).astype(np.float32), k=5)
    best = optimum(problem)
    exact: Any = so.solve(problem, "cpsat", threads=1)
    assert exact.certificate.kind is so.CertificateKind.EXACT
    assert problem.exact_objective(exact.indices) == best
    coarse: Any = so.solver("cpsat", bits=12)._solve(problem, Limits(threads=1))
    assert not coarse.proven
    assert "rounded" in coarse.message
    assert problem.exact_objective(coarse.indices) - best <= Fraction(coarse.eps)


# -- the shared parts ---------------------------------------------------------------------------


def test_natural_magnitudes_are_left_alone() -> None:
    assert _backend.scaled(CASES["losses"]).problem is CASES["losses"]
    scale = _backend.scaled(CASES["huge"])
    assert 0.5 <= np.abs(scale.problem.values).max() < 1
    assert "2**" in scale.note
    for chosen in ([0, 1, 2, 3], [2, 5, 7, 11]):
        lifted = scale.lift(scale.problem.objective(chosen))
        assert lifted == pytest.approx(CASES["huge"].objective(chosen), rel=1e-12)


@pytest.mark.parametrize("case", ["target far above", "denormal", "tiny", "nearly overflowing"])
def test_scaling_keeps_the_order(case: str) -> None:
    problem, scale = CASES[case], _backend.scaled(CASES[case])
    pairs = [
        (problem.exact_objective([*c]), scale.problem.objective([*c])) for c in subsets(problem)
    ]
    best = min(there for _, there in pairs)
    near = min(here for here, there in pairs if there <= best + 1e-12)
    least = min(here for here, _ in pairs)
    assert near - least <= Fraction(scale.lift_width(1e-12))


def test_selection_mends_only_what_tolerances_explain() -> None:
    chosen = _backend.selection(np.array([1.0, 0.0, 1.0 - 1e-7, 1e-7]), 2, 2)
    np.testing.assert_array_equal(chosen, [0, 2])
    assert _backend.selection(np.array([1.0, 1.0, 1.0, 0.0]), 2, 2) is None
    assert _backend.selection(np.array([0.4, 0.4, 0.6, 0.6 + 1e-9]), 2, 2) is not None
    assert _backend.selection(np.array([0.7, 0.7, 0.6, 0.0]), 2, 2) is None
    assert _backend.selection(np.full(4, np.nan), 2, 2) is None


def test_unknown_codes_stay_unknown() -> None:
    table = {1: so.Termination.TIME_LIMIT}
    unknown = so.Termination.UNKNOWN
    assert _backend.termination(table, 99, Limits(time_limit=1), False) is unknown
    assert _backend.termination(table, 1, Limits(), False) is unknown
    assert _backend.termination(table, 1, Limits(), True) is so.Termination.INTERRUPTED


def test_no_selection_is_an_error_not_a_guess() -> None:
    problem = so.MeanMatching([1.0, 2.0, 3.0, 4.0], k=2)
    native = _backend.Native(
        termination=so.Termination.OPTIMAL,
        x=np.ones(4),
        bound=0.0,
        tolerance=0.0,
        build_seconds=0.0,
        solve_seconds=0.0,
    )
    answer = _backend.raw_result(problem, _backend.Scaled(problem), native)
    assert answer.termination is so.Termination.ERROR
    assert answer.indices is None
    assert answer.eps is None
