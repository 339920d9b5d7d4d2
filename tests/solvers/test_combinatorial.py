"""The combinatorial tree: every answer against enumeration, and every node of what it notes."""

import gzip
import json
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import subsetopt as so
from subsetopt._kernels import _tiers
from subsetopt.limits import Limits
from subsetopt.models import QuadraticForm
from subsetopt.solvers._deadline import NEVER
from subsetopt.solvers.exact import _combinatorial
from subsetopt.solvers.exact._combinatorial import CombinatorialTree, WholeForm, grid_of
from subsetopt.solvers.exact._portfolio import Portfolio

Whole = NDArray[np.int64]
COMBINATORIAL = so.solver("branch-and-bound", bounds="combinatorial")


def symmetric(n: int, seed: int, low: int = -9, high: int = 10) -> Whole:
    matrix = np.random.default_rng(seed).integers(low, high, (n, n))
    return np.asarray(np.triu(matrix) + np.triu(matrix, 1).T)


def form(n: int, k: int, seed: int) -> QuadraticForm:
    matrix = symmetric(n, seed).astype(np.float64)
    return QuadraticForm(matrix, matrix[0] - 3.0, k)


def tree(given: QuadraticForm, grid: float | None = 1.0) -> CombinatorialTree:
    whole = WholeForm.of(given, grid)
    assert whole is not None
    return CombinatorialTree(whole, np.arange(given.k))


def least(given: QuadraticForm) -> float:
    return min(given.value(np.array(rows)) for rows in combinations(range(given.n), given.k))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 11), st.data())
def test_the_optimum_of_every_sign_and_size(seed: int, n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, n))
    low, high = data.draw(st.sampled_from([(-9, 10), (0, 10), (-9, 1), (0, 2)]))
    sense: Any = data.draw(st.sampled_from(["minimise", "maximise"]))
    matrix = symmetric(n, seed, low, high)
    divisor = data.draw(st.sampled_from([1, 8, 3.0]))  # of a third there is no grid
    problem = so.QuadraticSelection(matrix / divisor, matrix[-1] / divisor, k, sense=sense)
    solution = so.solve(problem, COMBINATORIAL)
    chosen = combinations(range(n), k)
    best = min(problem.objective(list(rows)) for rows in chosen)
    assert solution.objective == pytest.approx(best, rel=1e-12, abs=1e-12)
    assert solution.termination is so.Termination.OPTIMAL
    assert solution.bound is not None
    assert solution.bound <= best
    if divisor != 3.0:
        assert solution.certificate.kind is so.CertificateKind.EXACT
    else:
        assert best - solution.bound <= 1e-10 * (1 + np.abs(matrix).sum())


@pytest.mark.parametrize("k", [4, 9])
@pytest.mark.parametrize("scale", [1e-310, 1e-3, 1e150, 1e300])
def test_magnitudes_of_all_kinds(k: int, scale: float) -> None:
    matrix = np.random.default_rng(3).normal(size=(12, 12)) * scale
    problem = so.QuadraticSelection(matrix, None, k)
    solution = so.solve(problem, COMBINATORIAL)
    best = min(problem.objective(list(rows)) for rows in combinations(range(12), k))
    assert solution.objective == pytest.approx(best, rel=1e-9)
    assert solution.bound is not None
    assert solution.bound <= best


@pytest.mark.parametrize("k", [3, 7, 10])
def test_rounded_coefficients_bound_from_below(k: int) -> None:
    generator = np.random.default_rng(k)
    matrix = generator.normal(size=(11, 11))
    given = QuadraticForm(matrix + matrix.T, generator.normal(size=11), k)
    whole = WholeForm.of(given, None)
    assert whole is not None
    assert whole.complement == (k > 5)
    for rows in combinations(range(11), k):
        chosen = np.array(rows)
        block = given.matrix[np.ix_(chosen, chosen)]
        exact = sum(map(Fraction, block.ravel())) + sum(map(Fraction, given.linear[chosen]))
        stated = whole.inner(whole.value(whole.items(chosen)))
        assert 0 <= exact - stated <= whole.unit * 2 * (k + 1) ** 2 * 11
    assert whole.value(np.arange(0)) == 0


def test_walks_are_the_same_for_any_number_of_threads() -> None:
    matrix = np.triu(np.random.default_rng(5).integers(0, 3, (34, 34)), 1)
    problem = so.QuadraticSelection(matrix, None, 11, sense="maximise")
    alone, together = (so.solve(problem, COMBINATORIAL, threads=threads) for threads in (1, 2))
    assert np.array_equal(alone.indices, together.indices)  # type: ignore[arg-type]
    assert alone.objective == together.objective
    assert alone.stats.iterations == together.stats.iterations
    assert alone.message == together.message
    assert alone.stats.iterations is not None
    assert alone.stats.iterations > 500


def test_walks_share_what_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_combinatorial, "_FIRST", 1)
    given = form(16, 6, 2)
    search, shared, best = tree(given), 0, least(given)
    while search.open:
        search.run(None, 0, 2)
        shared = max(shared, sum(walk.open > 0 for walk in search._walks))
        assert search.bound is not None
        assert search.bound <= best
    assert shared > 1
    assert search.exact
    assert search.bound == search.whole.inner(search.value) == best


def test_interpreted_and_compiled_kernels_see_the_same_nodes() -> None:
    (plain,) = (_tiers.module("combinatorial_tree"),)
    from subsetopt._kernels import combinatorial_tree

    seen = []
    for kernels in (plain, combinatorial_tree):
        walk = tree(form(13, 5, 4))._walks[0]
        nodes = walk.run(kernels, 0, 10**6)
        seen.append((nodes, walk.open, walk.state.tolist(), walk.best.tolist()))
    assert seen[0] == seen[1]
    assert seen[0][1] == 0


def preorder(entries: list[int], given: QuadraticForm, best: Fraction) -> Iterator[bool]:
    """Yield for each leaf of a tree in preorder whether nothing in it is better than the best."""
    places = iter(entries)
    every = [
        (frozenset(rows), given.value(np.array(rows)))
        for rows in combinations(range(given.n), given.k)
    ]

    def walk(part: list[Any]) -> Iterator[bool]:
        entry = next(places)
        if entry < 0:
            yield all(value >= best for _, value in part)
            return
        yield from walk([each for each in part if entry in each[0]])
        yield from walk([each for each in part if entry not in each[0]])

    yield from walk(every)
    assert next(places, None) is None


@pytest.mark.parametrize("k", [1, 4, 7, 9])
def test_the_tree_that_is_noted_is_whole(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_combinatorial, "_NOTES", 0)  # handed over node by node
    given = form(10, k, 6)
    search = tree(given)
    while search.open:
        search.run(None, 0, 1000)
    noted = search.preorder().tolist()
    assert all(preorder(noted, given, search.whole.inner(search.value)))
    assert len(noted) == 2 * sum(entry < 0 for entry in noted) - 1


def test_ctrl_c_leaves_a_valid_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    given = form(16, 6, 3)
    runs, plain = [0], _combinatorial._Walk.run

    def interrupted(self: Any, kernels: Any, allowed: int, steps: int) -> int:
        runs[0] += 1
        if runs[0] == 3:
            plain(self, kernels, allowed, 1)
            raise KeyboardInterrupt
        return plain(self, kernels, allowed, 1)

    monkeypatch.setattr(_combinatorial._Walk, "run", interrupted)
    search = Portfolio(given, True, "combinatorial", Limits(), NEVER)
    assert search.all_of_it(np.inf) is so.Termination.INTERRUPTED
    assert search.combinatorial is not None
    assert search.combinatorial.open
    assert given.value(search.best) >= least(given) >= search.bound


def test_nodes_are_limited() -> None:
    problem = so.QuadraticSelection(symmetric(30, 1), None, 12)
    solver = so.solver("branch-and-bound", bounds="combinatorial", nodes=7)
    solution = so.solve(problem, solver)
    assert solution.termination is so.Termination.ITERATION_LIMIT
    assert solution.stats.iterations == 7
    assert solution.message.startswith("combinatorial bounds: 7 nodes")
    assert solution.bound is not None
    best = so.solve(problem, "branch-and-bound").objective
    assert best is not None
    assert solution.bound <= best


def test_what_does_not_come_on_is_left_to_the_relaxation(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_QUICK", "_SHARE", "_MORE"):
        monkeypatch.setattr(f"subsetopt.solvers.exact._portfolio.{name}", 1)
    monkeypatch.setattr("subsetopt.solvers.exact._portfolio._PROMISE", 2.0)
    monkeypatch.setattr("subsetopt.solvers.exact._portfolio._STAGES", ((1, 1.0),))
    matrix = np.triu(np.random.default_rng(0).integers(0, 2, (24, 24)), 1)
    solution = so.solve(
        so.QuadraticSelection(matrix, None, 11, sense="maximise"), "branch-and-bound"
    )
    assert solution.certificate.kind is so.CertificateKind.EXACT
    assert "combinatorial bounds: " in solution.message
    assert "semidefinite bounds: " in solution.message
    assert solution.message.endswith(", 0 open")


def test_both_trees_in_turns_end_with_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    once = ("_STAGES", ((1, 1.0),))
    for name, value in (("_QUICK", 1), ("_SHARE", 1), ("_MORE", 1), ("_PROMISE", -1.0), once):
        monkeypatch.setattr(f"subsetopt.solvers.exact._portfolio.{name}", value)
    monkeypatch.setattr("subsetopt.solvers.exact._portfolio._TURN", 1e-6)
    problem = so.QuadraticSelection(symmetric(26, 8), None, 9)
    solution = so.solve(problem, "branch-and-bound")
    assert solution.certificate.kind is so.CertificateKind.EXACT
    assert "combinatorial bounds: " in solution.message.partition("; ")[0]
    assert ", 0 open" in solution.message
    assert solution.objective == so.solve(problem, COMBINATORIAL).objective


def test_constraints_are_not_for_the_combinatorial_tree() -> None:
    quota = so.Quota(np.arange(12) % 3, at_most={0: 1})
    constraints = so.Constraints(quotas=quota)
    problem = so.QuadraticSelection(symmetric(12, 1), None, 5, constraints=constraints)
    with pytest.raises(so.UnsupportedProblem, match="bounds='auto' takes all"):
        so.solve(problem, COMBINATORIAL)


def test_sums_that_no_float_holds_are_left_to_the_relaxation() -> None:
    matrix = np.full((4, 4), 1.7e308)
    assert WholeForm.of(QuadraticForm(matrix, np.zeros(4), 2), None) is None
    assert grid_of(QuadraticForm(np.eye(4) * 6.0, np.full(4, 9.0), 2)) == 3.0


@pytest.mark.parametrize(("k", "divisor"), [(7, 1), (17, 1), (7, 3.0)])
def test_the_tree_is_the_proof_that_is_written(k: int, divisor: float, tmp_path: Path) -> None:
    matrix = np.triu(np.random.default_rng(k).integers(0, 100, (24, 24)), 1) / divisor
    exclude = so.Constraints(exclude=[3, 11])
    problem = so.QuadraticSelection(matrix, None, k, sense="maximise", constraints=exclude)
    file = tmp_path / "proof.jsonl.gz"
    solution = so.solve(problem, COMBINATORIAL, proof=file)
    report = so.verify(problem, solution, proof=file)
    assert solution.bound is not None
    assert report.bound is not None
    assert report.bound >= solution.bound
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert solution.stats.iterations is not None
    assert lines[-1]["end"] < 50 * solution.stats.iterations
