"""Splitters and train_test_split: scikit-learn's own common tests, and rows given back in kind."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import subsetopt as so

sklearn: Any = pytest.importorskip("sklearn")
from sklearn.datasets import load_diabetes, load_iris  # noqa: E402
from sklearn.dummy import DummyClassifier  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate  # noqa: E402
from sklearn.model_selection import _split as own_split  # noqa: E402
from sklearn.model_selection.tests import test_split as common  # noqa: E402

from subsetopt.sklearn import (  # noqa: E402
    RepresentativeKFold,
    RepresentativeShuffleSplit,
    representative_train_test_split,
)

X, Y = load_iris(return_X_y=True)
SPLITTERS = [
    RepresentativeKFold(3, random_state=0),
    RepresentativeShuffleSplit(3, test_size=0.2, random_state=0),
]
both = pytest.mark.parametrize("cv", SPLITTERS, ids=lambda cv: type(cv).__name__)


# -- scikit-learn's ----------------------------------------------------------------------------


@both
def test_metadata_routing_is_that_of_splitters_with_groups(
    cv: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "GROUP_SPLITTERS", [cv])
    common.test_splitter_get_metadata_routing(cv)
    common.test_splitter_set_split_request(cv)


@both
def test_splits_are_constant_and_can_be_checked(cv: Any) -> None:
    common.test_yields_constant_splits(cv, True)
    assert own_split.check_cv(cv) is cv
    assert not own_split._yields_constant_splits(type(cv)(random_state=np.random.RandomState(0)))
    assert pickle.loads(pickle.dumps(cv)).random_state == 0
    assert repr(cv).startswith(f"{type(cv).__name__}(")
    assert "n_splits=3" in repr(cv)
    assert cv.get_n_splits() == cv.get_n_splits(X, Y) == 3


def test_folds_are_those_of_a_k_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(n_splits: int = 5, **_: Any) -> RepresentativeKFold:
        return RepresentativeKFold(n_splits, random_state=0)

    monkeypatch.setattr(common, "KFold", made)
    common.test_kfold_indices()
    common.test_kfold_balance()


@pytest.mark.parametrize(("train_size", "train", "test"), [(None, 9, 1), (8, 8, 2), (0.8, 8, 2)])
def test_sizes_of_shuffled_splits(train_size: Any, train: int, test: int) -> None:
    common.test_shuffle_split_default_test_size(RepresentativeShuffleSplit, train_size, train, test)


@pytest.mark.parametrize(
    ("test_size", "train_size"),
    [(2.0, None), (1.0, None), (0.1, 0.95), (None, 1j), (11, None), (10, None), (8, 3)],
)
def test_wrong_sizes(test_size: Any, train_size: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "ShuffleSplit", RepresentativeShuffleSplit)
    common.test_shufflesplit_errors(test_size, train_size)


@pytest.mark.parametrize(
    "name",
    ["list_input", "mock_pandas", "pandas", "allow_nans"],
)
def test_scikit_learns_tests_of_train_test_split(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "train_test_split", representative_train_test_split)
    getattr(common, f"test_train_test_split_{name}")()


def test_default_sizes_sparse_matrices_and_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.sparse import csc_matrix

    monkeypatch.setattr(common, "train_test_split", representative_train_test_split)
    monkeypatch.setattr(common, "ShuffleSplit", RepresentativeShuffleSplit)
    common.test_train_test_split_default_test_size(None, 7, 3)
    common.test_train_test_split_default_test_size(0.8, 8, 2)
    common.test_train_test_split_sparse(csc_matrix)
    common.test_shufflesplit_reproducible()


# -- what is representative ------------------------------------------------------------------------


def _far(split: list[Any], whole: np.ndarray[Any, Any]) -> float:
    return max(column.ks for column in so.marginals(whole, split, draws=1))


def test_classes_are_balanced_and_marginals_nearer_than_stratified_ones() -> None:
    folds = [test for _, test in RepresentativeKFold(5, random_state=0).split(X, Y)]
    assert sorted(np.concatenate(folds).tolist()) == list(range(len(X)))
    assert all(abs(np.bincount(Y[fold]) - 10).max() <= 1 for fold in folds)
    stratified = own_split.StratifiedKFold(5, shuffle=True, random_state=0).split(X, Y)
    others = [_far(test, X) for _, test in stratified]
    assert np.mean([_far(fold, X) for fold in folds]) < 0.8 * np.mean(others)


def test_numbers_to_predict_are_compared_too() -> None:
    data, target = load_diabetes(return_X_y=True)
    rows = range(len(target))
    sizes: dict[str, Any] = {"test_size": 90, "random_state": 0}
    _, own = representative_train_test_split(rows, features=data, stratify=target, **sizes)
    _, random = own_split.train_test_split(rows, **sizes)
    assert _far(own, target) < _far(random, target)
    assert _far(own, data) < _far(random, data)


def test_groups_stay_together_with_and_without_routing() -> None:
    groups = np.arange(len(X)) // 6
    for one, other in RepresentativeKFold(3, random_state=0).split(X, Y, groups):
        assert not set(groups[one]) & set(groups[other])
    train, test = representative_train_test_split(groups, features=X, groups=groups, random_state=0)
    assert not set(train) & set(test)
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_validate(DummyClassifier(), X, Y, params={"groups": groups},
                                cv=SPLITTERS[0], return_indices=True)  # fmt: skip
    for one, other in zip(*scores["indices"].values(), strict=True):
        assert not set(groups[one]) & set(groups[other])


def test_they_serve_cross_validation_and_searches() -> None:
    model = LogisticRegression(max_iter=200)
    scores = cross_val_score(model, X, Y, cv=SPLITTERS[0])
    assert scores.shape == (3,)
    assert scores.min() > 0.8
    search = GridSearchCV(model, {"C": [0.1, 1.0]}, cv=SPLITTERS[1]).fit(X, Y)
    assert search.n_splits_ == 3


def test_states_are_seeds_generators_or_none() -> None:
    def test(state: Any) -> list[int]:
        return list(representative_train_test_split(range(150), features=X, random_state=state)[1])

    assert test(3) == test(np.int64(3))
    assert test(np.random.RandomState(3)) == test(np.random.RandomState(3))
    assert test(np.random.default_rng(3)) == test(np.random.default_rng(3))
    before: Any = np.random.get_state()  # noqa: NPY002 - it is left alone
    assert test(None) != test(None)
    after: Any = np.random.get_state()  # noqa: NPY002
    assert before[1].tolist() == after[1].tolist()
    with pytest.raises(ValueError, match="cannot be used to seed"):
        test("now")


# -- kinds of rows ---------------------------------------------------------------------------------


def _frame() -> pd.DataFrame:
    frame = pd.DataFrame(X, columns=list("abcd"), index=[f"r{i}" for i in range(len(X))])
    return frame.assign(kind=pd.Categorical(np.array(["u", "v"])[np.arange(150) % 2]))


def test_frames_keep_their_kind_index_and_categories() -> None:
    frame = _frame()
    options: dict[str, Any] = {"test_size": 30, "random_state": 0}
    expected = representative_train_test_split(frame, Y, **options)
    train, test = expected[:2]
    pd.testing.assert_frame_equal(test, frame.loc[test.index])
    assert abs((test["kind"] == "u").mean() - 0.5) < 0.1
    for given in (pl.from_pandas(frame), pa.Table.from_pandas(frame, preserve_index=False)):
        own_train, own_test, y_train, _ = representative_train_test_split(given, Y, **options)
        assert type(own_train) is type(given)
        assert own_test["a"].to_numpy().tolist() == test["a"].tolist()
        assert y_train.tolist() == expected[2].tolist()
    series = representative_train_test_split(frame["a"], **options)
    assert isinstance(series[1], pd.Series)
    parts = [test for _, test in RepresentativeKFold(2, random_state=0).split(frame)]
    assert sorted(np.concatenate(parts).tolist()) == list(range(150))
    assert len(train) == 120


def test_data_sets_of_hugging_face() -> None:
    datasets: Any = pytest.importorskip("datasets")
    data = datasets.Dataset.from_dict(
        {"text": [f"text {i}" for i in range(150)], "embedding": X.tolist()}
    )
    train, test = representative_train_test_split(data, stratify=Y, test_size=30, random_state=0)
    assert isinstance(test, datasets.Dataset)
    rows = [int(text.split()[1]) for text in test["text"]]
    plain = representative_train_test_split(range(150), features=X, stratify=Y, test_size=30,
                                            random_state=0)  # fmt: skip
    assert rows == plain[1]
    assert len(train) == 120


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((["a text", "another", "third"],), "hand numbers that describe the rows.*features="),
        (([1.0, np.inf, 2.0],), "X contains infinity"),
        (([1j, 2.0, 3.0],), "X must be real"),
        ((), "at least one array"),
        ((pd.DataFrame({"a": [f"t{i}" for i in range(9)]}),), "no column holds numbers"),
        (([1.0, 2.0], [1.0]), "inconsistent numbers of samples"),
    ],
)
def test_messages(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        representative_train_test_split(*given, random_state=0)
    with pytest.raises(so.InvalidOption, match="n_splits must be an integer >= 2"):
        RepresentativeKFold(1)
    with pytest.raises(ValueError, match=r"\[2, 2\]; got 3"):
        next(RepresentativeKFold(3).split([[0.0], [1.0]]))
    with pytest.raises(so.InvalidProblem, match="y contains NaN"):
        next(RepresentativeKFold(2).split(X[:4], [0.0, np.nan, 1.0, 2.0]))


def test_rows_that_are_all_alike_and_missing_values() -> None:
    parts = [test for _, test in RepresentativeKFold(2, random_state=0).split(np.ones((6, 2)))]
    assert [len(part) for part in parts] == [3, 3]
    alike = pd.DataFrame({"a": [1.0] * 6})
    assert len(list(RepresentativeKFold(3, random_state=0).split(alike))) == 3
    holes = X.copy()
    holes[::7, 1] = np.nan
    assert len(representative_train_test_split(holes, random_state=0)[1]) == 38
    assert np.isnan(holes[::7, 1]).all()
