"""Quadratics that are kept sparse mean what the dense ones mean."""

import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.models import SparseMatrix
from subsetopt.problems import _memory, _sparse_entries

sparse = pytest.importorskip("scipy.sparse")


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep small problems sparse too."""
    monkeypatch.setattr(_sparse_entries, "FROM", 0)
    monkeypatch.setattr(_sparse_entries, "DENSITY", 3.0)


def _square(n: int = 12, seed: int = 0) -> Any:
    """Return a matrix that is neither symmetric nor without loops and empty rows."""
    draw = np.random.default_rng(seed)
    Q = draw.normal(size=(n, n)) * (draw.random((n, n)) < 0.3)
    Q[3] = Q[:, 3] = 0.0
    return Q


def _of(solution: so.Solution) -> NDArray[np.int64]:
    assert solution.indices is not None
    return solution.indices


def _both(monkeypatch: pytest.MonkeyPatch, **given: Any) -> tuple[Any, Any]:
    Q = _square()
    dense = so.QuadraticSelection(Q, **given)
    monkeypatch.setattr(_sparse_entries, "FROM", 0)
    monkeypatch.setattr(_sparse_entries, "DENSITY", 3.0)
    return dense, so.QuadraticSelection(sparse.coo_array(Q), **given)


@pytest.mark.parametrize("sense", ["minimise", "maximise"])
@pytest.mark.parametrize("k", [1, 5, 12])
def test_values_are_those_of_the_dense_problem(
    monkeypatch: pytest.MonkeyPatch, sense: Any, k: int
) -> None:
    c = np.random.default_rng(1).normal(size=12)
    dense, kept = _both(monkeypatch, c=c, k=k, constant=0.3, sense=sense)
    assert kept.sparse_form is not None
    assert dense.sparse_form is None
    for seed in range(5):
        chosen = dense.draw(np.random.default_rng(seed))
        assert kept.objective(chosen) == pytest.approx(dense.objective(chosen), abs=1e-12)
        assert kept.exact_objective(chosen) == dense.exact_objective(chosen)
        exact = float(kept.exact_objective(chosen))
        assert abs(kept.objective(chosen) - exact) <= kept.rounding(chosen)
        form = kept.sparse_form
        inner = form.value(np.sort(chosen)) + form.constant
        assert inner == pytest.approx(kept.objective(chosen), abs=1e-12)
    np.testing.assert_array_equal(kept.Q.toarray(), dense.Q)
    np.testing.assert_array_equal(kept.quadratic_form().matrix, dense.quadratic_form().matrix)
    again = pickle.loads(pickle.dumps(kept))
    assert again == kept
    assert kept != dense


def test_entries_graphs_and_matrices_agree(always: None) -> None:
    edges = [(0, 1, 2.0), (4, 2, -1.5), (3, 3, 0.5), (1, 4, 1.0)]
    listed = so.QuadraticSelection.from_graph(edges, 2)
    array = so.QuadraticSelection.from_graph(np.array(edges), 2)
    rows, columns, weights = map(np.array, zip(*edges, strict=True))
    triangle = sparse.coo_array((weights, (rows, columns)), shape=(5, 5))
    summed = so.QuadraticSelection.from_graph(triangle, 2, duplicates="sum")
    assert listed == array == summed
    assert listed.stated(listed.objective([0, 1])) == 2.0
    assert listed.stated(listed.objective([3, 4])) == 0.5
    given = np.where(rows == columns, weights, weights / 2)
    entries = so.QuadraticSelection.from_entries(5, rows, columns, given, 2, sense="maximise")
    assert entries == listed


def test_entries_that_are_given_twice_add_up_and_zeros_vanish(always: None) -> None:
    twice = sparse.coo_array(([1.0, 2.0, 0.0], ([0, 0, 2], [1, 1, 3])), shape=(4, 4))
    problem = so.QuadraticSelection(twice, k=2)
    assert problem.objective([0, 1]) == 3.0
    assert "entries=2" in repr(problem)


def test_what_needs_the_matrix_in_full_gets_it(always: None) -> None:
    Q = sparse.coo_array(_square())
    fixed = so.Constraints(include=[3])
    kept = so.QuadraticSelection(Q, k=4)
    for problem in (
        so.QuadraticSelection(Q, k=4, constraints=fixed),
        kept.constrained(fixed),
        so.QuadraticSelection(Q, k=(2, 4)),
    ):
        assert problem.sparse_form is None
        whole = so.QuadraticSelection(_square(), k=problem._size, constraints=problem.constraints)
        for solver in ("branch-and-bound", "tabu"):
            value = so.solve(whole, solver).objective
            assert so.solve(problem, solver).objective == pytest.approx(value)
    value = so.solve(so.QuadraticSelection(_square(), k=4), "branch-and-bound").objective
    assert so.solve(kept, "branch-and-bound").objective == pytest.approx(value)


def test_small_and_dense_matrices_are_kept_dense(monkeypatch: pytest.MonkeyPatch) -> None:
    keeps = _sparse_entries.keeps_sparse
    assert not keeps(2_000, 10)
    assert keeps(2_001, 10)
    assert not keeps(2_001, 2_001**2 // 10)
    assert not keeps(2**31, 10)
    monkeypatch.setattr(_sparse_entries, "memory_limit", lambda: 2**20)
    assert keeps(2_001, 2_001**2 // 10)


def test_what_does_not_fit_says_what_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memory, "memory_limit", lambda: 2**24)
    ring = np.arange(3_000)
    graph = sparse.coo_array((np.ones(3_000), (ring, (ring + 1) % 3_000)), shape=(3_000, 3_000))
    problem = so.QuadraticSelection(graph, k=9, sense="maximise")
    for call in (
        lambda: so.solve(problem, "frank-wolfe"),
        lambda: so.solve(problem, bound="fw"),
        lambda: so.QuadraticSelection(graph, k=(3, 9)),
        lambda: so.QuadraticSelection(graph, k=9, constraints=so.Constraints(include=[1])),
    ):
        with pytest.raises(so.TooLarge, match=r"3000 x 3000 .*'greedy', 'swap', 'tabu'.*'degrees'"):
            call()
    monkeypatch.setattr(_memory, "memory_limit", lambda: 2**18)
    with pytest.raises(so.TooLarge, match=r"with 3000 nodes, would take .* leave out nodes"):
        so.QuadraticSelection.from_entries(3_000, ring, (ring + 1) % 3_000, np.ones(3_000), 9)


@pytest.mark.parametrize(
    ("data", "words"),
    [([np.nan], "not finite"), ([1j], "complex"), ([1e308], "overflow")],
)
def test_sparse_values_that_state_no_problem(always: None, data: Any, words: str) -> None:
    with pytest.raises(so.InvalidProblem, match=words):
        so.QuadraticSelection(sparse.coo_array((data, ([0], [1])), shape=(4, 4)), k=2)


def test_a_sparse_matrix_may_hold_nothing(always: None) -> None:
    problem = so.QuadraticSelection(sparse.csr_array((5, 5), dtype=np.int8), [3, 1, 2, 0, 4], k=2)
    assert problem.sparse_form is not None
    for solver in ("greedy", "swap", "tabu"):
        solution = so.solve(problem, solver, bound="degrees")
        assert (problem.check(_of(solution)).tolist(), solution.bound) == ([1, 3], 1.0)


def test_rows_are_in_order_and_symmetric() -> None:
    draw = np.random.default_rng(3)
    rows, columns = np.divmod(draw.choice(30 * 30, 60, replace=False), 30)
    once = rows <= columns
    matrix = SparseMatrix.of_pairs(30, columns[once], rows[once], draw.normal(size=once.sum()))
    full = matrix.dense()
    np.testing.assert_array_equal(full, full.T)
    assert matrix.min() == full.min()
    assert matrix.max() == full.max()
    for i in range(30):
        columns = matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]]
        assert (np.diff(columns) > 0).all()
        assert i not in columns


def test_searches_need_no_matrix_in_full() -> None:
    n = 10**5
    ends = np.sort(np.random.default_rng(0).integers(n, size=(3 * n, 2)), axis=1)
    ends = np.unique(ends, axis=0)
    rows, columns = ends.T
    problem = so.QuadraticSelection.from_entries(n, rows, columns, np.ones(len(ends)), 50)
    for solver in (so.solver("tabu", iterations=100), so.solver("swap", restarts=1), "random"):
        solution = so.solve(problem, solver, bound="degrees")
        assert len(problem.check(_of(solution))) == 50
    assert "_form" not in vars(problem)
