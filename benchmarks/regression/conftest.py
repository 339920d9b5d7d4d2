"""What the benchmarks share: one thread, and a warm-up that is never timed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from subsetopt._machine import Machine, packages

from . import Timed


def pytest_configure(config: pytest.Config) -> None:
    """Say at once that there is nothing to compare with."""
    wanted = config.getoption("benchmark_compare")
    folder = Path(str(config.getoption("benchmark_storage")).removeprefix("file://"))
    if wanted is True and not any(folder.rglob("*.json")):
        raise pytest.UsageError(
            f"{folder} holds no earlier run; save one by pytest benchmarks/regression "
            "--benchmark-autosave"
        )


def pytest_benchmark_generate_machine_info() -> dict[str, Any]:
    """Describe what has to be the same in runs that are compared."""
    machine = Machine.here()
    return {"cpu": machine.cpu, "cores": machine.cores, "system": machine.system}


def pytest_benchmark_compare_machine_info(
    machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
) -> None:
    """Refuse a run on another machine."""
    other = compared_benchmark["machine_info"]
    if other != machine_info:
        raise pytest.UsageError(f"the earlier run is of {other}, this one of {machine_info}")


def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    """Add the versions, which may differ: that may be what is compared."""
    machine = Machine.here()
    own = {"subsetopt": machine.subsetopt, "numpy": machine.numpy, "python": machine.python}
    output_json["versions"] = own | packages(["swap"])


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Keep matrix products on one thread, so that idle cores make no difference."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


@pytest.fixture
def timed(benchmark: BenchmarkFixture) -> Timed:
    """Call once for compilation and caches, then time; return the answer of the first call."""

    def run(call: Callable[[], Any]) -> Any:
        answer = call()
        benchmark(call)
        return answer

    return run
