"""No cell of a CSV file is a formula to a spreadsheet, whoever writes it."""

import csv
import io
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subsetopt._csv_cells import csv_text, frame_text, safe_cell, safe_table

ROOT = Path(__file__).parents[1]
TEXTS = st.text(st.sampled_from("=+-@\t\r\n;, '\"a1.e＝"), max_size=6)


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1+1", "'+1+1"),
        ("-1-cmd", "'-1-cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("＝1", "'＝1"),
        ("name;=1+1", "name;'=1+1"),
        ("-0.5", "-0.5"),
        ("+1e-3", "+1e-3"),
        ("-inf", "-inf"),
        ("a=b", "a=b"),
        ("k-cluster_40", "k-cluster_40"),
        ("[1,-2]", "[1,-2]"),
        ("", ""),
        (-1.5, -1.5),
        (None, None),
    ],
)
def test_a_formula_becomes_text(cell: object, safe: object) -> None:
    assert safe_cell(cell) == safe


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_all_ways_of_writing_agree(cells: list[str]) -> None:
    safe = [safe_cell(cell) for cell in cells]
    assert next(csv.reader(io.StringIO(csv_text([cells]), newline=""))) == safe
    # A name for the header too, and a text behind each cell: a line of an empty cell is blank.
    frame = pd.DataFrame({"=x": pd.Series(cells, dtype="string"), "y": "z"})
    header, *rows = csv.reader(io.StringIO(frame_text(frame), newline=""))
    assert header == ["'=x", "y"]
    assert [row[0] for row in rows] == safe
    table = pa.table({"x": pa.array([*cells, None]), "n": pa.array(range(len(cells) + 1))})
    assert safe_table(table).column("x").to_pylist() == [*safe, None]


def test_numbers_and_missing_values_stay() -> None:
    frame = pd.DataFrame({"a": [-1.5, None], "b": pd.array([-2, None], "Int64")})
    assert frame_text(frame) == "a,b\n-1.5,-2\n,\n"


def test_all_writers_of_csv_are_here() -> None:
    """Whatever writes CSV by itself would have to think of formulas by itself."""
    writes = re.compile(r"csv\.writer\(|DictWriter\(|\.to_csv\(|savetxt\(|\.write_csv\(")
    by_arrow = re.compile(r"arrow\(\"csv\"\)\.CSVWriter|csv\.CSVWriter")
    for folder in ("subsetopt", "solvers", "benchmarks", "docs/scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            text = text.replace("rows.to_csv(", "")  # of subsetopt.report.table, which does
            assert path.name == "_csv_cells.py" or not writes.search(text), path
            assert not by_arrow.search(text) or "safe_table(" in text, path
