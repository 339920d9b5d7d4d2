"""What never ends, never begins, or unpacks to more than there is."""

import bz2
import gzip
import io
import lzma
import os
import socket
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import subsetopt as so
from subsetopt.formats import _array_files, _sources, read_values
from subsetopt.problems import _memory

LIMIT = 2**18
"""Bytes of content; of an array four times as many."""


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (_sources, _array_files):
        monkeypatch.setattr(module, "memory_limit", lambda: 4 * LIMIT)
    monkeypatch.setattr(_sources, "_PIECE", 2**12)


@pytest.mark.parametrize("read", [read_values, so.read_problem])
def test_pipes_and_devices_are_not_waited_for(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(so.InvalidFile, match=r"pipe\.npy: this is a named pipe, .*give '-'"):
        read(tmp_path / "pipe.npy")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.npz"))
        with pytest.raises(so.InvalidFile, match="cannot be read"):
            read(tmp_path / "s.npz")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    with pytest.raises(so.InvalidFile, match="this is a device, not a file"):
        read(tmp_path / "zero.csv")


def test_what_is_open_already_is_read(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    try:
        os.write(writing, b"1\n2\n3\n")
        os.close(writing)
        assert read_values(f"/dev/fd/{reading}").tolist() == [1.0, 2.0, 3.0]
    finally:
        os.close(reading)
    np.save(tmp_path / "a.npy", np.arange(3))
    with (tmp_path / "a.npy").open("rb") as stream:
        assert read_values(f"/proc/self/fd/{stream.fileno()}").tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["a\0b", "a" * 5000, "a" * 300 + ".npy"])
def test_names_that_no_file_can_have(name: str) -> None:
    for read in (read_values, so.read_problem):
        with pytest.raises(so.InvalidFile):
            read(name)


def test_standard_input_without_end_or_closed(
    little_memory: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open("/dev/zero", encoding="utf-8") as zeros:
        monkeypatch.setattr(sys, "stdin", zeros)
        with pytest.raises(so.InvalidFile, match="standard input: has more than 256 KiB, the lim"):
            read_values("-")
    with pytest.raises(so.InvalidFile, match="standard input is closed"):
        read_values("-")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(so.InvalidFile, match="standard input is closed"):
        so.read_problem("-")


def test_out_of_memory_is_an_error_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise MemoryError

    monkeypatch.setattr(_sources, "BytesIO", Full)
    with pytest.raises(so.InvalidFile, match="a: out of memory after 0 bytes"):
        _sources.limited(io.BytesIO(b"1\n"), "a")


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("packer", PACKERS)
def test_what_unpacks_to_too_much(packer: str, tmp_path: Path, little_memory: None) -> None:
    bomb = PACKERS[packer](bytes(8 * LIMIT))
    assert len(bomb) < LIMIT / 50
    (tmp_path / "a").write_bytes(bomb)
    with pytest.raises(so.InvalidFile, match="a: unpacks to more than 256 KiB, the limit"):
        so.read_problem(tmp_path / "a")
    (tmp_path / "a").write_bytes(PACKERS[packer](bomb))  # one in another is binary data
    with pytest.raises(so.InvalidFile, match=r"binary|known"):
        so.read_problem(tmp_path / "a")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, little_memory: None) -> None:
    with (tmp_path / "a.csv").open("wb") as stream:
        stream.truncate(2**40)  # a hole
    for read in (read_values, so.read_problem):
        with pytest.raises(so.InvalidFile, match=r"a\.csv: has more than 256 KiB"):
            read(tmp_path / "a.csv")


def test_archives_that_say_too_much(
    tmp_path: Path, little_memory: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo("holes")
        entry.size = 512
        entry.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.realsize": str(2**60),
            "GNU.sparse.name": "holes",
        }
        tar.addfile(entry, io.BytesIO(b"0\n".ljust(512, b"\0")))
    (tmp_path / "a.tar").write_bytes(stream.getvalue())
    with pytest.raises(so.InvalidFile, match="more than can be read"):
        so.read_problem(tmp_path / "a.tar")
    monkeypatch.setattr(_sources, "_MOST_MEMBERS", 3)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for number in range(5):
            tar.addfile(tarfile.TarInfo(f"{number}"))
    (tmp_path / "a.tar").write_bytes(stream.getvalue())
    with pytest.raises(so.InvalidFile, match="more than 3 members"):
        so.read_problem(tmp_path / "a.tar")


def test_packed_arrays(tmp_path: Path, little_memory: None) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(LIMIT))
    assert (tmp_path / "a.npz").stat().st_size < LIMIT / 50
    with pytest.raises(so.InvalidFile, match=r"a\.npz:a: unpacks to 2 MiB, above the limit of 256"):
        read_values(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", a=np.zeros(LIMIT))
    with pytest.raises(so.InvalidFile, match=r"a\.npz:a: holds 2 MiB, above the limit of 1 MiB"):
        read_values(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", a=np.zeros(100_000))  # unpacked ones may take more
    assert read_values(tmp_path / "a.npz").size == 100_000
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.npy", bytes(8 * LIMIT))
    with pytest.raises(so.InvalidFile, match="packed in a way that NumPy does not"):
        read_values(tmp_path / "a.npz")


def header(text: str, version: bytes = b"\1\0") -> bytes:
    size = len(text).to_bytes(2 if version == b"\1\0" else 4, "little")
    return b"\x93NUMPY" + version + size + text.encode()


def shaped(dtype: str, shape: str) -> str:
    return f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header("[" * 9000), r"damaged or cut short \(EOF in multi-line statement\)"),
        (header("-" * 9000 + "1"), "damaged"),
        (header("(" * 60_000), "damaged"),
        (header("[" * 200_000, b"\2\0"), "damaged"),
        (header(shaped("<f8", f"({2**62},)")), "the file less"),
        (header(shaped("<f8", f"({2**40}, {2**40})")), "the file less"),
        (header(shaped("<f8", "(-1,)")) + bytes(80), "its shape is"),
        (header(shaped("|V0", f"({2**60},)")), "the file less"),
        (header(shaped("|O", "(1,)")), "pickled Python objects"),
        (header(shaped("<f8", "(1,)"), b"\3\0"), "named columns"),
        (header(shaped("<f8", "(1,)"), b"\x09\0"), "damaged"),
        (header(shaped("<f8", "1")), "damaged"),
        (header("{'descr': '<f8'}"), "damaged"),
    ],
)
def test_headers_that_promise_too_much(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    with pytest.raises(so.InvalidFile, match=message) as caught:
        read_values(path)
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


def test_the_limit_of_addresses_is_memory_too(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (2**40, 2**40))
    used = 2**40 - min(_memory._left_of_addresses(Path("/")))
    assert 2**20 < used < 2**39
    monkeypatch.setattr(resource, "getrlimit", lambda which: (used, used))
    assert _memory.available_memory() < 2**30
