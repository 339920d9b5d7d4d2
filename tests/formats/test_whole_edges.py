"""Large plain lists of edges, read as arrays: the same problem as line by line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.formats import _whole_edges
from subsetopt.formats._problems import read_with_format
from subsetopt.formats._whole_edges import whole_edges

PLAIN = [
    "3 7\n7 10\n10 3\n2 3\n",
    "3 7\n7 10\n10 3\n2 3",
    "3\t7\t0.5\n7\t10\t-1e3\n10\t3\t.25\n2\t3\t+2\n",
    "3,7,0.5\r\n7,10,2\r\n10,3,1\r\n2,3,4\r\n",
    "3;7\n\n7;10\n10;3\n2;3\n",
    "# made by hand\n\n% too\n3 7 1\n7  10 2\n 10 3 1\n2\t3 3\n",
    "source,target,weight\n3,7,0.5\n7,10,2\n10,3,1\n2,3,4\n",
    "u v\n3 7\n7 10\n10 3\n2 3\n",
    "0 1\n1 5\n5 0\n",
    "900 7\n7 1000000\n1000000 900\n2 900\n",
]
OTHER = [
    "3 7\n7 ann\n10 3\n2 3\n",
    "03 7\n7 10\n10 3\n2 3\n",
    "3 7\n7 -10\n10 3\n2 3\n",
    "3 7\n7 1234567890123456\n10 3\n2 3\n",
    "3 7\n# between\n7 10\n10 3\n2 3\n",
    "3 7 1\n7 10 1-2\n10 3 4\n2 3 5\n",
    "3 7 1\n7 10\n10 3 4\n2 3 5\n",
    "3 7 nan\n7 10 1\n10 3 4\n2 3 5\n",
    "3 7 1\n7 10 1e999\n10 3 4\n2 3 5\n",
    "3.0 7 1\n7 10 1\n10 3 4\n2 3 5\n",
    "3,7\n7 10\n10,3\n2,3\n",
    "3,7,1\n7,,10\n10,3,2\n2,3,4\n",
    "3,7\n,7\n7,10,\n2,3\n",
    '"3" 7\n7 10\n10 3\n2 3\n',
    "3 7\r7 10\n10 3\n2 3\n",
    "a b\n3 7\n7 10\n10 3\n",
    "target source\n3 7\n7 10\n10 3\n",
    "0 1\n2 5\n5 3\n",
    "3\n7\n",
    "\n# nothing\n",
]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "graph.txt"
        path.write_bytes(text.encode())
        return path

    return write


def _read(path: Path, **given: Any) -> Any:
    try:
        reading = read_with_format(path, format="edges", k=2, **given)
    except so.SubsetOptError as error:
        return type(error), str(error)
    return reading.problem, reading.problem.names, reading.convention


@pytest.mark.parametrize("text", PLAIN)
@pytest.mark.parametrize("header", [None, True, False])
def test_plain_files_are_the_same(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[str], Path], text: str, header: bool | None
) -> None:
    slow = _read(write(text), header=header)
    monkeypatch.setattr(_whole_edges, "LARGE", 0)
    assert whole_edges(text.encode(), None) is not None
    assert _read(write(text), header=header) == slow


@pytest.mark.parametrize("text", OTHER)
def test_other_files_are_left_to_the_table(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[str], Path], text: str
) -> None:
    slow = _read(write(text))
    monkeypatch.setattr(_whole_edges, "LARGE", 0)
    assert whole_edges(text.encode(), None) is None
    assert _read(write(text)) == slow


@pytest.mark.parametrize("duplicates", ["refuse", "sum", "once"])
@pytest.mark.parametrize("text", ["1 2 3\n2 3 1\n2 1 3\n", "1 2 3\n2 3 1\n2 1 4\n"])
def test_pairs_that_occur_twice(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[str], Path], text: str, duplicates: str
) -> None:
    slow = _read(write(text), duplicates=duplicates)
    monkeypatch.setattr(_whole_edges, "LARGE", 0)
    assert _read(write(text), duplicates=duplicates) == slow


@pytest.mark.parametrize(
    "text",
    [
        "5 3\n1 2\n2 3\n5 1\n",
        "# rudy\n5 3\n0 2 1.5\n2 3 -1\n4 1 2\n",
        "5 3\n1 2\n2 3\n6 1\n",
        "5 3\n1 2\n2 1\n5 1\n",
        "5 4\n1 2\n2 3\n5 1\n",
    ],
)
def test_rudy_files_are_the_same(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[str], Path], text: str
) -> None:
    def read() -> Any:
        try:
            reading = read_with_format(write(text), format="rudy", k=2)
        except so.SubsetOptError as error:
            return type(error), str(error)
        return reading.problem, reading.problem.names, reading.convention

    slow = read()
    monkeypatch.setattr(_whole_edges, "LARGE", 0)
    assert read() == slow


def test_small_files_are_not_looked_at() -> None:
    assert whole_edges(b"1 2\n2 3\n", None) is None


def test_weights_are_read_to_the_last_bit(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[str], Path]
) -> None:
    monkeypatch.setattr(_whole_edges, "LARGE", 0)
    weights = np.random.default_rng(0).normal(size=50) * 10.0 ** np.arange(-25, 25)
    text = "".join(f"{i} {i + 1} {w!r}\n" for i, w in enumerate(weights.tolist(), start=2))
    found = whole_edges(text.encode(), None)
    assert found is not None
    assert found.weights.tolist() == weights.tolist()
