"""A cache of machine code that is damaged, or cannot be written, only costs the compiling."""

import importlib.util
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from numba.core import caching

CODE = """
from subsetopt.compiled import njit

@njit(cache=True)
def twice(x):
    return x + x
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "planted.py"
    path.write_text(CODE)
    assert hits_of(path) == 0
    assert hits_of(path) == 1
    return path


def hits_of(path: Path) -> int:
    """Return 1 if the cache has answered, in what is as good as a new process, else 0."""
    spec = importlib.util.spec_from_file_location("planted", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.twice(21) == 42
    assert module.twice(0.25) == 0.5
    return int(sum(module.twice.stats.cache_hits.values()) > 0)


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 16]) + content[middle + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut short": lambda content: content[: len(content) // 2],
    "a byte less": lambda content: content[:-1],
    "garbage": lambda content: b"\xff" * len(content),
    "a bit": flipped,
    "a pickle": lambda content: pickle.dumps([1, 2]),
}


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_made_anew(source: Path, suffix: str, damage: str) -> None:
    files = sorted((source.parent / "__pycache__").glob(f"*.{suffix}"))
    assert files
    for path in files:
        path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert hits_of(source) == 0
    assert hits_of(source) == 1


def test_files_that_are_swapped_are_not_taken(source: Path) -> None:
    one, other = sorted((source.parent / "__pycache__").glob("*.nbc"))
    whole = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(whole)
    assert hits_of(source) == 0
    assert hits_of(source) == 1


def test_a_folder_in_place_of_a_file(source: Path) -> None:
    for path in (source.parent / "__pycache__").glob("*.nb?"):
        path.unlink()
        path.mkdir()
    assert hits_of(source) == 0


def test_what_numba_wrote_itself_is_replaced(source: Path) -> None:
    plain = source.with_name("plain.py")
    plain.write_text(CODE.replace("subsetopt.compiled", "numba"))
    assert hits_of(plain) == 0
    plain.write_text(CODE)
    assert hits_of(plain) == 0
    assert hits_of(plain) == 1


def no_folder(locator: object) -> None:
    raise PermissionError("planted")


def test_no_folder_that_can_be_written(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", no_folder)
    assert hits_of(source) == 1  # what is there is read
    source.write_text(CODE.replace("x + x", "2 * x"))
    assert hits_of(source) == 0
    assert hits_of(source) == 0


def test_a_full_disk(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source.write_text(CODE.replace("x + x", "2 * x"))

    def full(self: Any, path: str) -> Any:
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(caching.IndexDataCacheFile, "_open_for_write", full)
    assert hits_of(source) == 0
    assert hits_of(source) == 0


def test_a_function_without_a_file() -> None:
    space: dict[str, Any] = {}
    exec(compile(CODE, "<nowhere>", "exec"), space)
    assert space["twice"](21) == 42
