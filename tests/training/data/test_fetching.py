"""Originals by checksum, from a server on this machine."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from subsetopt.errors import InvalidFile, InvalidOption, MissingDependency

pytest.importorskip("torch")
pytest.importorskip("pooch")

from subsetopt._dependencies import OptionalDependency
from subsetopt.training.data import _fetching
from subsetopt.training.data._fetching import ORIGINALS, Original, fetch


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "*")
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "file.bin").write_bytes(b"samples")
    handler = partial(_Quiet, directory=str(tmp_path / "public"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def known(monkeypatch: pytest.MonkeyPatch, url: str, content: bytes) -> None:
    original = Original("set", "file.bin", url, hashlib.md5(content).hexdigest())
    monkeypatch.setitem(ORIGINALS, "set", (original,))


def test_what_is_missing_is_fetched(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, address, b"samples")
    fetch(tmp_path / "new", "set")
    assert (tmp_path / "new/set/file.bin").read_bytes() == b"samples"
    (tmp_path / "old").mkdir()
    (tmp_path / "old/file.bin").write_bytes(b"packed otherwise")
    fetch(tmp_path / "old", "set")
    assert not (tmp_path / "old/set").exists()


def test_another_file_than_the_published_one(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, address, b"other samples")
    with pytest.raises(InvalidFile, match=r"file\.bin could not be fetched from http.*hash"):
        fetch(tmp_path / "new", "set")
    assert not (tmp_path / "new/set/file.bin").exists()


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    known(monkeypatch, "http://127.0.0.1:9/", b"samples")
    with pytest.raises(
        InvalidFile, match=r"http://127\.0\.0\.1:9/file\.bin .* put it into .*--data"
    ):
        fetch(tmp_path, "set")
    with pytest.raises(InvalidOption, match="'imagenet' cannot be fetched; mnist, fashion,"):
        fetch(tmp_path, "imagenet")


def test_no_pooch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        _fetching, "POOCH", OptionalDependency("pooch", "no_such_pooch", extra="train")
    )
    with pytest.raises(MissingDependency, match=r"pip install 'subsetopt\[train\]'"):
        fetch(tmp_path, "svhn")


def test_nothing_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, subsetopt.training.augmentation._randaugment; "
        "import subsetopt.training.tasks as t; [t.task(name) for name in t.TASKS]; "
        "unwanted = {'pooch', 'sklearn', 'PIL', 'torchvision', 'pandas', 'kornia'}; "
        "assert not unwanted & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
