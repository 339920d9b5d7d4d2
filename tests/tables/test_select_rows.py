"""Rows of a table that represent all of them."""

import gzip
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

import subsetopt as so
from subsetopt.solution import Termination
from subsetopt.tables import RowSelection, _choosing_rows, select_rows
from subsetopt.tables._row_table import row_table

EXAMPLE = Path(so.__file__).parent / "examples" / "earthquakes.csv"


def _ids(few: RowSelection) -> list[str]:
    assert few.ids is not None
    return list(few.ids)


@pytest.mark.parametrize("objective", ["mmd", "means", "both"])
def test_the_chosen_are_closer_than_random_rows(objective: str, tmp_path: Path) -> None:
    lines = EXAMPLE.read_text().splitlines(keepends=True)
    (tmp_path / "few.csv").write_text("".join(lines[:200]))
    options: dict[str, Any] = {"objective": objective, "time_limit": 0.3}
    few = select_rows(tmp_path / "few.csv", 40, exactly={"network": "proportional"}, **options)
    assert few.ids is not None
    assert len(few) == len(few.ids) == 40
    assert few.mmd < few.random_mmd
    assert few.random_rank == 0
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


def test_parquet_has_the_types_that_were_seen(tmp_path: Path) -> None:
    lines = [f"0{i};{i or ''};{i},5;{1 + i % 9:02d}.01.2020;x y {i}" for i in range(9)]
    (tmp_path / "table.csv").write_text("\n".join(["id;whole;part;day;text", *lines]))
    few = select_rows(tmp_path / "table.csv", 4, include=["00", "05"], time_limit=0.05)
    few.save(tmp_path / "few.parquet")
    few.save(tmp_path / "few.csv")
    typed = pa.parquet.read_table(tmp_path / "few.parquet")
    kinds = dict(zip(typed.column_names, map(str, typed.schema.types), strict=True))
    assert kinds == {"id": "string", "whole": "int64", "part": "double", "day": "timestamp[us]",
                     "text": "string"}  # fmt: skip
    row = {"id": "05", "whole": 5, "part": 5.5, "day": datetime(2020, 1, 6), "text": "x y 5"}
    assert row in typed.to_pylist()
    assert typed.to_pylist()[0]["whole"] is None
    assert "05;5;5,5;06.01.2020;x y 5\n" in (tmp_path / "few.csv").read_text()


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


def test_tables_of_libraries_give_rows_of_theirs(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    frame = pandas.read_csv(EXAMPLE, parse_dates=["time"]).set_index("id")
    few = select_rows(frame, 7, time_limit=0.1)
    assert few.rows().equals(frame.iloc[few.indices])
    assert _ids(few) == list(few.rows().index)
    few.save(tmp_path / "few.csv")
    assert pandas.read_csv(tmp_path / "few.csv")["id"].tolist() == _ids(few)
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
        (";\nx;y\n1;2\n3;4\n", {}, "line 1 has only empty cells; remove it"),
        ("x;y\n1;2\n;\n3;4\n", {}, "line 3 has only empty cells; remove it"),
        ("no,x\n1,0.5,\n2,0.7,\n", {}, "has 3 cells, but .*; remove the ',' at the ends of lines"),
        ("who,x\nann,5,\nbob,7,\n", {}, "remove the ',' at the ends of lines"),
        ("id,x\n00,57,3\n01,38,2\n", {}, "write decimals with a point, or in quotes; if column"),
        ("who,x\nann,57,3\nbob,38,2\n", {}, "write decimals with a point, or in quotes"),
        ("x;y\na;5;1\na;7;2\n", {}, "if column 1 holds the names of rows, name it on line 1"),
        ("x,y\n1,\n2,3\n4,4\n", {"missing": "refuse"}, "'y' has 1 missing values"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_remedy(
    tmp_path: Path, text: str, options: dict[str, Any], says: str
) -> None:
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(so.SubsetOptError, match=says):
        select_rows(tmp_path / "table.csv", 1, **options)


def _workbook(path: Path, rows: list[list[Any]]) -> None:
    """Write the smallest .xlsx there is: texts within their cells, one style for dates."""
    office = "http://schemas.openxmlformats.org"
    main, relations = f"{office}/spreadsheetml/2006/main", f"{office}/package/2006/relationships"
    of = f"{office}/officeDocument/2006/relationships"

    def cell(value: Any) -> str:
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
        if isinstance(value, date):
            return f'<c s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
        return "<c/>" if value is None else f"<c><v>{value}</v></c>"

    lines = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{office}/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1" '
        f'Type="{of}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1" '
        f'Type="{of}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{of}"><sheets><sheet name="Data" '
        'sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}"><cellXfs><xf numFmtId="0"/>'
        '<xf numFmtId="14"/></cellXfs></styleSheet>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData>'
        "</worksheet>",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0"?>{text}')


def test_rows_of_a_spreadsheet(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    path = tmp_path / "book.xlsx"
    header: list[Any] = ["Customer", "Age", "Region", "Since"]
    rows = [
        [f"C{i}", None if i == 5 else 20.5 + i, "NS"[i % 2], date(2020, 1, 1 + i)]
        for i in range(20)
    ]
    _workbook(path, [header, *rows])
    few = select_rows(path, 4, exactly={"Region": 2}, sheet="Data", time_limit=0.05)
    kinds = {column.name: column.kind for column in few.found}
    assert kinds == {"Customer": "id", "Age": "number", "Region": "category", "Since": "date"}
    assert few.columns[0].missing == 1
    assert _ids(few) == [f"C{i}" for i in few.indices]
    with pytest.raises(so.InvalidFile, match="there is no sheet 'Date'; there are 'Data'"):
        select_rows(path, 4, sheet="Date")
    _workbook(path, [header, *rows, ["", "", "", ""], [" ", None, "", ""]])
    assert len(row_table(path)) == 20
    assert row_table(path).empty_lines == 2
    _workbook(path, [header, *rows[:3], [" ", None, "", ""], *rows[3:]])
    with pytest.raises(so.InvalidFile, match="row 5 has only empty cells; remove it"):
        select_rows(path, 4)
    _workbook(path, [header, *rows * 2, ["C1", "oops", "N", date(2020, 1, 1)]])
    with pytest.raises(so.InvalidFile, match="row 42 'oops'"):
        select_rows(path, 4)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["007", "008", "009", "010"], "id"),
        (["01067", "01067", "80331", "80331"], "category"),
        (["1", "2", "3", "4"], "id"),
        (["1.5", "2.5", "3.5", "4.5"], "number"),
        (["2", "4", "6", "9"], "number"),
        (["a b", "c d", "e f", "g h"], "id"),
    ],
)
def test_what_a_first_column_is_taken_for(tmp_path: Path, cells: list[str], kind: str) -> None:
    values = ["1.5", "2", "7", "3"]
    text = "\n".join(["one,two", *map(",".join, zip(cells, values, strict=True))])
    (tmp_path / "table.csv").write_text(text)
    few = select_rows(tmp_path / "table.csv", 2, time_limit=0.05)
    assert few.found[0].kind == kind
    if kind == "id":
        assert _ids(few) == [cells[i] for i in few.indices]


@pytest.mark.parametrize(
    ("columns", "named", "kinds", "says"),
    [
        ({"Customer_No": "unique", "x": "many"}, "Customer_No", {"x": "number"}, ""),
        ({"x": "many", "orderNr": "unique"}, "orderNr", {"x": "number"}, ""),
        ({"x": "many", "Nr.": "unique"}, "Nr.", {"x": "number"}, ""),
        ({"x": "many", "casino": "unique"}, "", {"x": "number", "casino": "number"}, ""),
        ({"x": "many", "zip code": "many"}, "", {"x": "number", "zip code": "number"}, ""),
        (
            {"order_no": "unique", "user_id": "unique"},
            "user_id",
            {"order_no": "number"},
            "order_no: compared as numbers; leave out by --ignore",
        ),
        (
            {"x": "many", "shop_id": "many"},
            "",
            {"x": "number", "shop_id": "number"},
            "shop_id: compared as numbers; leave out by --ignore, or compare as labels",
        ),
        ({"id": "codes", "x": "many"}, "", {"x": "number"}, "id (called id, but does not "),
        ({"ID": "many", "x": "many"}, "", {"x": "number"}, "ID (called id, but does not "),
    ],
)
def test_what_names_rows_is_not_compared_silently(
    columns: dict[str, str], named: str, kinds: dict[str, str], says: str
) -> None:
    made = {
        "unique": [50 + i * i for i in range(24)],
        "many": [i % 7 for i in range(24)],
        "codes": [f"{i // 3:03d}" for i in range(24)],
    }
    table = pa.table({name: made[kind] for name, kind in columns.items()})
    few = select_rows(table, 3, time_limit=0.02)
    assert [column.name for column in few.found if column.kind == "id"] == (
        [named] if named else []
    )
    assert {one.name: one.kind for one in few.found if one.is_feature} == kinds
    report = few.report().to_terminal(120)
    assert says in report
    assert ("compared as numbers" in report) == ("compared as numbers" in says)
    for name in set(columns) - set(kinds) - {named}:
        few = select_rows(table, 3, categories=[name], time_limit=0.02)
        assert "category" in {one.kind for one in few.found if one.name == name}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("id,g,x\nr1,x,1\nr2,g,2\nr3,x,3\n", ["id", "g", "x"]),  # labels like names of columns
        ("a,north,1\nb,north,2\nc,south,3\n", ["1", "2", "3"]),
        ("north,x\nnorth,y\nsouth,z\n", ["1", "2"]),
    ],
)
def test_what_line_1_is_taken_for(tmp_path: Path, text: str, names: list[str]) -> None:
    (tmp_path / "table.csv").write_text(text)
    assert row_table(tmp_path / "table.csv").columns == names


@pytest.mark.parametrize(
    ("name", "text", "columns", "rows"),
    [
        ("r.txt", '"x" "y"\n"a" 1 2\n"b" 3 4\n', ["column 1", "x", "y"], ["a12", "b34"]),
        ("r.csv", '"x","y"\n"a",1,2\n"b",3,4\n', ["column 1", "x", "y"], ["a12", "b34"]),
        ("hash.csv", "# by us\nid,x\n#0,1\n#1,2\nA,3\n", ["id", "x"], ["#01", "#12", "A3"]),
        ("hash.csv", 'x,c\n1,"\n#a"\n2,#b\n', ["x", "c"], ["1\n#a", "2#b"]),
        ("end.csv", "x;y\n1;2\n3;\n;;\n;\n\n", ["x", "y"], ["12", "3"]),
        ("end.tsv", 'x\ty\n1\t"2"\n\t\n', ["x", "y"], ["12"]),
        ("end.csv", 'x\n1\n""\n', ["x"], ["1", ""]),
        ("pipe.csv", "id|x|y\na|1,5|2\nb|2|3\n", ["id", "x", "y"], ["a1,52", "b23"]),
        ("caret.csv", "x^y\n1^2\n", ["x", "y"], ["12"]),
        ("comma.csv", "x,y\na|b,c|d\n", ["x", "y"], ["a|bc|d"]),
        ("excel.csv", "sep=;\nx;y\n1,5;2,5\n", ["x", "y"], ["1,52,5"]),
        ("excel.csv", "sep=|\nx;y|z\n1|2\n", ["x;y", "z"], ["12"]),
        ("text.csv", "note\na text of 5\na text of 6\n", ["note"], ["a text of 5", "a text of 6"]),
        ("two.csv.gz", "one two\na b\nc d\n", ["one two"], ["a b", "c d"]),
        ("text.txt", "a note\nthe one\nand a third\n", ["a note"], ["the one", "and a third"]),
        ("two.txt", "x  y\n1 2\n 3   4\n", ["x", "y"], ["12", "34"]),
    ],
)
def test_what_lines_and_cells_of_a_text_are(
    tmp_path: Path, name: str, text: str, columns: list[str], rows: list[str]
) -> None:
    packed = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
    (tmp_path / name).write_bytes(packed)
    table = row_table(tmp_path / name)
    assert table.columns == columns
    assert ["".join(row.values()) for row in table.data.to_pylist()] == rows


def test_lines_that_are_left_out_are_said(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("x;y\n1;2\n3;4\n5;7\n;;;;\n;;;;\n")
    few = select_rows(tmp_path / "table.csv", 1, time_limit=0.05)
    assert len(few.table) == 3
    assert "2 lines with only empty cells at the end" in few.report().to_terminal(100)


def test_whether_a_value_is_missing_is_compared_too() -> None:
    rng = np.random.default_rng(0)
    absent = np.arange(400) % 4 == 0
    table = pa.table(
        {"x": np.where(absent, np.nan, rng.normal(size=400)), "y": rng.normal(size=400)}
    )
    few = select_rows(table, 40, time_limit=0.2)
    assert few.columns[0].chosen_missing == 10
    assert few.features.matrix.shape == (400, 3)
    assert few.features.matrix.var(axis=0)[1] == pytest.approx(0.25)


def test_a_target_must_hold_what_the_table_holds() -> None:
    table = pa.table({"x": np.arange(5.0), "y": np.arange(5.0) ** 2})
    other = pa.table({"x": ["a", "b", "a", "b", "a"], "y": np.arange(5.0)})
    with pytest.raises(so.InvalidProblem, match="the target: column 'x' holds category values"):
        select_rows(table, 2, target=other)


def test_lines_of_messages_are_those_of_an_editor(tmp_path: Path) -> None:
    rows = "".join(f'{i},"two\nlines"\n' for i in range(30))
    (tmp_path / "table.csv").write_text(f"x,note\n{rows}oops,no\n")
    with pytest.raises(so.InvalidFile, match="line 62 'oops'"):
        select_rows(tmp_path / "table.csv", 2)


def test_infinite_values_and_excel_text(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("x\n1\n2\ninf\n4\n")
    with pytest.raises(so.InvalidFile, match="'x' has an infinite value on line 4"):
        select_rows(tmp_path / "table.csv", 2)
    (tmp_path / "table.txt").write_text("x\ty\n1\t5\n2\t4\n4\t3\n", "utf-16")
    assert row_table(tmp_path / "table.txt").columns == ["x", "y"]


def test_columns_of_data_frames(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    n = 12
    frame = pandas.DataFrame(
        {
            "group": pandas.Categorical(list("abc") * 4),
            "zoned": pandas.date_range("2024-01-01", periods=n, tz="Europe/Berlin"),
            "whole": pandas.array([None, *range(1, n)], dtype="Int64"),
            "long": pandas.to_timedelta(range(n), unit="h"),
            "nothing": [None] * n,
            "lists": [[1, 2]] * n,
            5: np.linspace(0.0, 1.0, n),
        },
        index=[0] * n,  # names no row
    )
    few = select_rows(frame, 3, exactly={"group": 1}, time_limit=0.05)
    assert {column.name: column.kind for column in few.found} == {
        "group": "category", "zoned": "date", "whole": "number", "long": "number",
        "nothing": "empty", "lists": "text", "5": "number",
    }  # fmt: skip
    assert few.ids is None
    assert few.columns[3].mean == pytest.approx(5.5 / 24)  # days
    few.save(tmp_path / "few.parquet")
    with pytest.raises(so.InvalidProblem, match=r"column 'mixed' holds values of several types"):
        select_rows(frame.assign(mixed=[1, "x"] * 6), 3)
    with pytest.raises(so.InvalidProblem, match=r"must be the path of a table, .*; got dict"):
        select_rows({"x": [1, 2, 3]}, 1)


def test_without_a_time_limit_equal_seeds_give_equal_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_choosing_rows, "_MOVES", (300, 300))
    one, other = (select_rows(EXAMPLE, 20, columns=["magnitude"], seed=3) for _ in range(2))
    assert one.indices.tolist() == other.indices.tolist()
    assert one.solution is not None
    assert one.solution.termination is Termination.ITERATION_LIMIT
    assert "time limit" not in one.method
    limited = select_rows(EXAMPLE, 20, columns=["magnitude"], time_limit=0.01)
    assert "stopped by the time limit" in limited.method
