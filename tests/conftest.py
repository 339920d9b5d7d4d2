"""What all tests share: one thread, Ctrl-C, GPUs, and results and solvers that are planted.

Nothing heavy is imported here: a single test starts as fast as what it tests.
"""

import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

# Read when NumPy and torch are loaded, here and in every process that a test starts: the workers of
# pytest-xdist share the cores, and threads that wait for each other keep them busy. Sums are also
# rounded alike everywhere. Tests of several threads ask for them.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

# GNU readline, which pytest loads, sets it for the workers of pytest-xdist: a width nobody chose.
os.environ.pop("COLUMNS", None)

PLANTED = Path(__file__).parent / "benchmarks" / "planted"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no cycles among a million objects that all stay, neither now nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests that need a card where there is none."""
    theirs = [item for item in items if item.get_closest_marker("cuda")]
    if theirs and not _has_gpu():
        for item in theirs:
            item.add_marker(pytest.mark.skip(reason="torch sees no GPU"))


def _has_gpu() -> bool:
    import torch  # whoever needs a card has it

    return torch.cuda.is_available()


@pytest.fixture
def no_waiting() -> Callable[[], AbstractContextManager[None]]:
    """Return what lets nothing wait for the GPU within its ``with`` statement."""
    return _no_waiting


@contextmanager
def _no_waiting() -> Iterator[None]:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the mode is a prototype
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> Iterator[None]:
    """Let processes that are started hear Ctrl-C and SIGHUP, even where the tests do not."""
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    hangup = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which nohup ignores
    yield
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGHUP, hangup)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Take back the threads that a training within this process has given to torch."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@pytest.fixture(scope="module")
def fork_servers() -> Iterator[None]:
    """Keep the processes that runs are forked from for the next test: all runs begin alike."""
    from subsetopt.benchmarks.measuring._fork_client import POOL

    def close_busy() -> None:
        for client in set(POOL._all) - set(POOL._idle):
            client.close()

    POOL.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(POOL, "close", close_busy)
        yield
    POOL.close()


@pytest.fixture(scope="module")
def planted_solvers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Install the distribution of misbehaving solvers, here and in the processes of runs."""
    from subsetopt._entry_points import registered
    from subsetopt.solvers import catalogue

    caches = (registered, catalogue.names, catalogue.solver_class)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PLANTED))
        patch.setenv("PYTHONPATH", str(PLANTED))
        for cached in caches:
            cached.cache_clear()
        request.getfixturevalue("fork_servers")  # none that has never heard of them
        yield
    for cached in caches:
        cached.cache_clear()


@pytest.fixture
def planted_results() -> Callable[..., Any]:
    """Return a function that makes results as if measured: sizes, families, solvers, ..."""
    from .planted_results import results  # type: ignore[import-not-found]

    made: Callable[..., Any] = results
    return made


@pytest.fixture
def keep_results() -> Callable[[Any, Path], Path]:
    """Return a function that writes results to a folder as a comparison leaves them."""
    from .planted_results import keep

    kept: Callable[[Any, Path], Path] = keep
    return kept


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[Any]:
    """Return Ray, with two workers on this machine."""
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=100 * 2**20,
        logging_level="error",
        log_to_driver=False,
    )
    yield ray
    ray.shutdown()
