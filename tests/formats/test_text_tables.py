"""Header, rows and ids of text told apart, or refused: an index never shifts unseen."""

import csv
import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subsetopt import InvalidFile, InvalidOption
from subsetopt.formats import CSVTable, TableOptions
from subsetopt.formats._csv_table import table_of


def read(text: str, rows: Any = None, **options: Any) -> CSVTable:
    return table_of(text.encode(), "t.csv", TableOptions(**options), rows)


@pytest.mark.parametrize(
    ("text", "values", "columns", "header"),
    [
        ("loss\n1\n2\n", [1, 2], ("loss",), True),
        ("1\n2.5\n", [1, 2.5], ("1",), False),
        ("a,b\n1,2\n3,4\n", [[1, 2], [3, 4]], ("a", "b"), True),
        ("1,2\n3,4\n", [[1, 2], [3, 4]], ("1", "2"), False),
        ("1,0\n0,1\n", [[1, 0], [0, 1]], ("1", "2"), False),
        ('"5","7"\n1,2\n3,4\n', [[1, 2], [3, 4]], ("5", "7"), True),  # quoted nowhere else
        ('"5","7"\n"1","2"\n', [[5, 7], [1, 2]], ("1", "2"), False),
        ("label,1x1,1x2\n5,0,1\n", [[5, 0, 1]], ("label", "1x1", "1x2"), True),
        ("Na,K\n1,2\n", [[1, 2]], ("Na", "K"), True),
        ('"a, b", "c"\n"1", "2"\n', [[1, 2]], ("a, b", "c"), True),
        ("a;b\n1,5;2,0\n-0,25;1e3\n", [[1.5, 2], [-0.25, 1000]], ("a", "b"), True),
        ("1\nNA\nnull\n", [1, np.nan, np.nan], ("1",), False),
        ("nan,1\n2,3\n", [[np.nan, 1], [2, 3]], ("1", "2"), False),
        ("# by,hand\na,b\n1,2\n", [[1, 2]], ("a", "b"), True),
        ("#a,b\n1,2\n3,4\n", [[1, 2], [3, 4]], ("a", "b"), True),
        ("# a b\n1 2\n", [[1, 2]], ("1", "2"), False),  # sentences have blanks too
        ("# by hand\na b\n1 2\n# between\n3   4\n", [[1, 2], [3, 4]], ("a", "b"), True),
        ("7", [7], ("1",), False),
        ("0", [0], ("1",), False),
    ],
)
def test_header_and_rows(text: str, values: list[Any], columns: Any, header: bool) -> None:
    table = read(text)
    np.testing.assert_array_equal(table.values, values)
    assert (table.columns, table.header, table.ids) == (columns, header, None)


@pytest.mark.parametrize(
    ("text", "values", "ids", "id_name"),
    [
        ('"V1" "V2"\n"1" 0.5 0.1\n"2" 0.7 0.3\n', [[0.5, 0.1], [0.7, 0.3]], "1 2", "row names"),
        ("V1 V2\n1 0.5 0.1\n2 0.7 0.3\n", [[0.5, 0.1], [0.7, 0.3]], "1 2", "row names"),
        ("x,y\nr1,1,2\nr2,3,4\n", [[1, 2], [3, 4]], "r1 r2", "row names"),
        ('"","x"\n"1",0.5\n"2",0.7\n', [0.5, 0.7], "1 2", "1"),
        (",loss\n0,0.5\n1,0.7\n", [0.5, 0.7], "0 1", "1"),
        (",0,1\n0,0.5,2\n1,0.7,3\n", [[0.5, 2], [0.7, 3]], "0 1", "1"),
    ],
)
def test_names_of_rows_are_no_feature(text: str, values: list[Any], ids: str, id_name: str) -> None:
    table = read(text)
    assert table.values.tolist() == values
    assert table.ids == tuple(ids.split())
    assert (table.id, table.header) == (id_name, True)


@pytest.mark.parametrize(
    ("text", "header", "rows"),
    [
        ("0\n0.68\n1.02\n0.02\n0.5\n", 4, 5),
        ("0\n1\n0\n", 2, 3),
        ("0,1,2\n0.5,0.1,0.2\n3,4,5\n", 2, 3),
        ("2019,2020\n0.5,0.2\n", 1, 2),
        ("NA\n1.0\n2.0\n4.0\n", 3, 4),
        ("nan\n1.0\n", 1, 2),
        ('"5",7\n1,2\n', 1, 2),
    ],
)
def test_doubt_is_refused_and_an_option_decides(text: str, header: int, rows: int) -> None:
    message = rf"line 1, .* --header \({header} rows?\) or --no-header \({rows} rows\)"
    with pytest.raises(InvalidFile, match=message):
        read(text)
    assert len(read(text, header=True).values) == header
    assert len(read(text, header=False).values) == rows
    assert len(read(text, rows=header).values) == header
    assert len(read(text, rows=rows).values) == rows
    with pytest.raises(InvalidFile, match="--no-header"):
        read(text, rows=rows + 1)


@pytest.mark.parametrize("text", ["1_000\n2\n3\n", "-\n1\n2\n", "1.5.2\n1\n", "label,0\n1,2\n"])
def test_a_first_line_that_is_neither(text: str) -> None:
    with pytest.raises(InvalidFile, match=r"line 1, .* may be a header"):
        read(text)
    assert read(text, header=True).header
    with pytest.raises(InvalidFile, match=r"line 1: .* is not a number"):
        read(text, header=False)


def test_a_square_decides_what_its_first_line_is() -> None:
    assert read("0,1\n1,0\n", "square").values.tolist() == [[0, 1], [1, 0]]
    assert read("0,1\n0,5\n5,0\n", "square").values.tolist() == [[0, 5], [5, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2,3", "line 2 has 3 columns, but line 1 has 2: '1,2,3'; .* --id 1"),
        ("loss\n1,5\n2,5\n", "if these are decimals, write them with a point"),
        ("a,b,c\n1,2\n", "line 2 has 2 columns, but line 1 has 3.*one name for each column"),
        ("a,b\n1,2,\n", "remove the ',' at the ends of lines"),
        ("a,b,\n1,2,\n", "column 3 has no name"),
        ("x\n1_000\n", "line 2: '1_000' is not a number"),
        ("x\n0x10\n", "line 2: '0x10' is not a number"),
        ("x\n١\n", "line 2: '١' is not a number"),
        ("a;b\n1,500;2,300\n", "'1,500' may be 1.500 or 1500"),
        ("# c\nx\n1\n# d\ny\n", "line 5: 'y' is not a number"),
        ("1\n\n\n2\n", "line 2 is blank"),
        ("\n1\n", "line 1 is blank"),
        ('x\n1\n"2\n', "line 3: a quote is not closed"),
        ("id,x\n" + "".join(f"{2**60 + i},{i}\n" for i in range(5)), "looks like row numbers"),
        ("# only\n", "all lines are comments"),
        ("id,loss\nS1,0.5\nS2,0.7\n", r"column 1 \('id'\) holds texts.*'S1' on line 2.*--id id"),
        (
            "area,loss\nA,0.5\nA,1\n",
            "'A' on line 2; choose .*--columns loss; .* subsetopt select",
        ),
        ("S1,0.5\nS2,0.7\n", "column 1 holds texts.*--id 1, else .*--columns 2"),
        ("id,x,y\n3,5,1\n1,7,2\n", r"\('id'\) looks like row numbers.*--id id.*--columns x,y"),
        ("Unnamed: 0,x\n0,5\n1,7\n", "looks like row numbers.*--id 1.*--columns x"),
        (",x\n0,5\n0,7\n", "cells repeat"),
        (f"{'1,' * 100_000}1\n", "line 1 has 100,001 columns"),
    ],
)
def test_faults_are_named_with_their_fix(text: str, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        read(text)


def test_columns_and_ids_by_name_number_and_index() -> None:
    text = "id,age,loss\nS1,30,0.5\nS2,40,0.7\n"
    table = read(text, id="id")
    assert (table.ids, table.id, table.columns) == (("S1", "S2"), "id", ("age", "loss"))
    assert table.ids_of(np.array([1])) == ["S2"]
    for asked in (["loss", "age"], ["3", "2"], [2, 1], ["loss", 1]):
        chosen = read(text, columns=asked)
        assert (chosen.columns, chosen.ids) == (("loss", "age"), None)
        assert chosen.values.tolist() == [[0.5, 30], [0.7, 40]]
    assert read(text, columns=["loss"], id=0).values.tolist() == [0.5, 0.7]
    # A name wins over a number, and a column that is left out may hold anything.
    assert read("0,1\n5,x\n7,y\n", header=True, columns=["0"]).values.tolist() == [5, 7]
    assert read("5,x\n7,y\n", columns=["1"]).values.tolist() == [5, 7]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": ["losses"]}, "no column 'losses'; there are the names 'a', 'b' and the num"),
        ({"columns": ["3"]}, "no column '3'"),
        ({"columns": [2]}, r"a name or an index in \[0, 1\]; got 2"),
        ({"columns": [True]}, r"a name or an index in \[0, 1\]; got True"),
        ({"columns": ["a", "1"]}, "named twice"),
        ({"columns": ["a"], "id": "a"}, "cannot be the id and"),
        ({"columns": []}, "no column of numbers"),
    ],
)
def test_columns_that_cannot_be_read(options: Any, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        read("a,b\n1,2\n", **options)


def test_what_was_taken_as_what_is_said() -> None:
    table = read("id,loss\nS1,0.5\nS2,0.7\n", id="id")
    assert table.to_dict() == {
        "header": True,
        "rows": 2,
        "columns": ["loss"],
        "id": "id",
        "comments": 0,
    }
    assert table.sentence() == "2 rows, column loss (line 1 is a header), ids from id"
    assert read("#\n1,2\n").sentence() == "1 row, 2 columns, no header, 1 comment left out"
    assert "\x1b" not in read("\x1b[2Jx\n1\n").sentence()
    assert len(read(f"{'a' * 1000}\n1\n").sentence()) < 100


# -- what others write ----------------------------------------------------------------------------

CELLS = st.one_of(
    st.floats(-1e6, 1e6), st.integers(-3, 3).map(float), st.integers(-3, 3), st.just(0)
)
NAMES = ["x", "loss", "V1", "NA", "Na", "id", "a b", "a,b", "1x1", "l.2", "nan", "-", "Größe"]


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows, width = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    values = draw(
        st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=rows, max_size=rows)
    )
    frame = pd.DataFrame(values)
    if draw(st.booleans()):
        frame.columns = pd.Index(draw(st.permutations(NAMES))[:width])
    if draw(st.booleans()):
        frame.index = pd.Index([f"r{i}" for i in range(rows)])
    return frame


@settings(max_examples=60, deadline=None)
@given(frames(), st.booleans(), st.sampled_from([",", ";", "\t"]), st.booleans())
def test_frames_of_pandas_never_shift(
    frame: pd.DataFrame, index: bool, separator: str, quoted: bool
) -> None:
    quoting: Any = csv.QUOTE_NONNUMERIC if quoted else csv.QUOTE_MINIMAL
    text, values = frame.to_csv(index=index, sep=separator, quoting=quoting), frame.to_numpy(float)
    require_right_or_refused(text, values)
    if list(frame.columns) == ["a,b"] and not (index or quoted) and separator != ",":
        return  # a line of two names above one column: refused, whatever is said of the header
    columns = range(int(index), int(index) + values.shape[1])
    require_right(text, values, header=True, columns=columns, id=0 if index else None)


@settings(max_examples=60, deadline=None)
@given(frames(), st.booleans(), st.sampled_from([" ", ",", "\t"]))
def test_frames_of_r_never_shift(frame: pd.DataFrame, quoted: bool, separator: str) -> None:
    text = (
        frame.rename(columns="V{}".format)
        .rename(index="{}".format)
        .to_csv(
            sep=separator,
            index_label=False,  # one name less than there are columns
            quoting=csv.QUOTE_NONNUMERIC if quoted else csv.QUOTE_MINIMAL,
        )
    )
    require_right_or_refused(text, frame.to_numpy(float))
    if quoted or separator != " ":
        require_right(text, frame.to_numpy(float), header=True, id=0)


@settings(max_examples=60, deadline=None)
@given(frames(), st.sampled_from(["%.6e", "%.17g"]), st.sampled_from([" ", ",", "\t"]))
def test_arrays_of_numpy_never_shift(frame: pd.DataFrame, form: str, separator: str) -> None:
    stream, values = io.StringIO(), frame.to_numpy(dtype=float)
    np.savetxt(stream, values, fmt=form, delimiter=separator)
    require_right_or_refused(
        stream.getvalue(), np.array([[float(form % x) for x in row] for row in values])
    )


def require_right_or_refused(text: str, values: Any) -> None:
    try:
        table = read(text)
    except InvalidFile:
        return
    assert len(table.values) == len(values), text
    np.testing.assert_array_equal(table.values.reshape(values.shape), values, text)


def require_right(text: str, values: Any, **options: Any) -> None:
    """What the options state is read, whatever line 1 looks like."""
    table = read(text, **options)
    np.testing.assert_array_equal(table.values.reshape(values.shape), values, text)


def test_columns_of_arrow_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa

    from subsetopt.formats._csv_table import _values

    whole = pa.chunked_array([[0.5, None, 3.0, None], [], [4.0], [None]], type=pa.float64())
    np.testing.assert_array_equal(_values(whole), [0.5, np.nan, 3.0, np.nan, 4.0, np.nan])
    np.testing.assert_array_equal(_values(whole[1:5]), [np.nan, 3.0, np.nan, 4.0])
    assert _values(pa.chunked_array([], type=pa.float64())).size == 0
