"""Packed files, archives and standard input."""

import bz2
import gzip
import io
import lzma
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import subsetopt as so

TEXT = b"3 2\n0 1 1\n0 2 2\n1 2 3\n"
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
}


def archive(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, content in members.items():
            entry = tarfile.TarInfo(f"folder/{name}.txt")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def problem(tmp_path: Path) -> so.QuadraticSelection:
    (tmp_path / "plain.txt").write_bytes(TEXT)
    return so.read_problem(tmp_path / "plain.txt")


@pytest.mark.parametrize("suffix", PACKERS)
def test_packed_whatever_they_are_called(
    tmp_path: Path, suffix: str, problem: so.QuadraticSelection
) -> None:
    for name in (f"a.txt.{suffix}", "a"):
        (tmp_path / name).write_bytes(PACKERS[suffix](TEXT))
        assert so.read_problem(tmp_path / name) == problem


@pytest.mark.parametrize("suffix", ["", *PACKERS])
def test_archives(tmp_path: Path, suffix: str, problem: so.QuadraticSelection) -> None:
    path = tmp_path / f"a.tar.{suffix}"
    content = archive(one=TEXT, two=gzip.compress(TEXT.replace(b"3 2", b"3 1")))
    path.write_bytes(PACKERS.get(suffix, bytes)(content))
    assert so.read_problem(f"{path}:folder/one.txt") == problem
    assert so.read_problem(f"{path}:folder/two.txt").k == 1
    with pytest.raises(so.InvalidFile, match=r"2 files \(folder/one.txt, .*name one: .*one.txt"):
        so.read_problem(path)
    with pytest.raises(so.InvalidFile, match=r"no file 'one.txt'; it holds: folder/one.txt"):
        so.read_problem(f"{path}:one.txt")
    path.write_bytes(archive(one=TEXT))
    assert so.read_problem(path) == problem


def test_a_long_list_of_members_is_shortened(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(archive(**{f"m{i}": TEXT for i in range(9)}))
    with pytest.raises(so.InvalidFile, match=r"m4.txt and 4 more\); name one"):
        so.read_problem(path)
    with pytest.raises(so.InvalidFile, match=r"no file 'zzz'; .*m4.txt and 4 more$"):
        so.read_problem(f"{path}:zzz")


def test_errors_inside_archives_name_the_member(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(archive(one=TEXT + b"x\n"))
    with pytest.raises(so.InvalidFile, match=r"a\.tar:folder/one\.txt: line 5"):
        so.read_problem(path)


@pytest.mark.parametrize("suffix", PACKERS)
def test_damaged_data(tmp_path: Path, suffix: str) -> None:
    whole = PACKERS[suffix](TEXT * 50)
    middle = len(whole) // 2
    for content in (whole[:middle], whole[:middle] + b"\x55\xaa" + whole[middle + 2 :]):
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(so.InvalidFile, match="damaged or cut short"):
            so.read_problem(tmp_path / "a")


def test_a_damaged_archive(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(archive(one=TEXT * 99)[:1536])
    with pytest.raises(so.InvalidFile, match="archive is damaged or cut short"):
        so.read_problem(tmp_path / "a.tar")
    stream = io.BytesIO()
    tarfile.open(fileobj=stream, mode="w").close()
    (tmp_path / "a.tar").write_bytes(stream.getvalue())
    with pytest.raises(so.InvalidFile, match="binary data"):
        so.read_problem(tmp_path / "a.tar")
    (tmp_path / "a.tar").write_bytes(archive())
    with pytest.raises(so.InvalidFile, match="holds no file"):
        so.read_problem(tmp_path / "a.tar")


def test_files_that_are_none(tmp_path: Path, problem: so.QuadraticSelection) -> None:
    with pytest.raises(so.InvalidFile, match="there is no such file"):
        so.read_problem(tmp_path / "none.txt")
    with pytest.raises(so.InvalidFile, match="no such file"):
        so.read_problem(f"{tmp_path}/none.tar:member")
    with pytest.raises(so.InvalidFile, match="a folder"):
        so.read_problem(tmp_path)
    with pytest.raises(so.InvalidFile, match="not an archive; leave out ':member'"):
        so.read_problem(f"{tmp_path}/plain.txt:member")
    (tmp_path / "with:colon").write_bytes(TEXT)
    assert so.read_problem(f"{tmp_path}/with:colon") == problem
    with pytest.raises(so.InvalidFile, match=r"only \.npz files hold several"):
        so.formats.read_values(f"{tmp_path}/plain.txt:member")


def test_standard_input(monkeypatch: pytest.MonkeyPatch, problem: so.QuadraticSelection) -> None:
    matrix = io.BytesIO()
    np.save(matrix, np.eye(2))
    for content in (TEXT, gzip.compress(TEXT), lzma.compress(archive(one=TEXT))):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert so.read_problem("-") == problem
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(matrix.getvalue())))
    assert so.read_problem("-", k=1).n == 2


def test_a_python_that_lacks_a_packer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.xz").write_bytes(lzma.compress(TEXT))
    monkeypatch.setitem(sys.modules, "lzma", None)
    with pytest.raises(so.InvalidFile, match="built without lzma"):
        so.read_problem(tmp_path / "a.xz")
