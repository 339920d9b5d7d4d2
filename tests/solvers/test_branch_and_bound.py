"""Branch and bound: against enumeration, on published instances, within its limits."""

import os
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.solvers.exact import _portfolio
from subsetopt.solvers.heuristics.tabu import Tabu

DATA = os.environ.get("SUBSETOPT_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="SUBSETOPT_DATA names no data folder")


def optimum(problem: Any) -> float:
    chosen = combinations(range(problem.n), problem.k)
    return float(min(problem.objective(list(rows)) for rows in chosen))


def graph(n: int, share: float, seed: int) -> NDArray[np.int64]:
    edges = np.triu(np.random.default_rng(seed).random((n, n)) < share, 1)
    return (edges + edges.T).astype(np.int64)


def mixture(n: int, seed: int = 0) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    centres = 2 * generator.normal(size=(3, 5))
    return np.asarray(centres[generator.integers(3, size=n)] + generator.normal(size=(n, 5)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 11), st.booleans(), st.data())
def test_integers_are_proven_without_tolerance(
    seed: int, n: int, maximised: bool, data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, n))
    bounds = data.draw(st.sampled_from(["auto", "convex", "semidefinite"]))
    matrix = np.random.default_rng(seed).integers(-9, 10, size=(n, n))
    problem = so.QuadraticSelection(matrix, None, k, sense="maximise" if maximised else "minimise")
    solution = so.solve(problem, so.solver("branch-and-bound", bounds=bounds))
    assert solution.objective == optimum(problem)
    assert solution.certificate.kind is so.CertificateKind.EXACT
    assert solution.termination is so.Termination.OPTIMAL


@pytest.mark.parametrize("k", [2, 5, 9, 12])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("bounds", ["auto", "convex", "semidefinite"])
def test_larger_ones_need_more_than_one_node(seed: int, k: int, bounds: str) -> None:
    matrix = np.random.default_rng(seed).normal(size=(14, 14))
    problem = so.QuadraticSelection(matrix, matrix[0], k)
    solution = so.solve(problem, so.solver("branch-and-bound", bounds=bounds))
    assert solution.objective == pytest.approx(optimum(problem), rel=1e-12)
    assert solution.certificate.kind is so.CertificateKind.BOUND
    assert solution.certificate.eps is not None
    assert solution.certificate.eps <= 1e-7 * np.abs(matrix).sum()
    assert solution.stats.iterations is not None


def test_mmd_is_proven() -> None:
    problem = so.MMDSelection(mixture(24), k=4, kernel=so.Gaussian(scale=5**0.5))
    best = optimum(problem)
    for bounds in ("auto", "convex", "semidefinite"):
        solution = so.solve(problem, so.solver("branch-and-bound", bounds=bounds))
        assert solution.objective == pytest.approx(best, abs=1e-12)
        assert solution.absolute_gap is not None
        assert solution.absolute_gap <= 1e-8


def test_vectors_with_fewer_allowed() -> None:
    values = np.random.default_rng(2).normal(size=(8, 2))
    problem = so.MeanMatching(values, k=5, cardinality="at_most")
    best = min(
        problem.objective(list(rows)) for m in range(6) for rows in combinations(range(8), m)
    )
    solution = so.solve(problem, "branch-and-bound")
    assert solution.objective == pytest.approx(best, abs=1e-12)


def test_threads_find_the_same_value() -> None:
    problem = so.QuadraticSelection(graph(30, 0.5, 1), None, 12, sense="maximise")
    solver = so.solver("branch-and-bound", bounds="semidefinite")
    alone = so.solve(problem, solver, threads=1)
    together = so.solve(problem, solver, threads=3)
    assert alone.certificate.kind is together.certificate.kind is so.CertificateKind.EXACT
    assert alone.objective == together.objective


@pytest.mark.parametrize("bounds", ["auto", "semidefinite"])
def test_limits_leave_a_valid_bound(bounds: str) -> None:
    problem = so.QuadraticSelection(np.random.default_rng(0).normal(size=(40, 40)), None, 15)
    proven = so.solve(problem, "branch-and-bound")
    assert proven.objective is not None
    solver = so.solver("branch-and-bound", bounds=bounds)
    one = so.solve(problem, so.solver("branch-and-bound", bounds=bounds, nodes=1))
    assert one.termination is so.Termination.ITERATION_LIMIT
    short = so.solve(problem, solver, time_limit=1e-3)
    assert short.termination is so.Termination.TIME_LIMIT
    wide = so.solve(problem, solver, gap=0.5)
    assert wide.termination is so.Termination.OPTIMAL
    for solution in (one, short, wide):
        assert solution.objective is not None
        assert solution.objective >= proven.objective - 1e-9 * abs(proven.objective)
        assert solution.bound is None or solution.bound <= proven.objective
    assert wide.gap is not None
    assert wide.gap <= 0.5 + 1e-6


@pytest.mark.parametrize("bounds", ["auto", "convex", "semidefinite"])
def test_a_gap_is_no_proof(bounds: str) -> None:
    problem = so.QuadraticSelection(graph(20, 0.5, 3), None, 8, sense="maximise")
    solver = so.solver("branch-and-bound", bounds=bounds)
    solution = so.solve(problem, solver, absolute_gap=5.0)
    assert solution.certificate.kind in (so.CertificateKind.BOUND, so.CertificateKind.EXACT)
    assert solution.absolute_gap is not None
    assert solution.absolute_gap <= 5.0 + 1e-6


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("bounds", ["auto", "convex", "semidefinite"])
def test_a_gap_above_one_bounds_what_was_discarded(whole: bool, bounds: str) -> None:
    # The value falls from above 1 to 0, and so does the gap, after nodes were discarded.
    matrix = np.random.default_rng(19).normal(size=(30, 30))
    matrix = np.rint(8 * (matrix + matrix.T)) if whole else matrix + matrix.T
    problem = so.QuadraticSelection(matrix, k=8)
    solver = so.solver("branch-and-bound", bounds=bounds)
    first = so.solve(problem, solver, gap=1e9)
    best = so.solve(problem, "tabu").objective
    assert first.objective is not None
    assert best is not None
    near_zero = so.QuadraticSelection(matrix, k=8, constant=(not whole) * 1e-3 - first.objective)
    solution = so.solve(near_zero, solver, gap=100.0)
    assert solution.bound is not None
    assert solution.bound <= best + near_zero.constant


def test_interrupts_are_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_portfolio, "explore", interrupted)
    problem = so.QuadraticSelection(graph(30, 0.5, 1), None, 12, sense="maximise")
    solution = so.solve(problem, so.solver("branch-and-bound", bounds="semidefinite"))
    assert solution.termination is so.Termination.INTERRUPTED
    assert solution.indices is not None
    assert solution.bound is None


@pytest.mark.parametrize(
    ("unaided", "walks"), [(1e9, [0]), (2.5 * 14**3, [0, 150 * 14]), (14**3 - 1.0, [150 * 14])]
)
def test_only_a_long_proof_is_helped_by_a_walk(
    unaided: float, walks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, walked = Tabu.walk, []

    def counted(self: Tabu, form: Any, most: int, *rest: Any) -> Any:
        walked.append(most)
        return plain(self, form, most, *rest)

    monkeypatch.setattr(_portfolio, "_UNAIDED", unaided)
    monkeypatch.setattr(Tabu, "walk", counted)
    problem = so.MMDSelection(mixture(14), 6)
    solution = so.solve(problem, so.solver("branch-and-bound", bounds="semidefinite"))
    assert walked == walks
    assert solution.termination is so.Termination.OPTIMAL
    assert solution.objective == pytest.approx(optimum(problem), rel=1e-9)
    assert solution.stats.iterations is not None
    assert solution.stats.iterations > 2


def test_too_many_candidates_are_refused_with_an_estimate() -> None:
    semidefinite = so.solver("branch-and-bound", bounds="semidefinite")
    with pytest.raises(so.TooLarge, match="601 candidates") as caught:
        so.solve(so.QuadraticSelection(np.eye(601), None, 5), semidefinite)
    assert caught.value.seconds > 1
    large = so.QuadraticSelection(np.eye(4097, dtype=np.float32), None, 5)
    with pytest.raises(so.TooLarge, match=r"4097 candidates .* at most 4096"):
        so.solve(large, "branch-and-bound")


@pytest.mark.parametrize("nodes", [0, -1, 2.0, True])
def test_bad_options(nodes: Any) -> None:
    with pytest.raises(so.InvalidOption, match="nodes must"):
        so.solver("branch-and-bound", nodes=nodes)


def test_unknown_bounds_are_named() -> None:
    with pytest.raises(so.InvalidOption, match=r"bounds must be 'auto', .*got 'linear'"):
        so.solver("branch-and-bound", bounds="linear")


@needs_data
@pytest.mark.parametrize(
    ("name", "value"),
    [("kcluster40_025_10_1", 29), ("kcluster40_050_30_3", 261), ("kcluster40_075_20_2", 173)],
)
def test_densest_subgraphs_are_proven(name: str, value: int) -> None:
    assert DATA is not None
    archive = Path(DATA, "kcluster", "k-cluster_40.tar.xz")
    problem = so.read_problem(f"{archive}:k-cluster_40/{name}.dat")
    solution = so.solve(problem, "branch-and-bound")
    assert solution.certificate.kind is so.CertificateKind.EXACT
    assert solution.objective == -value


@needs_data
def test_maximum_diversity_is_proven() -> None:
    assert DATA is not None
    problem = so.read_problem(Path(DATA, "mdplib", "SOM-b_1_n100_m10.txt.xz"))
    solution = so.solve(problem, "branch-and-bound")
    assert solution.certificate.kind is so.CertificateKind.EXACT
    assert solution.objective == -333
