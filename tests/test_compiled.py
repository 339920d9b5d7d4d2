"""A cache of machine code that is damaged, or cannot be written, only costs the compiling."""

import gc
import importlib.util
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE
from typing import Any

import filelock
import numba
import pytest
from numba.core import caching

from subsetopt._announcing import Announcement
from subsetopt._kernels import _cache as compiled
from subsetopt._kernels import _compiling

CALLING = """
from subsetopt._kernels._cache import njit

from .called import f

@njit(cache=True)
def twice(x):
    return f(x) + f(x)
"""

CODE = """
from subsetopt._kernels._cache import njit

@njit(cache=True)
def twice(x):
    return x + x
"""


@pytest.fixture(autouse=True)
def _beside_the_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep machine code where Numba keeps it, wherever NUMBA_CACHE_DIR puts that of the others."""
    monkeypatch.setattr("numba.config.CACHE_DIR", "")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "planted.py"
    path.write_text(CODE)
    assert hits_of(path) == 0
    assert hits_of(path) == 1
    return path


def module_of(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("planted", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def hits_of(path: Path) -> int:
    """Return 1 if the cache has answered, in what is as good as a new process, else 0."""
    module = module_of(path)
    assert module.twice(21) == 42
    assert module.twice(0.25) == 0.5
    return int(sum(module.twice.stats.cache_hits.values()) > 0)


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 16]) + content[middle + 1 :]


def test_machine_code_is_loaded_without_the_compiler(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(CODE)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import planted\n"
        "assert planted.twice(21) == 42\n"
        "loaded = [name in sys.modules for name in ('numba.np.arraymath', 'scipy.linalg')]\n"
        "print(sum(planted.twice.stats.cache_hits.values()), *loaded)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    for said in ("0 True False\n", "1 False False\n"):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


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
    plain.write_text(CODE.replace("subsetopt._kernels._cache", "numba"))
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


def test_what_is_called_from_another_module_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "planted_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "calling.py").write_text(CALLING)
    monkeypatch.syspath_prepend(tmp_path)

    def called(body: str) -> tuple[int, int]:
        (package / "called.py").write_text(f"import numba\n@numba.njit\ndef f(x):\n    {body}\n")
        for name in [name for name in sys.modules if name.startswith("planted_package")]:
            monkeypatch.delitem(sys.modules, name)
        importlib.invalidate_caches()
        for cached in (compiled._imports, compiled._of_others):
            cached.cache_clear()
        twice = importlib.import_module("planted_package.calling").twice
        return twice(21), sum(twice.stats.cache_hits.values())

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert called("return x") == (42, 0)
    assert called("return x") == (42, 1)
    assert called("return x + 1") == (44, 0)


# -- several processes ----------------------------------------------------------------------------

PROCESS = """
import sys
sys.path.insert(0, sys.argv[1])
import planted
print("ready", flush=True)
sys.stdin.readline()
assert planted.twice(21) == 42
print(sum(planted.twice.stats.cache_misses.values()))
"""


def started(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PROCESS, str(folder)]
    return subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True)


def lock_of(kernel: Any) -> str:
    return f"{kernel._cache._cache_file._index_path}.lock"


def test_one_of_several_processes_compiles(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(CODE)
    processes = [started(tmp_path) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    # As another process that compiles it: while this one has the lock, all the others wait.
    with filelock.FileLock(lock_of(module_of(tmp_path / "planted.py").twice)):
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        assert processes[0].stderr is not None
        line = processes[0].stderr.readline()
        assert line == "subsetopt: waiting for another process that compiles the same kernels\n"
        assert not list((tmp_path / "__pycache__").glob("*.nbi"))
    misses = [int(process.communicate(timeout=120)[0]) for process in processes]
    assert sorted(misses) == [0, 0, 1]


def test_who_waits_too_long_compiles(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compiling, "SAID_AFTER", 0.01)
    monkeypatch.setattr(_compiling, "PATIENCE", 0.01)
    source.write_text(CODE.replace("x + x", "2 * x"))
    with filelock.FileLock(lock_of(module_of(source).twice)):
        assert hits_of(source) == 0


def test_a_failed_compilation_lets_others_go_on(tmp_path: Path) -> None:
    path = tmp_path / "planted.py"
    path.write_text(CODE.replace("x + x", "x.nothing"))
    twice = module_of(path).twice
    for _ in range(2):
        with pytest.raises(numba.TypingError):
            twice(21)
    with filelock.FileLock(lock_of(twice), timeout=0):
        pass


# -- what is said ---------------------------------------------------------------------------------


class AtOnce:
    """A timer for which no time passes."""

    def __init__(self, seconds: float, call: Callable[..., None], arguments: list[str]) -> None:
        self.daemon = True
        self.start = lambda: call(*arguments)

    def cancel(self) -> None:
        pass


def test_compiling_that_takes_long_is_said_once(
    source: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_compiling, "_ANNOUNCEMENT", Announcement(""))
    monkeypatch.setattr(_compiling, "OWN", "planted")
    monkeypatch.setattr(threading, "Timer", AtOnce)
    assert hits_of(source) == 1
    assert not caplog.messages
    for body in ("2 * x", "3 * x - x"):
        source.write_text(CODE.replace("x + x", body))
        assert hits_of(source) == 0
    assert caplog.messages == [f"subsetopt: {_compiling.ONCE}"]


def test_cycles_are_looked_for_when_the_kernel_is_compiled(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collecting = []
    source.write_text(CODE.replace("x + x", "2 * x"))
    monkeypatch.setattr(_compiling, "require", lambda kernel: collecting.append(gc.isenabled()))
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        try:
            assert hits_of(source) == 0
            assert gc.isenabled() == enabled
        finally:
            gc.enable()
        source.write_text(CODE.replace("x + x", "3 * x - x"))
    assert collecting
    assert not any(collecting)


# -- Ctrl-C ---------------------------------------------------------------------------------------


def test_ctrl_c_is_heard_when_the_kernel_is_compiled(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(key: str) -> None:
        signal.raise_signal(signal.SIGINT)

    source.write_text(CODE.replace("x + x", "2 * x"))
    monkeypatch.setattr(_compiling, "require", pressed)  # called where something is to be compiled
    twice = module_of(source).twice
    with pytest.raises(KeyboardInterrupt):
        twice(21)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert twice(21) == 42  # it is whole, and compiled already


def test_the_second_ctrl_c_is_heard_at_once(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = []

    def pressed(key: str) -> None:
        signal.raise_signal(signal.SIGINT)
        reached.append("after the first")
        signal.raise_signal(signal.SIGINT)
        reached.append("after the second")

    source.write_text(CODE.replace("x + x", "2 * x"))
    monkeypatch.setattr(_compiling, "require", pressed)
    with pytest.raises(KeyboardInterrupt):
        module_of(source).twice(21)
    assert reached == ["after the first"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_while_another_process_compiles(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.write_text(CODE.replace("x + x", "2 * x"))
    monkeypatch.setattr(_compiling, "_wait", lambda lock: signal.raise_signal(signal.SIGINT))
    twice = module_of(source).twice
    with filelock.FileLock(lock_of(twice)), pytest.raises(KeyboardInterrupt):
        twice(21)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert twice(21) == 42


# -- containers -----------------------------------------------------------------------------------


HOMELESS = """
import logging, sys
from numba.core import caching
def refuse(locator):
    raise PermissionError("read-only")
caching._CacheLocator.ensure_cache_path = refuse
from subsetopt import _warming as warming
results = warming.warm(list(warming.jobs())[:1], lambda result: None)
import subsetopt as so
assert so.select([1.0, 2.0, 4.0, 7.0], 2).size == 2
import subsetopt._kernels.rng
print(warming.kept())
"""


def test_no_home_and_nothing_that_can_be_written() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "HOME"}
    environment |= {"NUMBA_CACHE_DIR": ""}
    command = [sys.executable, "-c", HOMELESS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "False\n")
