"""Values read from files, and a clear word for every mistake."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subsetopt import InvalidFile, InvalidOption
from subsetopt.formats import read_values, write_indices

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        return path

    return write


def npy(array: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize(
    "array",
    [np.arange(5, dtype=np.float32), np.ones((3, 2)), np.asfortranarray(np.eye(3)), np.arange(3)],
)
def test_npy_keeps_dtype_and_shape(write: Write, array: NDArray[Any]) -> None:
    read = read_values(write("v.npy", npy(array)))
    assert read.dtype == array.dtype
    assert np.array_equal(read, array)


def test_npz_with_one_array_or_a_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", np.arange(3))
    assert read_values(tmp_path / "one.npz").tolist() == [0, 1, 2]
    np.savez_compressed(tmp_path / "two.npz", a=np.zeros(2), b=np.ones(2))
    assert read_values(f"{tmp_path}/two.npz:b").tolist() == [1, 1]
    with pytest.raises(InvalidFile, match=r"2 arrays \(a, b\); name one: .*two\.npz:a"):
        read_values(tmp_path / "two.npz")
    with pytest.raises(InvalidFile, match="no array 'c'; it holds: a, b"):
        read_values(f"{tmp_path}/two.npz:c")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1\n2.5\n-3e2\n", [1, 2.5, -300]),
        ("loss\n1\n2\n", [1, 2]),
        ('"loss"\n"1"\n"2"\n', [1, 2]),
        ("# written by hand\nloss\n1\n2\n\n\n", [1, 2]),
        ("\ufeffloss\r\n1\r\n2\r\n", [1, 2]),
        ("a,b\n1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("1, 2\n3, 4", [[1, 2], [3, 4]]),
        ("a;b\n1;2\n3;4\n", [[1, 2], [3, 4]]),
        ("1\t2\n3\t4\n", [[1, 2], [3, 4]]),
        ("first value\n  1.0\n  2.0\n", [1, 2]),
        ("1   2\n3 4\n", [[1, 2], [3, 4]]),
        ("7", [7]),
    ],
)
def test_text_in_its_usual_forms(write: Write, text: str, expected: list[Any]) -> None:
    assert read_values(write("v.csv", text)).tolist() == expected


def test_nan_is_left_to_the_problem(write: Write) -> None:
    assert np.isnan(read_values(write("v.csv", "1\nnan\n"))[1])


def test_floats_survive_text(write: Write) -> None:
    values = np.random.default_rng(0).normal(size=50)
    assert read_values(write("v.csv", "\n".join(map(repr, values.tolist())))).tolist() == list(
        values
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.csv", "", "v.csv: the file is empty"),
        ("v.csv", " \n \n", "v.csv: the file is empty"),
        ("v.csv", "loss\n", "header but no numbers"),
        ("v.csv", "1\n2\nthree\n", "v.csv: line 3: 'three' is not a number"),
        ("v.csv", "1,2\n3,x\n", "line 2: 'x' is not a number"),
        ("v.csv", "1.0,abc\n3,4\n", "line 1, '1.0,abc', may be a header or the"),
        ("v.csv", "1;2.5\n1,5;2.5\n", "line 2: '1,5' is not a number; write decimals with a point"),
        ("v.csv", "1,2\n3\n", "line 2 has 1 column, but line 1 has 2: '3'"),
        ("v.csv", "1,2\n3,\n", "line 2: a field is empty; write nan"),
        ("v.csv", "1\n\n2\n", "line 2 is blank"),
        ("v.csv", "a,,c\n1,2,3\n", "column 2 has no name on line 1"),
        ("v.csv", f"1\n{'y' * 100}\n", "y{37}\\.\\.\\.' is not a number"),
        ("v.csv", b"\xff\xfe1\x00", "byte 0 is not UTF-8"),
        ("v.npy", b"", "v.npy: the file is empty"),
        ("v.npy", "1\n2\n", "no .npy file"),
        ("v.npy", npy(np.arange(100.0))[:-8], "cut short"),
        ("v.npy", npy(np.arange(100.0))[:20], "cut short"),
        ("v.npy", npy(np.arange(4.0)).replace(b"(4,)", b"(10000000000000000000,)"), "damaged"),
        ("v.npy", npy(np.array([1, "a", None], dtype=object)), "pickled"),
        ("v.npz", b"", "v.npz: the file is empty"),
        ("v.npz", "PK nonsense", "no .npz file"),
        ("v.parquet", "x", r"suffix '\.parquet'; known are \.npy, \.npz, \.csv"),
        ("v", "x", "unknown suffix ''"),
    ],
)
def test_every_mistake_has_its_message(write: Write, name: str, content: Any, message: str) -> None:
    path = write(name, content)
    with pytest.raises(InvalidFile, match=message) as caught:
        read_values(path)
    assert str(path) in str(caught.value)


def test_missing_folder_and_unreadable(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidFile, match="no such file"):
        read_values(tmp_path / "none.npy")
    with pytest.raises(InvalidFile, match="no such file"):
        read_values(tmp_path / "none")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InvalidFile, match="must be a file; got a folder"):
        read_values(tmp_path / "folder.csv")
    with pytest.raises(InvalidFile, match="must be a file; got a folder"):
        read_values(tmp_path)
    path = write("v.csv", "1\n")

    def refuse(path: str, flags: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refuse)  # chmod does not stop root
    with pytest.raises(InvalidFile, match="cannot be read: Permission denied"):
        read_values(path)


def test_a_damaged_and_an_empty_npz(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "v.npz", a=np.arange(1000.0))
    content = bytearray((tmp_path / "v.npz").read_bytes())
    content[100:200] = bytes(100)
    (tmp_path / "v.npz").write_bytes(content)
    with pytest.raises(InvalidFile, match="damaged"):
        read_values(tmp_path / "v.npz")
    np.savez(tmp_path / "empty.npz")
    with pytest.raises(InvalidFile, match="no array"):
        read_values(tmp_path / "empty.npz")


@pytest.mark.parametrize("kind", ["npy", "npz", "csv"])
def test_standard_input_by_content(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    stream = io.BytesIO()
    values = np.array([1.0, 2.0])
    writers: dict[str, Any] = {"npy": np.save, "npz": np.savez, "csv": np.savetxt}
    writers[kind](stream, values)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stream.getvalue())))
    assert read_values("-").tolist() == [1, 2]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(InvalidFile, match="standard input: the file is empty"):
        read_values("-")


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".txt"])
def test_indices_written_are_read_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"chosen{suffix}"
    write_indices(np.array([1, 5, 7]), path)
    assert read_values(path).tolist() == [1, 5, 7]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_indices_of_an_unknown_suffix(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match=r"\.npy, \.csv, \.txt"):
        write_indices(np.array([1]), tmp_path / "chosen.json")
