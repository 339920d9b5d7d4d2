"""Rows of a table that represent all of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import subsetopt as so
from subsetopt.tables import RowSelection, select_rows

EXAMPLE = Path(so.__file__).parent / "examples" / "earthquakes.csv"


def _ids(few: RowSelection) -> list[str]:
    assert few.ids is not None
    return list(few.ids)


@pytest.mark.parametrize("objective", ["mmd", "means", "both"])
def test_the_chosen_are_closer_than_random_rows(objective: str) -> None:
    options: dict[str, Any] = {"objective": objective, "time_limit": 0.2}
    few = select_rows(EXAMPLE, 40, exactly={"network": "proportional"}, **options)
    assert few.ids is not None
    assert len(few) == len(few.ids) == 40
    assert few.mmd < few.random_mmd / 2
    shares = next(column for column in few.columns if column.name == "network")
    for share, chosen in zip(shares.shares.values(), shares.chosen_shares.values(), strict=True):
        assert abs(40 * share - 40 * chosen) < 1


def test_chosen_rows_are_written_as_they_stand(tmp_path: Path) -> None:
    few = select_rows(EXAMPLE, 5, include=["ci37868143"], time_limit=0.1)
    few.save(tmp_path / "chosen.csv")
    lines = EXAMPLE.read_text().splitlines()
    assert (tmp_path / "chosen.csv").read_text().splitlines() == [
        lines[0],
        *(lines[1 + index] for index in few.indices),
    ]


def test_other_separators_decimals_and_encodings(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        f'K{i};{20 + i % 7};{number:.2f};{"Süd" if i % 3 else "Nord"};0{1 + i % 9}.02.2020;"a\nb"'
        for i, number in enumerate(rng.normal(size=60))
    ]
    text = "\n".join(["Kunde;Alter;Umsatz;Region;Seit;Notiz", *rows]).replace(".", ",")
    text = text.replace(",02,2020", ".02.2020")
    (tmp_path / "kunden.csv").write_bytes(text.encode("cp1252"))
    with pytest.raises(so.InvalidFile, match=r"is not UTF-8 text; .* --encoding cp1252"):
        select_rows(tmp_path / "kunden.csv", 6)
    few = select_rows(tmp_path / "kunden.csv", 6, encoding="cp1252", time_limit=0.1)
    kinds = {column.name: column.kind for column in few.columns}
    assert kinds == {"Alter": "number", "Umsatz": "number", "Region": "category", "Seit": "date"}
    assert few.rows().column("Notiz")[0].as_py() == "a\nb"
    assert _ids(few) == [f"K{i}" for i in few.indices]


def test_tables_of_libraries_give_rows_of_theirs() -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    frame = pandas.read_csv(EXAMPLE, parse_dates=["time"]).set_index("id")
    few = select_rows(frame, 7, time_limit=0.1)
    assert few.rows().equals(frame.iloc[few.indices])
    assert _ids(few) == list(few.rows().index)
    other = select_rows(polars.read_csv(EXAMPLE), 7, time_limit=0.1)
    assert isinstance(other.rows(), polars.DataFrame)
    assert _ids(other) == other.rows()["id"].to_list()


def test_a_target_is_another_table() -> None:
    table = pa.table({"x": np.arange(50.0), "group": ["a", "b"] * 25})
    target = pa.table({"x": np.arange(40.0, 45.0), "group": ["a"] * 5})
    few = select_rows(table, 3, target=target, time_limit=0.1)
    assert (few.indices % 2 == 0).all()
    assert few.rows()["x"].to_pylist() == pytest.approx([40, 42, 44], abs=4)


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("x,y\n1,2\n3,4\n", {"columns": ["z"]}, "there is no column 'z'; there are 'x', 'y'"),
        ("x,y\n" + "1,2\n" * 19 + "2,oops\n", {}, "numbers, but on line 21 'oops'; write nan"),
        ("x,x\n1,2\n3,4\n", {}, "two columns are called 'x'"),
        ("x,y\n1,2\n3,4,5\n", {}, "line 3 has 3 cells, but line 1 has 2"),
        ("x;y\n1,234;a\n5;b\n", {}, "'1,234' may be 1.234 or 1234"),
        ("name\nann\nbob\ncid\n", {}, "no column holds numbers, dates or categories"),
        ("x\n1\n2\n3\n", {"exactly": {"y": 1}}, "exactly must name a column of .*; got 'y'"),
        ("x\n1\n2\n3\n", {"include": [7]}, r"include must name an index in \[0, 2\]"),
        ("x\n1\n\n3\n", {"missing": "refuse"}, "line 3 is blank"),
        ("x,y\n1,\n2,3\n4,4\n", {"missing": "refuse"}, "'y' has 1 missing values"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_remedy(
    tmp_path: Path, text: str, options: dict[str, Any], says: str
) -> None:
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(so.SubsetOptError, match=says):
        select_rows(tmp_path / "table.csv", 1, **options)
