"""What the two passes of `coreset` take by each engine, with one worker and with several.

``python -m benchmarks.scripts.coreset_engines`` prints a row for each engine and number of workers:
the seconds of wall and of processors (this process and its workers) that the first pass and the
second take, and how many times as fast the second is as with one worker. Rows are read from a
Parquet file that the script makes. The least of several passes counts. "idle" is the time of
processors of this process and of the busiest worker, which a pass would take at most on a machine
where nothing else runs. The workers of the local engine are threads of one process.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import psutil

from subsetopt._dependencies import OptionalDependency
from subsetopt.coresets._kernel_means import kernel_means
from subsetopt.coresets._reading_engines import LocalEngine, ReadingEngine, engine_of
from subsetopt.coresets._row_blocks import Source
from subsetopt.coresets._row_keys import RowKeys
from subsetopt.coresets._source_kinds import source_of
from subsetopt.coresets._surveying import survey
from subsetopt.problems import Gaussian
from subsetopt.problems._parallel import no_callback
from subsetopt.problems.scaling import Scaling

from .coreset_of_files import written
from .script import Row, parser, report, report_machine

DASK = OptionalDependency("distributed", "distributed", extra="distributed")
RAY = OptionalDependency("ray", "ray", extra="ray")


@contextmanager
def local(workers: int) -> Iterator[ReadingEngine]:
    """Give the engine of one process with so many threads."""

    class Threads(LocalEngine):
        def threads(self, wanted: int | None) -> int:
            return workers

    yield Threads()


@contextmanager
def dask(workers: int) -> Iterator[ReadingEngine]:
    """Give the engine on so many processes of Dask, each of one thread."""
    made = DASK.load().LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=50
    )
    with made, made.get_client() as client, engine_of("dask", client) as engine:
        yield engine


@contextmanager
def ray(workers: int) -> Iterator[ReadingEngine]:
    """Give the engine on so many processes of Ray; only one Ray is in a process at a time."""
    module = RAY.load()
    module.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    try:
        with engine_of("ray", None) as engine:
            yield engine
    finally:
        module.shutdown()


Opening = Callable[[int], Any]
ENGINES: dict[str, Opening] = {"local": local, "dask": dask, "ray": ray}


def processor_seconds() -> dict[int, float]:
    """Return what this process and each that it has started have used of the processors."""
    here = psutil.Process(os.getpid())
    used = {}
    for process in [here, *here.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used[process.pid] = times.user + times.system
    return used


def passes(engine: ReadingEngine, source: Source, points: int) -> Row:
    """Return the seconds of both passes."""
    keys = RowKeys(0)
    row: Row = {}
    for name in ("survey", "means"):
        start, used = perf_counter(), processor_seconds()
        if name == "survey":
            seen = survey(source, points, keys, no_callback, engine).result()
        else:
            unscaled = Scaling.of(seen.X, "none")
            kernel = Gaussian(float(np.sqrt(2 * seen.X.shape[1])))
            kernel_means(kernel, seen.X, source, unscaled, None, no_callback, seen.n, engine)
        row[f"{name}, wall s"] = perf_counter() - start
        now = processor_seconds()
        spent = {process: now[process] - used.get(process, 0.0) for process in now}
        row[f"{name}, processor s"] = sum(spent.values())
        here = spent.pop(os.getpid())
        # What it would take where nothing else runs and this process works before all others.
        if spent:
            row[f"{name}, idle s"] = here + max(spent.values())
    return row


def rows_of(
    name: str, path: Path, points: int, workers: Sequence[int], turns: int
) -> Iterator[Row]:
    """Yield a row for each number of workers."""
    first: Row = {}
    for count in workers:
        with ENGINES[name](count) as engine:
            passes(engine, source_of(str(path)), points)  # loads and compiles what it takes
            seen = [passes(engine, source_of(str(path)), points) for _ in range(turns)]
        least = {key: min(row[key] for row in seen) for key in seen[0]}
        first = first or least
        faster = {
            f"times as fast, {what}": first[f"means, {what} s"] / least[f"means, {what} s"]
            for what in ("wall", "idle")
            if f"means, {what} s" in least
        }
        yield {"engine": name, "workers": count} | least | faster


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each engine."""
    made = parser(__doc__)
    made.add_argument("--rows", type=int, default=1_000_000)
    made.add_argument("--columns", type=int, default=16)
    made.add_argument("--points", type=int, default=8192, help="the pool and the witnesses")
    made.add_argument("--engines", nargs="*", default=list(ENGINES), choices=list(ENGINES))
    made.add_argument("--workers", nargs="*", type=int, default=[1, 2])
    made.add_argument("--turns", type=int, default=3)
    given = made.parse_args(arguments)
    report_machine(given)
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), given.rows, given.columns, "float32")
        for name in given.engines:
            rows = rows_of(name, path, given.points, given.workers, given.turns)
            report(given, rows, f"{given.rows} x {given.columns}, {given.points} points")


if __name__ == "__main__":
    main()
