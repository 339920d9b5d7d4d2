"""Choosing few of many rows that are read in blocks."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.coresets import _aiming, _pool
from subsetopt.errors import InvalidFile, InvalidOption

_SMALL: dict[str, Any] = {"pool": 300}


def _points(n: int = 3000, d: int = 3, dtype: Any = np.float32) -> NDArray[Any]:
    generator = np.random.default_rng([n, d])
    centres = 2.0 * generator.normal(size=(5, d))
    return (centres[generator.integers(0, 5, n)] + generator.normal(size=(n, d))).astype(dtype)


def _mmd(
    X: NDArray[Any], S: NDArray[Any], kernel: Any, weights: Any = None, own: float | None = None
) -> float:
    """By the definition, over all pairs; `own` is the mean over those of X, where it is known."""
    w = np.full(len(S), 1.0 / len(S)) if weights is None else weights
    X, S = X.astype(np.float64), S.astype(np.float64)
    own = kernel(X, X).mean() if own is None else own
    square = w @ kernel(S, S) @ w - 2.0 * w @ kernel(S, X).mean(axis=1) + own
    return math.sqrt(max(float(square), 0.0))


@pytest.fixture
def few_witnesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few rows be too many to be all in the sample."""
    monkeypatch.setattr(_pool, "WITNESSES", 400)
    monkeypatch.setattr(_pool, "_MOVES", 500)


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "linear", "polynomial"])
@pytest.mark.usefixtures("few_witnesses")
def test_the_mmd_is_that_of_the_definition(kernel: str) -> None:
    X = _points()
    coreset = so.coreset(X, 20, kernel=kernel, scale_columns="none", weights=True, **_SMALL)
    assert coreset.indices.dtype == np.int64
    assert len(np.unique(coreset.indices)) == len(coreset) == 20
    assert (np.diff(coreset.indices) > 0).all()
    S = X[coreset.indices]
    wide = X.astype(np.float64)
    K = coreset.kernel(wide, wide)
    own = float(K.mean())
    alike = _mmd(X, S, coreset.kernel, own=own)
    assert (coreset.mmd_error > 0.0) == (kernel != "linear")
    assert abs(coreset.mmd - alike) < max(4.0 * coreset.mmd_error, 1e-5)
    assert coreset.weights is not None
    assert coreset.weights.sum() == pytest.approx(1.0)
    assert coreset.weights.min() >= 0.0
    weighted = _mmd(X, S, coreset.kernel, coreset.weights, own)
    assert weighted <= alike * (1.0 + 1e-9)
    expected = (K.diagonal().mean() - own) * (3000 - 20) / (20 * 2999)  # of random rows
    assert coreset.random_mmd == pytest.approx(math.sqrt(expected), rel=0.1)
    assert coreset.mmd < 0.6 * coreset.random_mmd


def test_where_all_rows_are_in_the_sample_nothing_is_estimated() -> None:
    X = _points(800)
    coreset = so.coreset(X, 10, scale_columns="none", pool=300)
    assert coreset.mmd_error == 0.0
    assert coreset.mmd == pytest.approx(_mmd(X, X[coreset.indices], coreset.kernel), rel=1e-4)
    # The best of 300 candidates is hardly worse than the best of all.
    best = so.solve(so.MMDSelection(X, 10, target=X, scale_columns="none"), "tabu", time_limit=1.0)
    assert best.objective is not None
    assert coreset.mmd < 2.0 * math.sqrt(best.objective)


def _sources(folder: Path, X: NDArray[Any]) -> dict[str, Any]:
    np.save(folder / "points.npy", X)
    names = [f"c{c}" for c in range(X.shape[1])]
    table = pa.table(
        {"id": [f"row {i}" for i in range(len(X))], **dict(zip(names, X.T, strict=True))}
    )
    pa.parquet.write_table(table, folder / "points.parquet", row_group_size=700)
    (folder / "parts").mkdir()
    for number, first in enumerate(range(0, len(X), 1000)):
        part = table.slice(first, 1000)
        pa.parquet.write_table(part, folder / "parts" / f"part-{number}.parquet")
    pa.csv.write_csv(table, folder / "points.csv")
    lists = pa.table({"at": pa.FixedSizeListArray.from_arrays(X.ravel(), X.shape[1])})
    pa.parquet.write_table(lists, folder / "lists.parquet")
    return {
        "array": X,
        "npy": str(folder / "points.npy"),
        "path": folder / "points.npy",
        "parquet": str(folder / "points.parquet"),
        "folder": str(folder / "parts"),
        "csv": str(folder / "points.csv"),
        "lists": folder / "lists.parquet",
        "arrow": table,
        "pandas": table.to_pandas(),
        "blocks": [X[:100], X[100:1700], X[1700:]],
        "function": lambda: (X[i : i + 7] for i in range(0, len(X), 7)),
    }


@pytest.mark.usefixtures("few_witnesses")
def test_the_same_rows_give_the_same_coreset_whatever_they_are_read_from(tmp_path: Path) -> None:
    X = _points()
    expected: NDArray[Any] | None = None
    for name, data in _sources(tmp_path, X).items():
        named = name in ("parquet", "folder", "csv", "arrow", "pandas")
        options: dict[str, Any] = {"id": "id"} if named else {}
        coreset = so.coreset(data, 15, scale_columns="std", **options, **_SMALL)
        expected = coreset.indices if expected is None else expected
        # float32 sums of blocks that are cut elsewhere may differ in the last bits.
        np.testing.assert_array_equal(coreset.indices, expected, err_msg=name)
        assert coreset.n == len(X)
        if named:
            assert coreset.ids is not None
            assert coreset.ids.tolist() == [f"row {i}" for i in expected]
            assert [column.name for column in coreset.columns] == ["c0", "c1", "c2"]


@pytest.mark.usefixtures("few_witnesses")
def test_columns_have_the_means_of_all_rows_and_say_of_how_many_the_rest_is() -> None:
    X, T = _points(dtype=np.float64), _points(2500, dtype=np.float64)
    for target, others in ((None, X), (T, T)):
        few = so.coreset(X, 20, target=target, scale_columns="std", **_SMALL)
        means = [column.mean for column in few.columns]
        np.testing.assert_allclose(means, others.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose([one.std for one in few.columns], others.std(axis=0))
        for c, column in enumerate(few.columns):
            away = abs(X[few.indices, c].mean() - others[:, c].mean()) / others[:, c].std()
            assert column.shift == pytest.approx(away)
        assert few.sample == few.to_dict()["sample"] == 400
    assert so.coreset(X[:500], 20, scale_columns="std", **_SMALL).sample is None


def test_a_limit_of_time_that_ended_the_exchanges_is_said() -> None:
    few = so.coreset(_points(600), 20, scale_columns="std", time_limit=1e-6, **_SMALL)
    assert (len(few), few.ending) == (20, "stopped by the time limit")
    assert few.to_dict()["termination"] == "time_limit"


@pytest.mark.usefixtures("few_witnesses")
def test_a_target_is_resembled() -> None:
    X, T = _points(), _points(2500)[:1200] * 0.4 + 1.0
    coreset = so.coreset(X, 20, target=T, scale_columns="none", **_SMALL)
    S = X[coreset.indices]
    both = X.astype(np.float64), T.astype(np.float64)

    def distance(S: NDArray[Any]) -> float:
        K = coreset.kernel
        square = K(S, S).mean() - 2.0 * K(S, both[1]).mean() + K(both[1], both[1]).mean()
        return math.sqrt(float(square))

    assert abs(coreset.mmd - distance(S.astype(np.float64))) < 4.0 * coreset.mmd_error
    assert coreset.mmd < 0.5 * coreset.random_mmd


@pytest.mark.usefixtures("few_witnesses")
def test_random_columns_are_those_of_the_data_though_candidates_are_drawn_for_a_target() -> None:
    X = _points()
    T = X[:900] * 0.3 + 3.0
    few = so.coreset(X, 20, target=T, scale_columns="none", **_SMALL)
    away = abs(X.mean(axis=0) - T.mean(axis=0)) / T.std(axis=0)
    spread = X.std(axis=0) / T.std(axis=0) / math.sqrt(20)
    for column, mean, error in zip(few.columns, away, spread, strict=True):
        assert column.random_shift == pytest.approx(mean, abs=2.0 * float(error))
    assert few.columns[0].shift < few.columns[0].random_shift / 2


@pytest.mark.usefixtures("few_witnesses")
def test_threads_and_seeds() -> None:
    X = _points()
    one, two = (
        so.coreset(X, 12, scale_columns="none", threads=threads, **_SMALL) for threads in (1, 2)
    )
    np.testing.assert_array_equal(one.indices, two.indices)
    assert one.mmd == two.mmd
    other = so.coreset(X, 12, scale_columns="none", seed=1, **_SMALL)
    assert not np.array_equal(one.indices, other.indices)


@pytest.mark.usefixtures("few_witnesses")
def test_progress_is_told_of_both_passes() -> None:
    told: list[tuple[str, int, int | None]] = []
    X = _points()
    so.coreset(
        lambda: iter([X[:1000], X[1000:]]),
        9,
        scale_columns="none",
        progress=lambda *step: told.append(step),
        **_SMALL,
    )
    assert ("survey", 1000, None) in told
    assert ("means", 3000, 3000) in told
    assert [phase for phase, _, _ in told][-2:] == ["choosing", "judging"]


@pytest.mark.usefixtures("few_witnesses")
def test_what_it_is_is_shown(tmp_path: Path) -> None:
    X = _points()
    coreset = so.coreset(X, 9, scale_columns="none", id=np.arange(3000) * 10, **_SMALL)
    assert coreset.ids is not None
    np.testing.assert_array_equal(coreset.ids, coreset.indices * 10)
    frame = coreset.to_pandas()
    assert frame["index"].tolist() == coreset.indices.tolist()
    assert frame["id"].tolist() == coreset.ids.tolist()
    assert coreset.to_dict()["n"] == 3000
    assert repr(coreset).startswith("Coreset(k=9, n=3000, mmd=")
    coreset.plot(tmp_path / "coreset.svg")
    assert (tmp_path / "coreset.svg").read_text().lstrip().startswith("<?xml")


@pytest.mark.usefixtures("few_witnesses")
def test_of_rows_that_come_once_all_are_kept_where_the_memory_allows_it() -> None:
    X = _points()
    given: dict[str, Any] = {"scale_columns": "none", **_SMALL}
    again = so.coreset(X, 15, **given)
    once = so.coreset((X[i : i + 7] for i in range(0, len(X), 7)), 15, **given)
    np.testing.assert_array_equal(once.indices, again.indices)
    assert (once.n, once.message) == (3000, again.message) == (3000, "")
    assert "reading" in once.seconds


def test_of_rows_that_come_once_a_sample_is_kept_where_there_are_more() -> None:
    X = _points(40_000)
    given: dict[str, Any] = {"scale_columns": "none", "memory": 960_000, "pool": 200}
    once = so.coreset((X[i : i + 999] for i in range(0, len(X), 999)), 15, **given)
    assert once.message == (
        "data gave its rows once: a uniform sample of 10000 of 40000 rows is in their place"
    )
    assert once.to_dict()["message"] == once.message
    assert once.n == 40_000
    assert once.indices.max() > 20_000
    assert (np.diff(once.indices) > 0).all()
    assert once.mmd < 0.6 * once.random_mmd
    exact = _mmd(X[::10], X[once.indices], once.kernel)
    assert exact == pytest.approx(once.mmd, abs=0.25 * once.random_mmd)
    table = pa.table(dict(zip("abc", X.T, strict=True)))
    aimed = so.coreset(table, 15, target=iter([X]), **given)
    assert aimed.message.startswith("target gave its rows once: a uniform sample of 5000 of 40000")
    assert aimed.n == 40_000


def _broken(row: int, value: float) -> NDArray[Any]:
    X = _points().copy()
    X[row, 1] = value
    return X


@pytest.mark.parametrize(
    ("data", "options", "says"),
    [
        (_broken(1234, np.nan), {}, "nan in row 1234, column 1"),
        (_broken(2999, np.inf), {}, "inf in row 2999, column 1"),
        (iter([]), {}, "data has no rows"),
        (iter([_points()]), {"columns": ["a"]}, "columns is of tables and of arrays"),
        (
            [_points(), _points(30, 2)],
            {},
            "block 1 of data has 2 features, and those before have 3",
        ),
        (np.array(["a", "b"]), {}, "array (n, d) of numbers"),
        (np.zeros((2, 3, 4)), {}, "got shape (2, 3, 4)"),
        ("nothing.npy", {}, "nothing.npy does not exist"),
        ("nothing.parquet", {}, "nothing.parquet does not exist"),
        ("nothing.csv", {}, "nothing.csv does not exist"),
        (_points(), {"columns": ["a"]}, "there are the numbers 1 to 3"),
        (lambda: [_points()], {"columns": ["a"]}, "columns is of tables and of arrays"),
        (_points(), {"id": "name"}, "id is the name of a column"),
        (_points(), {"id": np.arange(5)}, "id must name each of the 3000 rows"),
        (_points(), {"k": 0}, "k must be an integer >= 1"),
        (_points(), {"k": 1501}, "k must be at most half the 3000 rows"),
        (_points(), {"pool": 19}, "pool must be"),
        (_points(), {"memory": "1 kB"}, "allow more memory"),
        (_points(), {"target": _points(50, 2)}, "target has 2 features and data has 3"),
        (
            _points(),
            {"kernel": "precomputed"},
            "kernel is 'precomputed', but coreset takes features",
        ),
        (pa.table({"a": [1.0, None], "b": [1.0, 2.0]}), {"k": 1}, "no value in row 1"),
        (pa.table({"a": ["x"], "b": [1.0]}), {"columns": ["a"]}, "column 'a' of data is string"),
        (
            pa.table({"a": [1.0]}),
            {"columns": ["z"]},
            "there is no column 'z'; there are the names 'a'",
        ),
        (pa.table({"a": [1.0], "b": [None]}), {"id": "b"}, "column 'id' of data has no value"),
        (
            pa.table({"id": [1, 2], "a": [1.0, 2.0]}),
            {"k": 1},
            "'id' of data looks like row numbers",
        ),
        (_points(), {"target": pa.table({"b": [1.0]}), "columns": [2]}, "number"),
        (np.ma.masked_greater(_points(), 2.0), {}, "data has masked entries"),
        ([np.ma.masked_greater(_points(), 2.0)], {}, "block 0 of data has masked entries"),
        ({"a": [1.0, 2.0]}, {"k": 1}, "pyarrow.table(data)"),
        (_points(), {"columns": 3}, "columns must be names of columns"),
        ("-", {}, "standard input is read once"),
        (pa.table({"a": ["x"]}), {}, "no columns of numbers"),
        (7, {}, "data must be an array"),
    ],
)
def test_bad_input_is_refused_with_the_remedy(
    data: Any, options: dict[str, Any], says: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"k": 10, "scale_columns": "none", **options}
    with pytest.raises((so.InvalidProblem, InvalidFile, InvalidOption, so.TooLarge)) as caught:
        so.coreset(data, given.pop("k"), **given)
    assert says in str(caught.value)


def test_columns_of_different_units_are_warned_of() -> None:
    X = _points(900) * np.array([1.0, 1.0, 1000.0], np.float32)
    with pytest.warns(so.UnscaledColumns, match="scale_columns"):
        so.coreset(X, 5, pool=100)


@pytest.mark.usefixtures("few_witnesses")
def test_more_than_a_matrix_holds_are_chosen_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    X = _points(4000)
    whole = so.coreset(X, 200, scale_columns="none", pool=900)
    monkeypatch.setattr(_pool, "_LEAST_PART", 16)
    told: list[tuple[str, int, int | None]] = []
    parts = so.coreset(
        X,
        200,
        scale_columns="none",
        pool=900,
        memory=8 * 250**2,  # a matrix of 250 rows: four parts
        progress=lambda *step: told.append(step),
    )
    assert len(np.unique(parts.indices)) == 200
    assert ("choosing", 4, 4) in told
    # Parts make up for those before: their errors do not add up, which would be twice as much.
    assert parts.mmd < 1.8 * whole.mmd < 0.3 * whole.random_mmd


def test_half_of_all_rows_can_be_chosen() -> None:
    X = _points(1500)
    half = so.coreset(X, 750, scale_columns="none")
    assert len(np.unique(half.indices)) == 750
    assert half.mmd == pytest.approx(_mmd(X, X[half.indices], half.kernel), rel=1e-2)
    assert half.mmd < 0.1 * half.random_mmd


def test_files_in_a_folder_that_are_no_parquet_are_named(tmp_path: Path) -> None:
    table = pa.table({"a": _points()[:, 0]})
    pa.parquet.write_table(table, tmp_path / "m.parquet")
    for name in ("a.txt", "z.txt"):  # before and after the first that is read
        (tmp_path / name).write_text("a,b")
        with pytest.raises(InvalidFile, match=f"(?s){name}.*leave only Parquet files there"):
            so.coreset(tmp_path, 3, scale_columns="none")
        (tmp_path / name).unlink()
    (tmp_path / "_SUCCESS").write_text("")
    assert so.coreset(tmp_path, 3, scale_columns="none", **_SMALL).n == 3000
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidFile, match="holds no files"):
        so.coreset(tmp_path / "empty", 3, scale_columns="none")


def test_sparse_matrices_are_to_be_blocks() -> None:
    sparse = pytest.importorskip("scipy.sparse").csr_matrix(_points())
    with pytest.raises(so.InvalidProblem, match="function that returns blocks"):
        so.coreset(sparse, 5)
    few = so.coreset(lambda: [sparse.toarray()], 5, scale_columns="none", **_SMALL)
    assert few.n == 3000


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_tensors_are_arrays(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    X = torch.tensor(_points(200)).to(getattr(torch, dtype)).requires_grad_()
    expected = so.coreset(X.detach().float().numpy(), 5, scale_columns="none")
    for data in (X, [X[:120], X[120:]]):
        few = so.coreset(data, 5, scale_columns="none")
        np.testing.assert_array_equal(few.indices, expected.indices)


def test_ids_may_be_dates(tmp_path: Path) -> None:
    days = np.datetime64("2020-01-01") + np.arange(200)
    few = so.coreset(_points(200), 5, id=days, scale_columns="none")
    assert few.to_dict()["ids"] == [str(day) for day in days[few.indices]]
    assert few.to_pandas()["id"].tolist() == few.to_dict()["ids"]
    for suffix in ("csv", "parquet", "json"):
        few.save(tmp_path / f"few.{suffix}")
    assert str(days[few.indices[0]]) in (tmp_path / "few.csv").read_text()


def test_names_that_are_formulas_become_text(tmp_path: Path) -> None:
    X = _points(800)
    names = np.array([f"=1+{row}" for row in range(800)])
    few = so.coreset(X, 5, scale_columns="none", id=names)
    few.save(tmp_path / "few.csv")
    lines = (tmp_path / "few.csv").read_text().splitlines()
    assert lines[0] == "index,id"
    assert lines[1:] == [f"{row},'=1+{row}" for row in few.indices]


@pytest.mark.usefixtures("few_witnesses")
@pytest.mark.parametrize("scale", ["none", "std"])
@pytest.mark.parametrize("with_target", [False, True])
def test_means_alone_are_matched_by_one_pass(scale: str, with_target: bool) -> None:
    X = (_points() * [1.0, 2.0, 30.0] + 1e3).astype(np.float64)
    target = X[:900] * 1.001 if with_target else None
    told: list[str] = []
    few = so.coreset(
        X,
        25,
        target=target,
        objective="mean",
        scale_columns=scale,  # type: ignore[arg-type]
        progress=lambda *step: told.append(step[0]),
        **_SMALL,
    )
    assert "means" not in told
    assert few.mmd_error == 0.0
    both = X if target is None else np.concatenate([X, target])
    spread = both.std(axis=0) if scale == "std" else 1.0
    aim = (X if target is None else target).mean(axis=0)
    away = float(np.linalg.norm((X[few.indices].mean(axis=0) - aim) / spread))
    by_samples = with_target and scale == "std"  # which tell the spread of both
    assert away == pytest.approx(few.mmd, rel=0.1 if by_samples else 1e-6, abs=1e-9)
    assert few.mmd < 0.1 * few.random_mmd
    same = so.coreset(X, 25, target=target, kernel="linear", scale_columns=scale, **_SMALL)  # type: ignore[arg-type]
    np.testing.assert_array_equal(same.indices, few.indices)


def test_means_have_no_other_kernel() -> None:
    with pytest.raises(InvalidOption, match="has the kernel 'linear'; got kernel='laplace'"):
        so.coreset(_points(), 5, objective="mean", kernel="laplace")
    with pytest.raises(InvalidOption, match="objective must be 'mmd' or 'mean'; got 'medoids'"):
        so.coreset(_points(), 5, objective="medoids")


def test_of_rows_that_are_all_alike_any_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pool, "solver", None)  # nothing is searched
    few = so.coreset(np.ones((900, 2)), 7, scale_columns="none", pool=100)
    assert len(few) == 7
    assert few.mmd == 0.0


@pytest.mark.usefixtures("few_witnesses")
def test_a_target_far_from_most_rows_has_candidates_near_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = np.random.default_rng(8)
    X = generator.normal(size=(20_000, 3)).astype(np.float32)
    T = (0.3 * generator.normal(size=(1000, 3)) + 1.6).astype(np.float32)
    told: list[tuple[str, int]] = []
    given: dict[str, Any] = {"target": T, "scale_columns": "none", **_SMALL}
    near = so.coreset(X, 15, progress=lambda *step: told.append(step[:2]), **given)
    assert ("aiming", len(X)) in told
    assert near.pool == 300
    assert "aiming" in near.seconds
    monkeypatch.setattr(_aiming.AimedKeys, "of", classmethod(lambda *given: None))
    uniform = so.coreset(X, 15, **given)
    assert near.mmd < 0.3 * uniform.mmd
    assert near.random_mmd == pytest.approx(uniform.random_mmd, rel=0.2)
