"""Rows of a table in parts that resemble each other."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import subsetopt as so
from subsetopt.tables import RowSplit, split_rows

N = 120


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    region = rng.choice(["north", "south", "west"], N, p=[0.6, 0.3, 0.1])
    frame = pd.DataFrame(
        {
            "patient": [f"P{i // 3}" for i in range(N)],
            "age": rng.normal(50, 12, N).round(1),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, N), "D"),
            "region": region,
            "income": rng.lognormal(0, 1, N),
        },
        index=[f"row-{i}" for i in range(N)],
    )
    frame.loc["row-5", "age"] = np.nan
    return frame


@pytest.fixture(scope="module")
def split() -> RowSplit:
    return split_rows(table(), [70, 15, 15], by="region", ignore=["patient"])


def test_parts_are_balanced_and_nearer_than_random_ones(split: RowSplit) -> None:
    assert split.names == ("train", "validation", "test")
    assert split.sizes.tolist() == [84, 18, 18]
    assert split.stratified_mmd is not None
    assert split.mmd < 0.6 * min(split.random_mmd, split.stratified_mmd)
    assert split.partition.off_balance is not None
    assert split.partition.off_balance < 1
    far = {column.name: column for column in split.columns}
    assert list(far) == ["age", "since", "region", "income"]
    assert all(column.distance < column.random_distance for column in split.columns)
    assert far["region"].distance <= far["region"].random_distance


def test_distances_are_those_of_the_rows(split: RowSplit) -> None:
    frame = table()
    age, region = split.columns[0], split.columns[2]
    levels = np.unique(frame["age"].dropna())
    for part in range(3):
        own = frame[split.parts == part]
        cdf = [
            np.searchsorted(np.sort(one.dropna()), levels, side="right") / one.notna().sum()
            for one in (own["age"], frame["age"])
        ]
        assert age.distances[part] == pytest.approx(np.abs(cdf[0] - cdf[1]).max())
        assert age.means[part] == pytest.approx(own["age"].mean())
        shares = (one["region"].value_counts(normalize=True) for one in (own, frame))
        gap = next(shares).sub(next(shares), fill_value=0).abs().sum() / 2
        assert region.distances[part] == pytest.approx(gap)
        assert dict(region.part_shares[part]) == pytest.approx(
            own["region"].value_counts(normalize=True).to_dict()
        )
    assert split.notes == (
        "1 missing in age: taken as its median; whether a value is missing is compared too",
    )


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_rows_come_back_in_kind(split: RowSplit, kind: str) -> None:
    frame = table()
    make: Any = {"pandas": lambda: frame, "polars": lambda: pl.DataFrame(frame),
                 "arrow": lambda: pa.Table.from_pandas(frame, preserve_index=False)}  # fmt: skip
    given = make[kind]()
    own = split_rows(given, [70, 15, 15], by="region", ignore=["patient"])
    assert (own.parts == split.parts).all()
    test, labelled = own.rows("test"), own.labelled()
    assert type(test) is type(given)
    if kind == "pandas":
        assert test.equals(frame[split.parts == 2])
        assert labelled.drop(columns="part").equals(frame)
        assert (labelled["part"] == split.part_names).all()
    else:
        assert len(test) == 18
        assert labelled["part"].to_pylist() == split.part_names.tolist() if kind == "arrow" else (
            labelled["part"].to_list() == split.part_names.tolist()
        )  # fmt: skip


def test_groups_stay_together_and_are_not_compared() -> None:
    split = split_rows(table(), folds=4, keep_together="patient", seed=1, part_column="fold")
    patient = table()["patient"].to_numpy()
    assert all(len(set(split.parts[patient == one])) == 1 for one in set(patient))
    assert "patient" not in {column.name for column in split.columns}
    assert split.names == ("1", "2", "3", "4")
    assert split.stratified_mmd is None
    assert set(split.labelled()["fold"]) == set(split.names)


def test_files_hold_all_rows_and_their_parts(split: RowSplit, tmp_path: Path) -> None:
    split.save(tmp_path / "parts.parquet")
    data = pq.read_table(tmp_path / "parts.parquet")
    assert data.column_names == ["index", *table().columns, "part"]
    assert data["part"].to_pylist() == split.part_names.tolist()
    table().to_csv(tmp_path / "rows.csv", index_label="id")
    own = split_rows(tmp_path / "rows.csv", [0.5, 0.5], by=["region"], ignore=["patient"])
    own.save(tmp_path / "parts.csv")
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    assert (tmp_path / "parts.csv").read_text().splitlines() == [
        f"{lines[0]},part",
        *(f"{line},{part}" for line, part in zip(lines[1:], own.part_names, strict=True)),
    ]
    assert own.ids is not None
    assert own.ids[3] == "row-3"


def test_the_report_is_whole_at_80_columns(split: RowSplit) -> None:
    text = split.report().to_terminal(80)
    assert all(len(line) <= 80 for line in text.splitlines())
    for word in ("age", "since", "region", "income", "furthest part", "random", "stratified"):
        assert word in text
    assert "age 1: taken as the median" in text
    assert "names of rows" in text
    assert "84 / 18 / 18" in text
    many = {f"a column with a long name, number {i}": np.random.default_rng(i).normal(size=40)
            for i in range(14)}  # fmt: skip
    wide = split_rows(pd.DataFrame(many), [20, 20], time_limit=5).report().to_terminal(80)
    assert all(len(line) <= 80 for line in wide.splitlines())
    assert "2 columns with smaller distances are left out; --json and .html have all" in wide


def test_pictures(split: RowSplit, tmp_path: Path) -> None:
    for suffix in ("svg", "html"):
        split.plot(tmp_path / f"parts.{suffix}")
        text = (tmp_path / f"parts.{suffix}").read_text()
        assert all(word in text for word in ("validation", "income", "this split", "stratified"))
    assert 'href="split.svg"' not in text
    assert text.count("<svg") == 2
    assert all(word in text for word in ("distance of part", "those that are furthest off first"))
    assert split.plot().axes
    axes = pytest.importorskip("matplotlib.figure").Figure().add_subplot()
    assert split.plot(axes=axes) is axes
    assert {text.get_text() for text in axes.get_legend().get_texts()} == set(split.names)


def test_a_search_without_time_gives_parts_of_neighbours(split: RowSplit) -> None:
    own = split_rows(table(), [70, 15, 15], by="region", ignore=["patient"], time_limit=1e-9)
    assert own.sizes.tolist() == split.sizes.tolist()
    assert own.to_dict()["mmd"] is None
    assert (
        "unknown: stopped before the kernel was summed over all pairs"
        in own.report().to_terminal(80)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parts": [70, 20]}, "70, 20 sum to 90, and the table has 120 rows"),
        ({"parts": [1.0]}, "two or more numbers greater than 0"),
        ({"parts": [50, -1]}, "two or more numbers greater than 0"),
        ({}, "either parts .* or folds"),
        ({"parts": [0.5, 0.5], "folds": 2}, "either parts .* or folds"),
        ({"folds": 121}, r"folds must be an integer in \[2, 120\]"),
        ({"folds": 2, "names": ["a"]}, "names must be 2 different names"),
        ({"folds": 2, "by": "regoin"}, "no column 'regoin'.*region"),
        ({"folds": 2, "by": "income"}, "'income', which has 120 different values"),
        ({"folds": 2, "keep_together": "who"}, "no column 'who'"),
        ({"folds": 2, "keep_together": "age"}, "on row 5 there is no value"),
        ({"folds": 2, "part_column": "age"}, "has a column 'age' already"),
        ({"parts": [119.5, 0.5]}, "119.5, 0.5"),
    ],
)
def test_messages(options: dict[str, Any], message: str) -> None:
    with pytest.raises((so.InvalidOption, so.InvalidFile), match=message):
        split_rows(table(), **options)


def test_an_unknown_part(split: RowSplit) -> None:
    with pytest.raises(so.InvalidOption, match=r"no part 'tset'.*'test'"):
        split.rows("tset")


def test_one_row_and_as_many_parts_as_rows() -> None:
    with pytest.raises(so.InvalidProblem, match="has one row; there is nothing to divide"):
        split_rows(table().head(1), [50, 50])
    single = split_rows(table().head(20), folds=20, time_limit=1e-9)
    assert "in 20 parts, 1 / 1 / 1 / 1 / 1 / 1 / ... / 1" in single.report().to_terminal(120)
