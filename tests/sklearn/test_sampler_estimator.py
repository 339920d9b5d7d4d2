"""The sampler: an estimator by scikit-learn's checks, whose rows represent all of them."""

import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

import subsetopt as so

pytest.importorskip("sklearn")
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.utils.estimator_checks import parametrize_with_checks

from subsetopt.sklearn import RepresentativeSampler, _row_points

X, Y = load_iris(return_X_y=True)


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([RepresentativeSampler()])  # type: ignore[untyped-decorator]
def test_it_is_an_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


def test_the_sample_is_nearer_than_random_ones() -> None:
    sampler = RepresentativeSampler(15, random_state=0).fit(X)
    assert sampler.sample_indices_.shape == (15,)
    assert sampler.n_features_in_ == 4
    scaled = so.scale_columns(X)
    problem = so.MMDSelection(scaled, 15)
    rng = np.random.default_rng(0)
    random = [problem.objective(np.sort(rng.choice(150, 15, replace=False))) for _ in range(20)]
    assert problem.objective(sampler.sample_indices_) < min(random) / 2
    whole, own = (so.Gaussian().fitted(scaled)(scaled, scaled[rows])
                  for rows in (slice(None), sampler.sample_indices_))  # fmt: skip
    mmd = whole.mean() - 2 * own.mean() + own[sampler.sample_indices_].mean()
    assert sampler.mmd_ == pytest.approx(np.sqrt(mmd))


@pytest.mark.parametrize(
    ("quotas", "counts"),
    [("proportional", [4, 4, 4]), ({0: 8, 1: 2, 2: 2}, [8, 2, 2]), (3, None)],
)
def test_quotas(quotas: Any, counts: list[int] | None) -> None:
    sampler = RepresentativeSampler(12, quotas=quotas, random_state=0)
    few, classes = clone(sampler).fit_resample(X, Y)
    assert len(few) == 12
    found = np.bincount(classes, minlength=3)
    assert found.tolist() == counts if counts else found.min() >= 3


def test_rows_come_back_in_kind() -> None:
    frame = pd.DataFrame(X, columns=list("abcd"), index=[f"r{i}" for i in range(150)])
    frame["kind"] = np.array(["u", "v", "w"])[Y]
    sampler = RepresentativeSampler(0.08, random_state=0)
    few = sampler.fit_resample(frame)
    pd.testing.assert_frame_equal(few, frame.iloc[sampler.sample_indices_])
    assert sampler.feature_names_in_.tolist() == list(frame.columns)
    assert sampler.n_features_in_ == 5
    assert np.bincount(Y[sampler.sample_indices_]).tolist() == [4, 4, 4]
    datasets: Any = pytest.importorskip("datasets")
    data = datasets.Dataset.from_dict({"name": [f"n{i}" for i in range(150)], "x": X.tolist()})
    chosen = RepresentativeSampler(12, random_state=0).fit_resample(data)
    assert isinstance(chosen, datasets.Dataset)
    plain = RepresentativeSampler(12, random_state=0).fit(X)
    assert chosen["name"] == [f"n{i}" for i in plain.sample_indices_]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 150}, r"n_samples must be an integer in \[1, 149\]"),
        ({"n_samples": 1.5}, r"n_samples must be .* a share in \(0, 1\); got 1.5"),
        ({"quotas": "even"}, "quotas must be 'proportional', an integer, or a mapping"),
        ({"quotas": {0: 151}, "n_samples": 20}, "151"),
    ],
)
def test_messages(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RepresentativeSampler(random_state=0, **options).fit(X, Y)
    with pytest.raises(so.InvalidOption, match="hand y to fit"):
        RepresentativeSampler(quotas=2).fit(X)


def test_without_scikit_learn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import subsetopt.sklearn as package
    from subsetopt import _dependencies

    for name in ("_splitters", "RepresentativeKFold"):
        monkeypatch.delitem(vars(package), name, raising=False)
    monkeypatch.delitem(sys.modules, "subsetopt.sklearn._splitters", raising=False)
    monkeypatch.setattr(_dependencies, "_findable", lambda module: module != "sklearn")
    with pytest.raises(so.MissingDependency, match=r"pip install 'subsetopt\[sklearn\]'"):
        _ = package.RepresentativeKFold
    assert not _row_points.SKLEARN.availability()


def test_a_graph_gives_nodes() -> None:
    networkx = pytest.importorskip("networkx")
    names = [f"{club}{i}" for club in "abc" for i in range(5)]
    graph = networkx.relabel_nodes(networkx.connected_caveman_graph(3, 5), dict(enumerate(names)))
    sampler = RepresentativeSampler(3, random_state=0)
    nodes = sampler.fit_resample(graph)
    assert sorted(node[0] for node in nodes) == ["a", "b", "c"]
    assert nodes == [list(graph)[index] for index in sampler.sample_indices_]
    laplacian = networkx.laplacian_matrix(graph).toarray()
    K = np.linalg.inv(np.eye(15) + laplacian)
    other = RepresentativeSampler(3, kernel="precomputed", random_state=0).fit(K)
    assert other.mmd_ == pytest.approx(sampler.mmd_)
    few, classes = sampler.set_params(quotas={"a": 2, "b": 1}).fit_resample(
        graph, [name[0] for name in names]
    )
    assert [node[0] for node in few] == list(classes) == ["a", "a", "b"]


def test_what_a_graph_cannot_be() -> None:
    networkx = pytest.importorskip("networkx")
    graph = networkx.path_graph(4)
    with pytest.raises(so.InvalidOption, match="kernel must be left out where X is a graph"):
        RepresentativeSampler(2, kernel="linear").fit(graph)
    graph.add_edge(0, 3, weight=-1.0)
    networkx.set_edge_attributes(graph, dict.fromkeys([(0, 1), (1, 2), (2, 3)], 1.0), "weight")
    with pytest.raises(so.InvalidProblem, match="weights of edges must be >= 0; got -1"):
        RepresentativeSampler(2).fit(graph)
