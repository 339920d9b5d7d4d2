"""Tables as people have them: nothing is read wrong without a word."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import subsetopt as so
from subsetopt.tables import select_rows
from subsetopt.tables._row_reading_options import RowReadingOptions
from subsetopt.tables._row_table import RowTable
from subsetopt.tables._table_columns import TableColumn, columns_of

ROWS = 12


def _read(source: Any) -> tuple[RowTable, dict[str, TableColumn]]:
    table = RowReadingOptions().read(source)
    return table, {column.name: column for column in columns_of(table)}


def _file(folder: Path, header: str, row: str, encoding: str = "utf-8") -> Path:
    """Write a table whose rows hold `{i}`, `{x}` (three decimals) and `{odd}` (i is odd)."""
    lines = [row.format(i=i, x=f"{i * i / 8:.3f}", odd=i % 2) for i in range(ROWS)]
    path = folder / "table.csv"
    path.write_bytes("\n".join([header, *lines, ""]).encode(encoding))
    return path


@pytest.mark.parametrize(
    ("header", "row", "kinds"),
    [
        ("id,x", "00{i},{x}", {"id": "id", "x": "number"}),
        ("plz,x", "0{odd}97,{x}", {"plz": "category", "x": "number"}),
        ("who,p", "r{i},{x}%", {"who": "id", "p": "number"}),
        ("who,x", "r{i},\N{MINUS SIGN}{x}", {"who": "id", "x": "number"}),
        (" id , g ", "r{i} , a{odd}  ", {"id": "id", "g": "category"}),
        ("id,g,x", "r{i},yes{odd},{x}", {"id": "id", "g": "category", "x": "number"}),
        ("id,x,m", "r{i},{x},", {"id": "id", "x": "number", "m": "empty"}),
        ("id,x,m", "r{i},{x},5", {"id": "id", "x": "number", "m": "constant"}),
        ("id,x,d", "r{i},{x},3/4/2{i}", {"id": "id", "x": "number", "d": "text"}),
        ("id,d", "r{i},9999-12-1{odd}", {"id": "id", "d": "date"}),
        ("id,x,g", "r{i},{x},a{odd}\0", {"id": "id", "x": "number", "g": "category"}),
        ("id,x,t", "r{i},{x}," + "z" * 100_000, {"id": "id", "x": "number", "t": "constant"}),
        ("id\tx\tt", "r{i}\t{x}\ta{odd}, b", {"id": "id", "x": "number", "t": "category"}),
        ("#id,x,g", "r{i},{x},a{odd}", {"id": "id", "x": "number", "g": "category"}),
        ("## made\n#id,x", "r{i},{x}", {"id": "id", "x": "number"}),
        ("# by us, all\nid,x", "r{i},{x}", {"id": "id", "x": "number"}),
        ("# by us\nx", "{x}", {"x": "number"}),
    ],
)
def test_what_columns_are_taken_for(
    tmp_path: Path, header: str, row: str, kinds: dict[str, str]
) -> None:
    table, columns = _read(_file(tmp_path, header, row))
    assert len(table) == ROWS
    assert {name: column.kind for name, column in columns.items()} == kinds


def test_signs_and_dates_far_away_are_read_as_such(tmp_path: Path) -> None:
    _, columns = _read(_file(tmp_path, "who,x", "r{i},\N{MINUS SIGN}{x}"))
    assert columns["x"].numbers == pytest.approx([-i * i / 8 for i in range(ROWS)], abs=1e-3)
    _, columns = _read(_file(tmp_path, "id,d", "r{i},9999-12-1{odd}"))
    assert columns["d"].numbers is not None
    assert columns["d"].numbers[:2].tolist() == [2_932_875, 2_932_876]
    moments = pa.array([-14_831_769_600, 253_402_214_400] * 6, pa.timestamp("s"))
    _, columns = _read(pa.table({"d": moments}))
    assert columns["d"].numbers is not None
    assert columns["d"].numbers[:2].tolist() == [-171_664, 2_932_896]


@pytest.mark.parametrize("spacing", [1, 300])
def test_ids_of_more_digits_than_numbers_hold_stay_apart(tmp_path: Path, spacing: int) -> None:
    ids = [str(2**60 + spacing * i) for i in range(ROWS)]
    path = tmp_path / "table.csv"
    path.write_text("user_id,x\n" + "".join(f"{one},{i}\n" for i, one in enumerate(ids)))
    for source in (path, pa.table({"user_id": list(map(int, ids)), "x": range(ROWS)})):
        few = select_rows(source, 3, include=[ids[5]], time_limit=0.02)
        assert few.ids is not None
        assert few.ids.tolist() == [ids[i] for i in few.indices]
        assert 5 in few.indices
    few.save(tmp_path / "few.parquet")
    _, columns = _read(tmp_path / "few.parquet")
    assert columns["user_id"].labels is not None
    assert set(columns["user_id"].labels.tolist()) <= set(ids)


def test_digits_beyond_those_of_numbers_are_written_as_text(tmp_path: Path) -> None:
    """As nanoseconds have, by which rows are compared as by numbers."""
    path = tmp_path / "table.csv"
    path.write_text(
        "ns\n" + "".join(f"{1_700_000_000_000_000_001 + i * 10**9}\n" for i in range(9))
    )
    few = select_rows(path, 2, time_limit=0.02)
    assert few.found[0].kind == "number"
    few.save(tmp_path / "few.parquet")
    cells = parquet.read_table(tmp_path / "few.parquet")["ns"].to_pylist()
    assert all(cell.endswith("001") for cell in cells)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2019,2020\n" + "1.5,2.5\n" * 9, "line 1, '2019,2020', may name the columns or be the"),
        ("region,2019,2020\na,15,20\nb,16,21\n", "its integers are years, and nothing below"),
        (",0,1\na,3,2.5\nb,3,2\n", "its integers count the columns. State which: --header"),
        ("5,9\n1.5,2.5\n", "it holds integers, and nothing below them is one"),
        ("# n, n\n5,9\n1.5,2.5\n", "line 2, '5,9', may name"),
        ("#name,city\nanna,Bonn\nbert,Rom\n", "line 1, '#name,city', may be a comment or the"),
        ("i;p\n" + "".join(f"r{i};{i}.{i}50\n{i};9{i}0\n" for i in range(1, 6)), "'1.150' may be"),
        (
            "i;p;w\na;1.234;0,5\nb;2.345;0,75\nc;3.456;1\n",
            r"'1.234' may be 1.234 or 1234; .* \(1.2340\)",
        ),
        ('id\tx\na\t5" c\nb\t6" d\n', "line 2: a quote is not closed on its line"),
        ("id,x\n" + "".join(f"r{i},{i}\n" for i in range(5)) + "r9,1e999\n", "an infinite value"),
        ("name,x\na,?\nb,1\nc,2\nd,?\ne,3.5\n", r"'x' \(4 different texts; 60 % are numbers, but"),
        ("i;x\na;1.5\nb;1,5\nc;7\n", "x' .3 different texts: numbers that are written in several"),
        ("id,x\nr1,5\n", "has one row; there is nothing to choose from"),
        ("id,x\n", "holds a header but no rows"),
        ("\n\n", "the file is empty"),
        ("id,x\nr1,1\nr2,2\n", r"k must be an integer in \[1, 1\]; got 2"),
    ],
)
def test_what_may_be_read_in_two_ways_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(so.SubsetOptError, match=says):
        select_rows(tmp_path / "table.csv", 2)


@pytest.mark.parametrize(
    ("text", "header", "names"),
    [
        ("2019,2020\n1.5,2.5\n", True, ["2019", "2020"]),
        ("2019,2020\n1.5,2.5\n", False, ["1", "2"]),
        ("anna,2019,2020\nbert,2018,2021\n", None, ["1", "2", "3"]),
        ("1,2\n3,4.5\n", None, ["1", "2"]),
        ("#name,city\nanna,Bonn\n", False, ["1", "2"]),
        ("#a,b\n1,2\n", False, ["1", "2"]),
        ("#a,b\n1,2\n", True, ["a", "b"]),
        ("#a,b\na,2\n", None, ["a", "b"]),
    ],
)
def test_a_header_that_is_stated_or_certain(
    tmp_path: Path, text: str, header: bool | None, names: list[str]
) -> None:
    (tmp_path / "table.csv").write_text(text)
    assert RowReadingOptions(header=header).read(tmp_path / "table.csv").columns == names


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["1/2/2024", "3/4/2024"], "g: look like dates, but not all are of one form"),
        (["1-Feb-24", "2-Mar-24"], "g: look like dates"),
        (["2024-02-30", "2024-02-28"], "g: look like dates"),
        (["Yes", "yes"], "g: 'Yes' and 'yes' are two labels; write them alike"),
        (["1.2.3", "yes"], ""),
    ],
)
def test_labels_that_may_not_be_meant_as_such_are_said(cells: list[str], says: str) -> None:
    table = pa.table({"x": range(20), "g": cells * 10})
    report = " ".join(select_rows(table, 3, time_limit=0.02).report().to_terminal(160).split())
    assert says in report
    assert ("labels" in report) == bool(says)


def test_points_that_surely_mark_decimals(tmp_path: Path) -> None:
    for rows in (["1.234", "2.5"], ["1.234", "0.123"], ["1.234"] * 3, ["950", "1234"]):
        path = tmp_path / "table.csv"
        path.write_text("i;p\n" + "".join(f"r{i};{cell}\n" for i, cell in enumerate([*rows, "7"])))
        _, columns = _read(path)
        assert columns["p"].numbers is not None
        assert columns["p"].numbers.tolist() == [*map(float, rows), 7.0]


@pytest.mark.parametrize(
    ("encoding", "marked"),
    [("utf-8", False), ("utf-8-sig", True), ("cp1252", True), ("utf-16", True)],
)
def test_what_excel_needs_to_know_utf8_is_written(
    tmp_path: Path, encoding: str, marked: bool
) -> None:
    path = _file(tmp_path, "id,Größe", "r{i},{x}", encoding)
    given = encoding if encoding in ("utf-8", "cp1252") else "utf-8"  # others are recognised
    few = select_rows(path, 3, encoding=given, time_limit=0.02)
    few.save(tmp_path / "few.csv")
    raw = (tmp_path / "few.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") == marked
    assert raw.decode("utf-8-sig").startswith("id,Größe\n")
    assert _read(tmp_path / "few.csv")[0].columns == ["id", "Größe"]


def test_many_labels_become_as_many_coordinates() -> None:
    table = pa.table({"g": [f"level {i % 60}" for i in range(120)], "x": np.arange(120.0)})
    few = select_rows(table, 10, categories=["g"], time_limit=0.02)
    ones = few.features.matrix[:, few.features.blocks[0]]
    assert ones.shape == (120, 60)
    assert ((ones > 0).sum(axis=1) == 1).all()
    assert (ones.std(axis=0) ** 2).sum() == pytest.approx(1.0)
