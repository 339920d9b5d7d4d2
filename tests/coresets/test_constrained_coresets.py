"""Coresets that keep quotas, budgets and named rows."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

import subsetopt as so
from subsetopt.coresets import _csv_rows, _pool
from subsetopt.coresets._asked_rows import AskedOfRows, Grouping, NamedAmongAll
from subsetopt.coresets._reading_engines import LOCAL
from subsetopt.coresets._row_keys import RowKeys
from subsetopt.coresets._row_sources import ArrayRows
from subsetopt.coresets._surveying import SeenRows, seen_of, survey
from subsetopt.errors import InvalidOption

_N = 4000


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few rows be too many to be all in the sample."""
    monkeypatch.setattr(_pool, "WITNESSES", 300)
    monkeypatch.setattr(_pool, "_MOVES", 200)
    monkeypatch.setattr(_pool, "_MOVES_OF_SETS", 50)


def _rows() -> tuple[Any, dict[str, Any]]:
    generator = np.random.default_rng(5)
    X = generator.normal(size=(_N, 2)).astype(np.float32)
    region = generator.choice(["north", "south", "west"], _N, p=[0.7, 0.2, 0.1]).astype(object)
    region[generator.choice(_N, 9, replace=False)] = "rare"
    return X, {
        "name": [f"p{i}" for i in range(_N)],
        "region": region,
        "kind": generator.integers(0, 5, _N),
        "price": np.round(generator.uniform(1.0, 3.0, _N), 2),
    }


def _table() -> pa.Table:
    X, tags = _rows()
    return pa.table({**tags, "x": X[:, 0].astype(float), "y": X[:, 1].astype(float)})


_ALL: dict[str, Any] = {
    "exactly": {"region": "proportional"},
    "at_least": {"kind": {"3": 15}},
    "at_most": "region=40",
    "include": ["p7", "p3999"],
    "exclude": "p8",
    "cost": "price",
    "budget": 75.0,
    "conflicts": [["p7", "p9"]],
}


def _chosen(data: Any, rules: Any, k: int = 40, **more: Any) -> so.Coreset:
    return so.coreset(data, k, id="name", scale_columns="none", pool=600, constraints=rules, **more)


def test_what_the_words_say_is_kept() -> None:
    _, tags = _rows()
    few = _chosen(_table(), _ALL)
    at = few.indices
    exact = so.Quota.proportional(tags["region"].tolist(), 40)
    shares = dict(zip(exact.groups, exact.lower.tolist(), strict=True))
    regions = Counter(tags["region"][at].tolist())
    assert {name: regions[name] for name in shares} == shares
    assert (tags["kind"][at] == 3).sum() >= 15
    assert {7, 3999} <= set(at.tolist())
    assert not {8, 9} & set(at.tolist())
    assert tags["price"][at].sum() <= 75.0
    assert [column.name for column in few.columns] == ["x", "y"]
    assert few.groups["region"] == shares
    assert sum(few.groups["kind"].values()) == 40
    assert few.to_dict()["groups"]["region"] == shares
    assert few.mmd < 0.6 * few.random_mmd


def test_rare_groups_are_in_the_pool() -> None:
    _, tags = _rows()
    few = _chosen(_table(), {"at_least": {"region": {"rare": 9}}}, 30)
    assert (tags["region"][few.indices] == "rare").sum() == 9
    few = _chosen(_table(), {"at_most": {"region": {"north": 0, "south": 0, "west": 21}}}, 30)
    assert Counter(tags["region"][few.indices].tolist()) == {"west": 21, "rare": 9}


def test_constraints_go_by_the_numbers_of_rows() -> None:
    X, tags = _rows()
    quotas = [so.Quota(tags["region"], at_least={"rare": 5}, at_most={"rare": 5, "north": 10})]
    rules = so.Constraints(
        include=[3999],
        exclude=[0],
        quotas=quotas,
        costs=tags["price"],
        budget=60.0,
        conflicts=[(3999, 1), (2, 3)],
    )
    few = so.coreset(X, 30, scale_columns="none", pool=600, constraints=rules)
    rules.require(few.indices)
    assert few.groups == {}
    np.testing.assert_array_equal(
        few.indices, so.coreset(X, 30, scale_columns="none", pool=600, constraints=rules).indices
    )


def test_files_name_rows_and_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X, tags = _rows()
    (tmp_path / "labels.txt").write_text("\n".join(tags["region"]))
    (tmp_path / "rows.csv").write_text("index\n5\n77\n")
    monkeypatch.chdir(tmp_path)
    rules = {"exactly": {"labels.txt": {"rare": 4}}, "include": "rows.csv"}
    few = so.coreset(X, 20, scale_columns="none", pool=600, constraints=rules)
    assert (tags["region"][few.indices] == "rare").sum() == 4
    assert {5, 77} <= set(few.indices.tolist())
    assert few.groups["labels.txt"]["rare"] == 4


@pytest.mark.parametrize("head", [2**22, 2000])
def test_text_and_tables_choose_the_same(
    head: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_csv_rows, "_HEAD", head)
    rules = {"exactly": {"region": "proportional"}, "include": ["p7"], "at_least": "kind=3"}
    whole = _table().drop_columns(["price"])
    pa.csv.write_csv(whole, tmp_path / "points.csv")
    read, held = _chosen(tmp_path / "points.csv", rules), _chosen(whole, rules)
    assert read.groups == held.groups
    assert read.indices.tolist() == held.indices.tolist()
    assert [column.name for column in read.columns] == ["x", "y"]


def test_what_is_held_does_not_depend_on_the_parts() -> None:
    X, tags = _rows()
    labels = np.asarray(tags["region"], object)
    grouping = Grouping("region", (("at_least", {"rare": 5, "west": 30}),), 60, labels)
    asked = AskedOfRows((grouping,), NamedAmongAll("include", np.array([11, 3000])))
    keys = RowKeys(4)
    whole = survey(ArrayRows(X), 50, keys, lambda *step: None, LOCAL, asked).result()
    parts = SeenRows(50, np.inf, asked)
    for first in range(0, _N, 333):
        source = ArrayRows(X[first : first + 333])
        source.first = first
        parts.join(
            seen_of(source, lambda rows: None, size=50, keys=keys, limit=np.inf, asked=asked)
        )
    joined = parts.result()
    np.testing.assert_array_equal(joined.rows, whole.rows)
    np.testing.assert_array_equal(joined.sampled, whole.sampled)
    np.testing.assert_array_equal(joined.codes, whole.codes)
    assert whole.sampled.sum() == 50
    assert {11, 3000} <= set(whole.rows.tolist())
    held = Counter(labels[whole.rows].tolist())
    assert held["rare"] == 9
    assert held["west"] >= 90  # its quota, and as many as a share of 4 k


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"at_least": {"region": {"rar": 3}}}, "did you mean 'rare'?"),
        ({"at_least": {"region": {"rare": 10}}}, "quotas ask for 10 rows of 'rare'; 9 of all rows"),
        ({"at_least": {"regio": 2}}, "there is no column 'regio'"),
        ({"at_least": {"region": 11}}, "quotas ask for 11 rows of 'rare'"),
        ({"at_least": {"kind": 9}}, "quotas ask for at least 45 of k = 40"),
        ({"include": ["p5", "p"]}, "include names 2 rows by their ids, and 1 rows are called so"),
        ({"include": ["p5"], "exclude": ["p5"]}, "include and exclude both name 'p5'"),
        ({"cost": "price", "budget": 2.0}, "candidates are the 600 rows of the pool"),
        ({"cost": "region", "budget": 2.0}, "region: costs must be numbers; row p0 has '"),
        ({"exactly": {"price": "proportional"}}, "quotas of 'price' cannot be proportional"),
        (
            {"exactly": {"region": "proportional"}, "at_least": {"region": 3}},
            "quotas of 'region' contradict in 1 of its ",
        ),
        ({"quotas": []}, "constraints has no option 'quotas'; it has at_least"),
        ({"start": ["p1"]}, "constraints has no option 'start'"),
        ([1], "constraints must be Constraints, or a mapping"),
        (
            so.Constraints(quotas=so.Quota(["a", "b"], at_least=1)),
            "a label for each row; got 2",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused(rules: Any, says: str) -> None:
    with pytest.raises((so.InvalidProblem, InvalidOption, so.InvalidFile)) as caught:
        _chosen(_table(), rules)
    assert says in str(caught.value)


def test_constraints_where_they_cannot_be(tmp_path: Path) -> None:
    X, _ = _rows()
    given: dict[str, Any] = {"scale_columns": "none", "constraints": {"at_least": {"region": 2}}}
    np.save(tmp_path / "x.npy", X)
    for data in (X, tmp_path / "x.npy", [X, X]):
        with pytest.raises(InvalidOption, match="the column 'region'"):
            so.coreset(data, 5, **given)
    with pytest.raises(InvalidOption, match="gives them once"):
        so.coreset(iter([X]), 5, constraints={"include": [3]}, scale_columns="none")
    with pytest.raises(so.InvalidProblem, match="one kernel matrix must hold"):
        so.coreset(X, 500, constraints={"include": [3]}, memory="1MB", scale_columns="none")
    wide = so.coreset(
        X.astype(float), 20, constraints={"include": [3]}, memory="3MB", scale_columns="none"
    )
    assert 3 in wide.indices
    assert wide.pool**2 * 8 <= 1.5e6
    with pytest.raises(InvalidOption, match=r"include must name rows in \[0, 3999\]; got 4000"):
        so.coreset(X, 5, constraints={"include": [4000]}, scale_columns="none")
    with pytest.raises(InvalidOption, match="by their numbers from 0"):
        so.coreset(X, 5, constraints={"include": ["a"]}, scale_columns="none")
