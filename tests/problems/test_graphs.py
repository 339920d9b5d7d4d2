"""Graphs as problems: the value of a selection is the weight of the edges inside it, each once."""

import pickle
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so
from subsetopt.problems import _memory

nx = pytest.importorskip("networkx")
pd = pytest.importorskip("pandas")
sparse = pytest.importorskip("scipy.sparse")

KINDS = ["Graph", "DiGraph", "MultiGraph", "MultiDiGraph"]
few = settings(deadline=None, derandomize=True, max_examples=15)


def random_graph(seed: int, kind: str = "Graph", loops: bool = True) -> Any:
    """Return a graph of 3 to 8 nodes, some of them without an edge, named out of order."""
    generator = np.random.default_rng(seed)
    n = int(generator.integers(3, 9))
    graph = getattr(nx, kind)()
    graph.add_nodes_from(generator.permutation(n).tolist())
    for u, v in generator.integers(0, n, (3 * n, 2)).tolist():
        if loops or u != v:
            graph.add_edge(u, v, weight=int(generator.integers(-5, 9)) / 2)
    return graph


def inside(graph: Any, names: Any, weight: str | None = "weight") -> float:
    return float(graph.subgraph(names).size(weight=weight))


def value(problem: so.QuadraticSelection, chosen: Any) -> float:
    return problem.stated(problem.objective(chosen))


# -- networkx --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", ["weight", None])
@given(seed=st.integers(0, 500), sense=st.sampled_from(["maximise", "minimise"]))
@few
def test_networkx(kind: str, weight: str | None, seed: int, sense: Any) -> None:
    graph = random_graph(seed, kind)
    problem = so.QuadraticSelection.from_graph(graph, 3, weight=weight, sense=sense)
    assert problem.names == tuple(graph.nodes())
    assert problem.sense == sense
    generator = np.random.default_rng(seed)
    for _ in range(4):
        chosen = problem.draw(generator)
        assert value(problem, chosen) == inside(graph, problem.names_of(chosen), weight)


def test_a_graph_without_weights_counts_its_edges() -> None:
    problem = so.QuadraticSelection.from_graph(nx.complete_graph(5), 3)
    assert value(problem, [0, 2, 4]) == 3


def test_some_edges_without_a_weight() -> None:
    graph = nx.path_graph(3)
    graph.edges[0, 1]["weight"] = 2.0
    with pytest.raises(so.InvalidProblem, match=r"edge 1 - 2 has no 'weight'.*weight=None"):
        so.QuadraticSelection.from_graph(graph, 2)
    assert value(so.QuadraticSelection.from_graph(graph, 3, weight=None), [0, 1, 2]) == 2


# -- scipy.sparse ----------------------------------------------------------------------------------


@given(seed=st.integers(0, 500))
@few
def test_an_adjacency_matrix_counts_each_edge_once(seed: int) -> None:
    graph = random_graph(seed)
    nodes = sorted(graph)
    whole = nx.to_scipy_sparse_array(graph, nodelist=nodes)
    problems = [
        so.QuadraticSelection.from_graph(part, 3)
        for part in (
            whole,
            sparse.triu(whole),
            sparse.tril(whole).tocsc(),
            sparse.csr_matrix(whole),
        )
    ]
    chosen = problems[0].draw(np.random.default_rng(seed))
    for problem in problems:
        assert value(problem, chosen) == inside(graph, chosen.tolist())
        assert problem.names is None
        assert problem.names_of(chosen) == sorted(chosen.tolist())


def test_an_adjacency_matrix_that_is_neither() -> None:
    arcs = sparse.coo_array([[0.0, 1.0, 0.0], [2.0, 0.0, 4.0], [0.0, 0.0, 0.0]])
    with pytest.raises(so.InvalidProblem, match="neither symmetric nor a triangle"):
        so.QuadraticSelection.from_graph(arcs, 2)
    problem = so.QuadraticSelection.from_graph(arcs, 2, duplicates="sum")
    assert value(problem, [0, 1]) == 3


@pytest.mark.parametrize("form", ["csr_array", "coo_array", "csc_matrix", "dok_array"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
def test_a_sparse_matrix_means_its_dense_form(form: str, dtype: Any) -> None:
    dense = np.array([[1, 2, 0], [0, 0, 3], [0, 3, 5]], dtype)
    given_one = getattr(sparse, form)(dense)
    for sense in ("minimise", "maximise"):
        problem = so.QuadraticSelection(given_one, k=2, sense=sense)
        assert problem == so.QuadraticSelection(dense, k=2, sense=sense)


def test_sparse_matrices_that_are_too_large_are_never_made_dense(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_memory, "memory_limit", lambda: 80_000)
    tall = sparse.coo_array((np.ones(2), ([0, 1], [1, 0])), shape=(200, 200))
    tracemalloc.start()
    try:
        for state in (so.QuadraticSelection, so.QuadraticSelection.from_graph):
            with pytest.raises(so.TooLarge, match=r"200 x 200 matrix .* at most 100 candidates"):
                state(tall, k=2)
        assert tracemalloc.get_traced_memory()[1] < 8 * 200 * 200
    finally:
        tracemalloc.stop()


# -- lists -----------------------------------------------------------------------------------------


def test_lists_of_edges() -> None:
    listed = [("b", "a", 2.0), ("b", "c", 1.5), ("c", "c", 4.0)]
    for graph in (listed, iter(listed), pd.DataFrame(listed), np.array(listed, object)[:2]):
        problem = so.QuadraticSelection.from_graph(graph, 2)
        assert problem.names == ("b", "a", "c")
        assert value(problem, [0, 1]) == 2
    frame = pd.DataFrame(listed, columns=["source", "target", "weight"])[::-1]
    frame.insert(0, "id", "x")
    assert value(so.QuadraticSelection.from_graph(frame, 2), [0, 1]) == 1.5 + 4
    numbers = np.array([[10, 2], [7, 2]])
    problem = so.QuadraticSelection.from_graph([*numbers], 2)
    assert problem.names == (2, 7, 10)
    assert so.QuadraticSelection.from_graph(np.array([[10, 2, 1.5]]), 2).names == (2, 10)


def test_pairs_that_occur_twice() -> None:
    twice = [(1, 2, 3.0), (2, 3, 1.0), (2, 1, 3.0)]
    with pytest.raises(so.InvalidProblem, match=r"edge 2 is \(2, 1, 3.0\), and edge 0 holds"):
        so.QuadraticSelection.from_graph(twice, 2)
    for duplicates, wanted in (("sum", 6.0), ("once", 3.0)):
        problem = so.QuadraticSelection.from_graph(twice, 2, duplicates=duplicates)  # type: ignore[arg-type]
        assert value(problem, [0, 1]) == wanted
    twice[2] = (2, 1, 4.0)
    with pytest.raises(so.InvalidProblem, match="with another weight"):
        so.QuadraticSelection.from_graph(twice, 2, duplicates="once")


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        ([], "a list of edges"),
        (5, "a list of edges"),
        ("ab", "a list of edges"),
        (["ab", "cd"], "a list of edges"),
        ({("a", "b"): 1.0}, "a list of edges"),
        ([(1, 2), (2, 3, 1.0)], "all .u, v. or all .u, v, weight."),
        ([(1, 2, 3, 4)], "a list of edges"),
        ([(1, 2, "3")], "the edge 1 - 2 must have a finite weight; got '3'"),
        ([(1, 2, np.nan)], "must have a finite weight; got nan"),
        ([([1], 2)], r"a node must be hashable; got \[1\]"),
        (np.eye(3), r"shape \(3, 3\) may be a list of edges or an adjacency matrix"),
        (nx.Graph(), "at least one node"),
        (nx.Graph([(1, 2, {"weight": "x"})]), "the edge 1 - 2 must have a finite weight; got 'x'"),
        (sparse.coo_array(np.ones((2, 3))), r"must be square; got shape \(2, 3\)"),
        (sparse.coo_array(np.array([[0, np.inf], [0, 0]])), "finite weights"),
        (sparse.coo_array(np.array([[0, 1j], [0, 0]])), "real numbers; got dtype complex128"),
    ],
)
def test_what_is_no_graph(graph: Any, words: str) -> None:
    with pytest.raises(so.InvalidProblem, match=words):
        so.QuadraticSelection.from_graph(graph, 1)


def test_an_unknown_way_to_treat_duplicates() -> None:
    with pytest.raises(so.InvalidOption, match="duplicates must be 'refuse', 'sum' or 'once'"):
        so.QuadraticSelection.from_graph([(1, 2)], 1, duplicates="add")  # type: ignore[arg-type]


# -- entries and names -----------------------------------------------------------------------------


def test_entries() -> None:
    dense = np.array([[1.0, 2.0, 0.0], [2.0, 0.0, -3.0], [0.0, -3.0, 0.0]])
    for sense in ("minimise", "maximise"):
        stated: dict[str, Any] = {"c": [1.0, 2.0, 3.0], "constant": 0.5, "sense": sense}
        problem = so.QuadraticSelection.from_entries(
            3, [0, 1, 2], [0, 0, 1], [1.0, 2.0, -3.0], 2, **stated
        )
        wanted = so.QuadraticSelection(dense, k=2, **stated)
        np.testing.assert_array_equal(problem.Q, dense)
        assert problem == wanted
        assert pickle.loads(pickle.dumps(problem)) == wanted


@pytest.mark.parametrize(
    ("n", "rows", "columns", "values", "words"),
    [
        (0, [], [], [], r"0\.\.-1 for n = 0"),
        (2, [0], [2], [1.0], r"must lie in 0\.\.1"),
        (2, [-1], [1], [1.0], r"must lie in 0\.\.1"),
        (2, [0, 1], [1, 0], [1.0, 1.0], r"\(1, 0\) is entry 0 too"),
        (2, [0], [1], [np.nan], "must be finite"),
        (2, [0], [1, 1], [1.0], r"must be \(entries,\)"),
        (2, [0], [1], [1e308], "Q holds a magnitude"),
    ],
)
def test_wrong_entries(n: int, rows: Any, columns: Any, values: Any, words: str) -> None:
    with pytest.raises(so.InvalidProblem, match=words):
        so.QuadraticSelection.from_entries(n, rows, columns, values, 1)


def test_names() -> None:
    problem = so.QuadraticSelection(np.eye(3), k=2, names=["a", "b", 7])
    assert problem.names_of([2, 0]) == ["a", 7]
    assert pickle.loads(pickle.dumps(problem)).names == ("a", "b", 7)
    assert problem == so.QuadraticSelection(np.eye(3), k=2)
    for wrong in (["a", "b"], ["a", "b", "a"], [[], "a", "b"]):
        with pytest.raises(so.InvalidProblem, match="names must be"):
            so.QuadraticSelection(np.eye(3), k=2, names=wrong)


# -- memory ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sense", ["minimise", "maximise"])
@pytest.mark.parametrize("symmetric", [True, False])
def test_one_matrix_is_held_and_one_is_made(sense: Any, symmetric: bool) -> None:
    n = 600
    Q = np.random.default_rng(0).normal(size=(n, n))
    Q = Q + Q.T if symmetric else Q
    tracemalloc.start()
    try:
        problem = so.QuadraticSelection(Q, k=2, sense=sense)
        problem.quadratic_form()
        held, peak = tracemalloc.get_traced_memory()
        assert max(held, peak) < 1.5 * Q.nbytes
        tracemalloc.reset_peak()
        again = so.QuadraticSelection.from_graph(sparse.coo_array(np.eye(n)), 2, sense=sense)
        again.quadratic_form()
        assert tracemalloc.get_traced_memory()[1] - held < 1.5 * Q.nbytes
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(problem.Q, (Q + Q.T) / 2)
