"""MMD selection towards a target: against its definition, and what is refused."""

import pickle
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.problems._mmd_terms import centred_kernel

few = settings(deadline=None, derandomize=True, max_examples=20)


def function(X: NDArray[Any], Y: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(1 / (1 + np.abs(X[:, None, 0] - Y[None, :, 0])))


def cloud(generator: np.random.Generator, n: int, offset: float = 0.0) -> NDArray[Any]:
    return np.asarray(generator.normal(size=(n, 3)) + offset)


def definition(
    kernel: Any, chosen: NDArray[Any], points: NDArray[Any], weights: NDArray[Any] | None
) -> float:
    """Return a'Ka over chosen and target points, a being + 1 / k and the weights, negative."""
    v = np.ones(len(points)) if weights is None else np.asarray(weights, dtype=float)
    a = np.concatenate([np.full(len(chosen), 1 / len(chosen)), -v / v.sum()])
    both = np.concatenate([chosen, points])
    return float(a @ kernel(both, both) @ a)


def fitted(problem: so.MMDSelection) -> Any:
    """Return its kernel in float64, relative to the mean of its candidates where it matters."""
    assert callable(problem.kernel)
    if problem.kernel is function:
        return function
    return centred_kernel(problem.kernel, problem.candidates)  # type: ignore[arg-type]


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "polynomial", "linear", function])
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 8),
    m=st.integers(1, 7),
    before=st.integers(0, 3),
    weighted=st.booleans(),
    far=st.sampled_from([0.0, 1e4]),
)
@few
def test_a_target_of_points(
    kernel: Any, seed: int, n: int, m: int, before: int, weighted: bool, far: float
) -> None:
    generator = np.random.default_rng(seed)
    if far and kernel in ("polynomial", function):
        far = 10.0
    X, P, T = (cloud(generator, size, far) for size in (n, before, m))
    weights = generator.uniform(0, 3, m) if weighted else None
    k = int(generator.integers(1, n))
    problem = so.MMDSelection(
        X, k, P, kernel, target=T, target_weights=weights, scale_columns="none"
    )
    chosen = problem.draw(generator)
    wanted = definition(fitted(problem), np.concatenate([P, X[chosen]]), T, weights)
    scale = max(1.0, abs(wanted))
    assert problem.objective(chosen) == pytest.approx(wanted, rel=1e-9, abs=1e-9 * scale)
    assert problem.root_mmd(chosen) == pytest.approx(max(wanted, 0) ** 0.5, abs=1e-4 * scale)


@pytest.mark.parametrize("kernel", ["gaussian", "linear"])
@pytest.mark.parametrize("before", [0, 2])
def test_weights_are_a_target_of_the_candidates_themselves(kernel: str, before: int) -> None:
    generator = np.random.default_rng(5)
    X, P = cloud(generator, 9), cloud(generator, before)
    weights = generator.integers(0, 5, 9)
    weighted = so.MMDSelection(X, 3, P, kernel, weights=weights)
    aimed = so.MMDSelection(
        X,
        3,
        P,
        weighted.kernel,
        target=X,
        target_weights=weights,
    )
    for chosen in combinations(range(9), 3):
        assert weighted.objective(chosen) == pytest.approx(aimed.objective(chosen), abs=1e-13)
    assert weighted != aimed


def test_weights_and_embeddings_of_a_given_matrix() -> None:
    generator = np.random.default_rng(6)
    X, T = cloud(generator, 9), cloud(generator, 5)
    kernel = so.Gaussian(scale=1.5)
    weights = generator.uniform(size=9)
    for before in ([], [2, 7]):
        rest = np.delete(X, before, axis=0)
        names = np.delete(np.arange(9), before)
        given_ = so.MMDSelection(kernel(X, X), 2, before, "precomputed", weights=weights)
        own = so.MMDSelection(rest, 2, X[before], kernel, target=X, target_weights=weights)
        embedding = so.MeanEmbedding(kernel(X, T).mean(axis=1), float(kernel(T, T).mean()))
        embedded = so.MMDSelection(kernel(X, X), 2, before, "precomputed", target=embedding)
        aimed = so.MMDSelection(rest, 2, X[before], kernel, target=T)
        for chosen in combinations(range(len(rest)), 2):
            rows = names[list(chosen)]
            assert given_.objective(rows) == pytest.approx(own.objective(chosen), abs=1e-13)
            assert embedded.objective(rows) == pytest.approx(aimed.objective(chosen), abs=1e-13)


def test_an_embedding_of_features_is_taken_as_it_is() -> None:
    generator = np.random.default_rng(7)
    X, P, T = cloud(generator, 8), cloud(generator, 2), cloud(generator, 5)
    for kernel in (so.Gaussian(scale=2.0), so.Linear()):
        sums, before = kernel(X, T).mean(axis=1), kernel(P, T).mean(axis=1)
        norm = float(kernel(T, T).mean())
        full = so.MMDSelection(X, 3, P, kernel, target=so.MeanEmbedding(sums, norm, before))
        bare = so.MMDSelection(X, 3, P, kernel, target=so.MeanEmbedding(sums, selected=before))
        aimed = so.MMDSelection(X, 3, P, kernel, target=T)
        assert aimed.lower_bound() == 0
        assert full.lower_bound() is None  # whether the norm is that of the same mean, nobody knows
        for chosen in combinations(range(8), 3):
            value = aimed.objective(chosen)
            assert full.objective(chosen) == pytest.approx(value, abs=1e-13)
            assert bare.objective(chosen) + norm == pytest.approx(value, abs=1e-13)


def test_a_function_is_not_known_to_be_a_kernel_of_all_points() -> None:
    X = np.arange(5.0)
    assert so.MMDSelection(X, 2, kernel=function).lower_bound() == 0
    assert so.MMDSelection(X, 2, [7.0], kernel=function).lower_bound() is None
    assert so.MMDSelection(X, 2, kernel=function, target=[7.0]).lower_bound() is None


@pytest.mark.parametrize("seed", range(3))
def test_solvers_agree_with_enumeration(seed: int) -> None:
    generator = np.random.default_rng(seed)
    X, T = cloud(generator, 9), cloud(generator, 6, 0.8)
    problem = so.MMDSelection(X, 4, target=T, target_weights=np.arange(1, 7))
    best = min(problem.objective(chosen) for chosen in combinations(range(9), 4))
    for name in ("tabu", "branch-and-bound", "highs", "scip"):
        solution = so.solve(problem, name)
        assert solution.objective is not None
        assert solution.objective >= best - 1e-12
        if name != "tabu":
            assert solution.objective == pytest.approx(best, abs=1e-9)
        if solution.bound is not None:
            assert solution.bound <= best
    for bound in ("fw", "sdp"):
        assert so.solve(problem, "greedy", bound=bound).bound <= best  # type: ignore[operator]


def test_what_is_equal_and_what_is_restored() -> None:
    generator = np.random.default_rng(2)
    X, T = cloud(generator, 6), cloud(generator, 4)
    stated: list[dict[str, Any]] = [
        {},
        {"target": T},
        {"target": T + 1},
        {"target": T, "target_weights": [1, 2, 3, 4]},
        {"weights": [1, 2, 3, 4, 5, 6]},
        {"target": so.MeanEmbedding(np.full(6, 0.5))},
        {"target": so.MeanEmbedding(np.full(6, 0.5), 0.25)},
    ]
    kernel = so.Gaussian(scale=1.0)
    problems = [so.MMDSelection(X, 2, kernel=kernel, **options) for options in stated]
    assert len(set(problems)) == len(problems)
    for problem, options in zip(problems, stated, strict=True):
        again = pickle.loads(pickle.dumps(problem))
        assert again == problem == so.MMDSelection(X, 2, kernel=kernel, **options)
        assert hash(again) == hash(problem)
        assert again.objective([1, 3]) == pytest.approx(problem.objective([1, 3]), abs=1e-15)
    assert "target=4" in repr(problems[1])
    assert "MeanEmbedding(n=6, squared_norm=0.25)" in repr(problems[-1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": [[1.0]]}, "candidates has 2 features and target has 1"),
        ({"target": np.ones((3, 2)), "target_weights": [1, 2]}, "each of the 3 points"),
        ({"target": np.ones((3, 2)), "target_weights": [1, 2, -3]}, "got -3.0 at 2"),
        ({"target": np.ones((3, 2)), "target_weights": [0, 0, 0]}, "got 3 zeros"),
        ({"target": [[np.nan, 1.0]]}, "target[0, 0] is nan"),
        ({"target_weights": [1.0]}, "give target=points"),
        ({"weights": [1.0]}, "each of the 4 candidates; got 1"),
        ({"weights": [1.0] * 4, "target": np.ones((3, 2))}, "give target_weights"),
        ({"target": so.MeanEmbedding([1.0])}, "each of the 4 candidates; got 1"),
        ({"target": so.MeanEmbedding([1.0] * 4, selected=[1.0])}, "each of the 0 points"),
        ({"target": so.MeanEmbedding([1.0] * 4), "target_weights": [1.0]}, "give target=points"),
        ({"weights": [1.0] * 4, "formulation": "published"}, "formulation must be 'true'"),
    ],
)
def test_refused(options: dict[str, Any], message: str) -> None:
    X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [1.0, 2.0]])
    with pytest.raises(so.InvalidProblem) as caught:
        so.MMDSelection(X, 2, **options)
    assert message in str(caught.value)


def test_refused_elsewhere() -> None:
    with pytest.raises(so.InvalidProblem, match="must be a MeanEmbedding"):
        so.MMDSelection(np.eye(4), 2, kernel="precomputed", target=np.eye(4))
    with pytest.raises(so.InvalidProblem, match=r"squared_norm must be .*got -1"):
        so.MeanEmbedding([1.0], squared_norm=-1)
    problem = so.MMDSelection([0.0, 1.0, 2.0], 1, target=[2.0])
    with pytest.raises(so.InvalidSelection, match="to must be 'target'; got 'whole'"):
        problem.root_mmd([0], to="whole")
    with pytest.raises(so.InvalidSelection, match="to must be 'rest' or 'whole'; got 'target'"):
        so.MMDSelection([0.0, 1.0, 2.0], 1).root_mmd([0], to="target")
