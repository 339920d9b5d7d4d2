"""Tabu search: optima of small problems, values known of larger ones, every reason to stop."""

import os
from itertools import combinations
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt._kernels.rng import seeded
from subsetopt.solvers import _deadline
from subsetopt.solvers.heuristics import _quadratic_search, _tabu_search
from subsetopt.solvers.heuristics._annealing import Annealings
from subsetopt.testing import assert_solver_contract

DATA = Path(os.environ.get("SUBSETOPT_DATA", "none"))


def quadratic(n: int, k: int, seed: int = 0, dtype: Any = np.float64) -> so.QuadraticSelection:
    generator = np.random.default_rng([n, k, seed])
    matrix = generator.normal(size=(n, n))
    if seed % 2:
        matrix = np.round(2 * matrix)
    return so.QuadraticSelection((matrix + matrix.T).astype(dtype), generator.normal(size=n), k)


@pytest.fixture
def walking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small problems are walked on too, though they might be enumerated."""
    monkeypatch.setattr(_quadratic_search, "_FEW", 0)


@pytest.mark.usefixtures("walking")
def test_contract_of_walks() -> None:
    assert_solver_contract(so.solver("tabu", iterations=300))


def _check_optimum(problem: so.QuadraticSelection, solver: Any) -> None:
    best = min(problem.objective(some) for some in combinations(range(problem.n), problem.k))
    found = so.solve(problem, solver)
    assert found.objective == pytest.approx(best, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("n", [1, 2, 5, 9, 12])
def test_finds_the_optimum_by_enumeration(n: int) -> None:
    for k in {1, 2, n // 2, n - 1, n} & set(range(1, n + 1)):
        for seed in range(2):
            problem = quadratic(n, k, seed, (np.float64, np.float32)[seed])
            _check_optimum(problem, "tabu")
            assert so.solve(problem, "tabu").stats.iterations == 0


@pytest.mark.usefixtures("walking")
@pytest.mark.parametrize("n", [3, 7, 10])
def test_finds_the_optimum_by_walks(n: int) -> None:
    for k in {1, 2, n // 2, n - 1}:
        for seed in range(4):
            problem = quadratic(n, k, seed, (np.float64, np.float32)[seed // 2])
            _check_optimum(problem, so.solver("tabu", iterations=2000, stall=100))


@pytest.mark.parametrize("size", [(3000, 1), (3000, 2999), (3000, 3000)])
def test_little_choice_is_exhausted(size: tuple[int, int]) -> None:
    n, k = size
    linear = np.random.default_rng(0).normal(size=n)
    problem = so.QuadraticSelection(np.zeros((n, n), dtype=np.float32), linear, k)
    found = so.solve(problem, "tabu", time_limit=60)
    assert found.objective == pytest.approx(np.sort(linear)[:k].sum())
    assert found.termination is so.Termination.FINISHED


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_never_worse_than_greedy_and_its_descent(dtype: Any) -> None:
    for seed in range(5):
        problem = quadratic(60, 17, seed, dtype)
        begun = so.solve(problem, so.solver("swap", restarts=0)).objective
        none = so.solve(problem, so.solver("tabu", iterations=0)).objective
        many = so.solve(problem, so.solver("tabu", iterations=5000)).objective
        assert begun is not None
        assert none is not None
        assert many is not None
        assert many <= none <= begun + 1e-9 * abs(begun)


def test_seeds_agree_on_random_problems() -> None:
    for problem in (quadratic(100, 20), quadratic(150, 70, 1), quadratic(80, 60, 2)):
        values = [so.solve(problem, "tabu", seed=seed).objective for seed in range(4)]
        assert values == pytest.approx([values[0]] * 4)


def test_without_a_stall_it_walks_on_as_described() -> None:
    problem = quadratic(200, 40, seed=1)
    default, described, short = (
        so.solve(problem, so.solver("tabu", iterations=500, stall=stall), seed=1)
        for stall in (None, 5_000 + 2 * 200, 5)
    )
    assert default.to_dict()["indices"] == described.to_dict()["indices"]
    assert default.objective != short.objective


def test_the_same_seed_gives_the_same_answer() -> None:
    problem = quadratic(400, 100)
    solver = so.solver("tabu", iterations=500)
    found = [so.solve(problem, solver, seed=seed) for seed in (0, 0, 1, 2, 3)]
    masks = [tuple(solution.mask) for solution in found]
    assert masks[0] == masks[1]
    assert len(set(masks)) > 1
    assert found[0].stats.iterations == 500
    assert found[0].termination is so.Termination.ITERATION_LIMIT


def test_the_time_limit_is_used() -> None:
    start = perf_counter()
    solution = so.solve(quadratic(200, 40), so.solver("tabu", iterations=0), time_limit=0.3)
    assert 0.3 <= perf_counter() - start < 5
    assert solution.termination is so.Termination.TIME_LIMIT
    assert solution.stats.iterations is not None
    assert solution.stats.iterations > 0


def test_the_target_ends_it() -> None:
    problem = quadratic(120, 30)
    best = so.solve(problem, "tabu").objective
    first = so.solve(problem, so.solver("tabu", iterations=0)).objective
    assert best is not None
    assert first is not None
    assert best < first
    for wanted in (best, best + 0.5 * (first - best)):
        found = so.solve(problem, so.solver("tabu", target=wanted), time_limit=60)
        assert found.termination is so.Termination.FINISHED
        assert found.objective is not None
        assert found.objective <= wanted + 1e-9 * abs(wanted)


@pytest.mark.parametrize("calls", [1, 2, 6, 20])
def test_interruption_returns_the_best_so_far(calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = _tabu_search.Walks.advance
    left = [calls]

    def stop_later(self: Any, most: int) -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        plain(self, min(most, 300))

    monkeypatch.setattr(_tabu_search.Walks, "advance", stop_later)
    problem = quadratic(200, 40)
    found = so.solve(problem, "tabu")
    assert found.termination is so.Termination.INTERRUPTED
    begun = so.solve(problem, "greedy").objective
    assert found.objective is not None
    assert begun is not None
    assert found.objective <= begun


def test_vectors() -> None:
    values = np.random.default_rng(1).normal(size=(60, 3))
    problem = so.MeanMatching(values, k=20, cardinality="at_most")
    found, greedy = so.solve(problem, "tabu"), so.solve(problem, "greedy")
    assert found.objective is not None
    assert greedy.objective is not None
    assert found.objective < 0.1 * greedy.objective


@pytest.mark.parametrize("exponent", [-1000, -300, 300, 990])
def test_scaling_by_a_power_of_two_changes_nothing(exponent: int) -> None:
    plain = quadratic(50, 12, 1)
    solver = so.solver("tabu", iterations=3000)
    scaled = so.QuadraticSelection(np.ldexp(plain.Q, exponent), np.ldexp(plain.c, exponent), 12)
    assert so.solve(scaled, solver).mask.tolist() == so.solve(plain, solver).mask.tolist()


@pytest.mark.parametrize(
    "options",
    [{"iterations": -1}, {"iterations": 1.5}, {"iterations": True}, {"tenure": -1},
     {"tenure": 2**31}, {"tenure": 2.0}, {"stall": 0}, {"stall": True},
     {"target": float("nan")}, {"target": "low"}, {"target": True}],
)  # fmt: skip
def test_options_are_validated(options: dict[str, Any]) -> None:
    with pytest.raises(so.InvalidOption, match=f"{next(iter(options))} must be "):
        so.solver("tabu", **options)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("mdplib/SOM-b_1_n100_m10.txt.xz", 333),
        ("mdplib/SOM-b_4_n100_m40.txt.xz", 4142),
        ("mdplib/MDG-a_1_n500_m50.txt.xz", 7833.83),
        ("kcluster/k-cluster_40.tar.xz:k-cluster_40/kcluster40_025_10_1.dat", 29),
        ("bqp/QPLIB_0633.opb.xz", 79.560706216e11),
    ],
)
def test_values_known_are_reached(name: str, known: float) -> None:
    if not (DATA / name.partition(":")[0]).exists():
        pytest.skip(f"SUBSETOPT_DATA names no folder that holds {name}")
    problem = so.read_problem(DATA / name)
    solution = so.solve(problem, so.solver("tabu", iterations=150_000), seed=1)
    assert solution.objective is not None
    assert problem.stated(solution.objective) == pytest.approx(known, rel=1e-8)


def test_clusters_are_shared_out_as_well_as_by_swaps() -> None:
    # A single swap can not move a place from one cluster to another without loss.
    draw = np.random.default_rng(0)
    centres = draw.normal(scale=4, size=(12, 2))
    points = centres[draw.integers(12, size=300)] + draw.normal(size=(300, 2))
    problem = so.MMDSelection(points, k=20)
    values: dict[str, list[float]] = {"swap": [], "tabu": []}
    for seed in range(3):
        for solver in (so.solver("swap", restarts=200), so.solver("tabu", iterations=30_000)):
            solution = so.solve(problem, solver, seed=seed)
            assert solution.objective is not None
            values[solution.solver].append(solution.objective)
    assert sum(values["tabu"]) <= sum(values["swap"])


def test_the_first_annealing_is_as_long_as_there_is_time() -> None:
    annealings = Annealings(50, 5, seeded(0))
    lengths = []
    for looks in (10, 20_000, 10**9):
        annealings.first(looks)
        lengths.append(annealings.length)
    assert lengths == [5_000, 20_000, 100_000]


@pytest.mark.usefixtures("walking")
def test_descents_before_annealings_leave_few_candidates_in_time() -> None:
    points = np.random.default_rng(0).normal(size=(6, 2))
    found = so.solve(so.MMDSelection(points, k=3), "tabu", time_limit=0.05, threads=1)
    assert found.stats.total_seconds < 2.0  # 8 s, where the clock is read after many turns


def test_first_descents_go_on_while_they_lead_far_down(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(0).normal(size=(40, 2))
    form = so.MMDSelection(points, k=5).quadratic_form()
    now = [0.0]
    monkeypatch.setattr(_deadline, "clock", lambda: now[0])
    walks = _tabu_search.Walks(form, 0, None, None, -np.inf, _deadline.Deadline(100.0))
    walks._falls = [(0.0, np.inf)]
    steep = []
    for now[0], distance in ((1, 10.0), (2, 8.0), (4, 7.5), (8, 3.0), (12, 3.0), (16, 3.0)):
        walks.value = form.lower(distance)
        steep.append(walks._steep)
    assert steep == [True, True, False, True, True, False]
    walks.value = form.lower(-1.0)  # no distance
    assert not walks._steep


def test_a_descent_between_walks_that_is_cut_short_leaves_a_selection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    walks = _tabu_search.Walks(quadratic(30, 6).quadratic_form(), 0, None, None, -np.inf)
    walks.start()

    def cut_short() -> tuple[bool, int, float]:
        raise _deadline.OutOfTime

    monkeypatch.setattr(walks, "_descended", cut_short)
    with pytest.raises(_deadline.OutOfTime):
        walks.descend()
    assert len(walks.indices()) == 6
