"""Text read as a stream is what the other commands read of it."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.coresets import _csv_rows
from subsetopt.coresets._source_kinds import source_of
from subsetopt.errors import InvalidFile, InvalidOption, InvalidProblem
from subsetopt.formats import TableOptions, read_table

ROWS = [(f"r{i}", i, i / 4, (i * 7) % 5) for i in range(60)]


def _lines(separator: str = ",", rows: Any = ROWS) -> str:
    return "".join(separator.join(map(str, row)) + "\n" for row in rows)


def _read(path: Path, **options: Any) -> tuple[Any, Any, Any]:
    source = source_of(
        path, options.get("columns"), options.get("id"), header=options.get("header")
    )
    blocks = list(source.blocks())
    ids = [block.ids for block in blocks if block.ids is not None]
    named = np.concatenate(ids).tolist() if ids else None
    return np.concatenate([block.X for block in blocks]), named, source.names


NUMBERS = [row[1:] for row in ROWS]
TEXTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a header": ("a,b,c\n" + _lines(rows=NUMBERS), {}),
    "no header": (_lines(rows=[row[1:] for row in ROWS]), {"header": False}),
    "a header of numbers": ("1,2,3\n" + _lines(rows=NUMBERS), {"header": True}),
    "ids by name": ("id,a,b,c\n" + _lines(), {"id": "id"}),
    "ids with blanks": ("id,a\n" + "".join(f" r {i} ,{i}\n" for i in range(60)), {"id": "id"}),
    "ids by number": (_lines(), {"id": "1", "header": False}),
    "columns by number": (_lines(), {"columns": ["4", "2"]}),
    "columns by index": (_lines(), {"columns": [3, 1], "id": 0}),
    "row numbers of pandas": (",a,b,c\n" + _lines(), {}),
    "semicolons and commas": (
        "a;b\n" + _lines(";", [(row[1], f"{row[2]:.2f}".replace(".", ",")) for row in ROWS]),
        {},
    ),
    "tabs": ("a\tb\tc\n" + _lines("\t", NUMBERS), {}),
    "comments at the top": ("# by hand\n# twice\na,b,c\n" + _lines(rows=NUMBERS), {}),
    "a header behind #": ("# by hand\n#a,b,c\n" + _lines(rows=NUMBERS), {}),
    "carriage returns": (("a,b,c\n" + _lines(rows=NUMBERS)).replace("\n", "\r\n"), {}),
    "a mark of byte order": ("\ufeffa,b,c\n" + _lines(rows=NUMBERS), {}),
    "quotes": ('"a","b"\n' + _lines(rows=[(f'"{row[1]}"', row[2]) for row in ROWS]), {}),
    "integers, then decimals": ("a\n" + "1\n" * 40 + "0.5\n" * 40, {}),
    "one column": ("a\n" + "".join(f"{row[2]}\n" for row in ROWS), {}),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_stream_is_what_others_read(
    name: str, packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, options = TEXTS[name]
    (tmp_path / "x.csv").write_bytes(text.encode())
    expected = read_table(tmp_path / "x.csv", TableOptions(**options))
    path = tmp_path / "x.csv"
    if packed:
        path = tmp_path / "x.csv.gz"
        path.write_bytes(gzip.compress(text.encode()))
    for head in (2**22, 120):
        monkeypatch.setattr(_csv_rows, "_HEAD", head)
        X, ids, names = _read(path, **options)
        np.testing.assert_array_equal(X, expected.values.reshape(len(X), -1))
        assert ids == (None if expected.ids is None else list(expected.ids))
        assert names == expected.columns


@pytest.mark.parametrize("head", [2**22, 120])
@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("id,a\n" + _lines(rows=[row[:2] for row in ROWS]), {}, "--id id"),
        (_lines(rows=ROWS), {"id": "name"}, "'name'"),
        ("a,b\n" + "1,2\n" * 50 + "1\n", {}, "x.csv"),
        ("a,b\n" + "1,2\n" * 50 + "1,x\n", {}, "x"),
        ("a,b\n" + "1,2\n" * 50 + "1,nan\n", {}, "row 50"),
        ("a,b\n" + "1,2\n" * 50 + "1,\n", {}, ""),
        ("0,1\n" + "1.5,2.5\n" * 50, {}, "--no-header"),
        ("", {}, "x.csv"),
    ],
)
def test_what_is_wrong_is_named(
    text: str, options: Any, says: str, head: int, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(_csv_rows, "_HEAD", head)
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises((InvalidFile, InvalidOption, InvalidProblem)) as caught:
        _read(tmp_path / "x.csv", **options)
    assert says in str(caught.value)
    assert "x.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 2\n" * 60, "blanks between its columns"),
        ("1,2\n" * 4 + "# here\n" + "1,2\n" * 60, "comments between rows"),
        ("1,2" * 200, "a line of more than 120 bytes"),
    ],
)
def test_what_no_stream_can_have(
    text: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_csv_rows, "_HEAD", 120)
    (tmp_path / "x.txt").write_text(text)
    with pytest.raises(InvalidFile, match=says):
        _read(tmp_path / "x.txt")


def test_columns_by_place_are_counted_alike_whatever_the_source(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(400, 3))
    np.save(tmp_path / "x.npy", X)
    np.savetxt(tmp_path / "x.csv", X, delimiter=",")
    sources = (tmp_path / "x.npy", tmp_path / "x.csv", X)
    expected = so.coreset(X[:, [2, 0]], 8, scale_columns="std").indices
    for source in sources:
        for columns in (["3", "1"], [2, 0]):
            few = so.coreset(source, 8, columns=columns, scale_columns="std")
            np.testing.assert_array_equal(few.indices, expected)
            # A target goes by the same columns.
            near = so.coreset(source, 8, columns=columns, target=source, scale_columns="std")
            assert near.mmd == pytest.approx(few.mmd, rel=0.02)
