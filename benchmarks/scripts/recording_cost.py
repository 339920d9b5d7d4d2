"""Cost of recording forward passes, and how fast the records are read.

``python -m benchmarks.scripts.recording_cost`` measures on one core: records appended a second,
written to the disk in the end; what a recording hook adds to the forward pass of a served model,
passes with and without it taking turns, medians of the differences between neighbours; seconds and
memory until the latest losses of ids are known, compared with DuckDB on the same files, each in a
process of its own; and the microseconds of one lookup. ``--parts`` names what to measure.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, sleep, thread_time
from typing import Any

import numpy as np

from subsetopt._dependencies import OptionalDependency
from subsetopt.records import LabelWriter, LatestLosses, Layout, RecordStore, RecordWriter

from .script import Row, parser, report, report_machine

PARTS = ("append", "serving", "latest", "lookup")
BATCH = 1024
APPENDED = 2_000_000
"""Records a second that one process is to take in, at least."""
OVERHEAD, MICROSECONDS = 0.02, 50.0
"""What a hook may add to a forward pass: of its seconds, and on the thread that serves."""


# -- appending -------------------------------------------------------------------------------------


def appending(folder: Path, records: int) -> list[Row]:
    """Return records a second, for records of several widths."""
    rows = []
    for name, layout in (
        ("losses", Layout()),
        ("losses and 8 features", Layout(features=8)),
        ("10 outputs", Layout(outputs=10)),
    ):
        drawn = np.random.default_rng(0)
        ids = drawn.integers(0, 10**7, (64, BATCH))
        losses = drawn.exponential(size=(64, BATCH)).astype(np.float32)
        wide: dict[str, Any] = {
            field: drawn.normal(size=(BATCH, width)).astype(np.float32)
            for field, width in (("outputs", layout.outputs), ("features", layout.features))
            if width
        }
        batches = records // BATCH
        wall, cpu = perf_counter(), process_time()
        with RecordWriter(folder / name.replace(" ", "-"), "one", layout=layout) as writer:
            for number in range(batches):
                known = None if layout.outputs else losses[number % 64]
                writer.append(ids[number % 64], known, model="v1", **wide)
        wall, cpu = perf_counter() - wall, process_time() - cpu
        size = RecordStore(folder / name.replace(" ", "-")).info().bytes
        rows.append(
            {
                "record": name,
                "records": batches * BATCH,
                "per_second": batches * BATCH / wall,
                "per_cpu_second": batches * BATCH / cpu,
                "bytes_each": size / (batches * BATCH),
                "bar": APPENDED,
                "within": batches * BATCH / wall >= APPENDED,
            }
        )
    return rows


# -- serving ---------------------------------------------------------------------------------------


class Serving:
    """A module that serves with and without a hook, pass by pass."""

    def __init__(self, torch: Any, module: Any, x: Any, folder: Path, classes: int, late: bool):
        from subsetopt.torch._serving import recording

        self.torch, self.module, self.x = torch, module.eval(), x
        self.ids = np.arange(len(x))
        self.labels = None if late else torch.zeros(len(x), dtype=torch.int64)
        layout = Layout(outputs=classes if late else 0)
        self.writer = RecordWriter(folder, "one", layout=layout, full="drop")
        self.hook = recording(module, self.writer, model="v1", capacity=1024)
        self._handle = self.hook._handle
        self._hooks = dict(module._forward_hooks)

    def plain(self) -> None:
        """Pass the batch without a hook."""
        self.module._forward_hooks.clear()
        self.module(self.x)

    def recorded(self) -> None:
        """Pass the batch and record it."""
        self.module._forward_hooks.update(self._hooks)
        with self.hook.batch(self.ids, self.labels):
            self.module(self.x)

    def close(self) -> None:
        """End the hook and the writer."""
        self.hook.close()
        self.writer.close()


def passes(name: str, served: Serving, rounds: int, pause: float) -> Row:
    """Return what the hook adds to a pass, on the thread that serves and on the others."""
    turns = (served.plain, served.recorded)
    seconds: dict[Callable[[], None], list[tuple[float, float]]] = {turn: [] for turn in turns}
    with served.torch.inference_mode():
        for turn in turns * 5:
            turn()
        served.hook.flush()  # what is loaded for the first segment is loaded now
        all_before, own_before = process_time(), thread_time()
        for number in range(rounds):
            for turn in turns if number % 2 else reversed(turns):
                cpu, wall = thread_time(), perf_counter()
                turn()
                seconds[turn].append((perf_counter() - wall, thread_time() - cpu))
            if pause and not number % 20:  # as many as the queue holds would come otherwise
                sleep(20 * pause)
        served.hook.flush()
        others = (process_time() - all_before) - (thread_time() - own_before)
    pairs = list(zip(seconds[served.recorded], seconds[served.plain], strict=True))
    added = np.array([[a[p] - b[p] for p in range(2)] for a, b in pairs]) * 1e6
    forward = 1e6 * median(b[0] for _, b in pairs)
    low, wall, high = np.quantile(added[:, 0], (0.25, 0.5, 0.75)).tolist()
    counts = served.hook.counts
    assert counts.batches == rounds + 5, counts
    return {
        "pass": name,
        "forward_us": forward,
        "added_us": wall,
        "quartiles_us": f"{low:.3g}..{high:.3g}",
        "added_cpu_us": float(np.median(added[:, 1])),
        "over_forward": wall / forward,
        "other_threads_us": 1e6 * others / rounds,
    }


def serving(folder: Path, rounds: int, pause: float) -> list[Row]:
    """Return what the hook adds to ResNet-18, and to modules that do nothing."""
    torch: Any = OptionalDependency("torch", "torch", extra="torch").load()
    from subsetopt.training.networks._architectures import resnet18

    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = []
    numbers = count()
    for name, module, x, classes, often in (
        ("nothing, 32 x 10", torch.nn.Identity(), torch.randn(32, 10), 10, 100 * rounds),
        ("nothing, 32 x 1000", torch.nn.Identity(), torch.randn(32, 1000), 1000, 100 * rounds),
        ("ResNet-18, 4 images", resnet18(), torch.randn(4, 3, 32, 32), 10, 10 * rounds),
    ):
        for late in (False, True):
            served = Serving(torch, module, x, folder / str(next(numbers)), classes, late)
            what = "labels later" if late else "labels known"
            row = passes(f"{name}, {what}", served, often, pause)
            served.close()
            nothing = isinstance(module, torch.nn.Identity)
            within = row["added_us"] <= MICROSECONDS if nothing else row["over_forward"] <= OVERHEAD
            rows.append({**row, "within": within})
    return rows


# -- reading ---------------------------------------------------------------------------------------


def generate(folder: Path, records: int, population: int) -> None:
    """Record losses of ids drawn from a population, by two writers in turns; no two times alike."""
    drawn = np.random.default_rng(0)
    start, step = 1_700_000_000 * 10**6, 1 << 20
    writers = [
        RecordWriter(folder, name, flush_records=step, durable=False) for name in ("one", "two")
    ]
    for number, first in enumerate(range(0, records, step)):
        size = min(step, records - first)
        losses = drawn.exponential(size=size).astype(np.float32)
        losses[drawn.random(size) < 0.01] = np.nan
        times = (start + np.arange(first, first + size)).astype("datetime64[us]")
        writers[number % 2].append(
            drawn.integers(0, population, size), losses, model=f"v{number % 5}", time=times
        )
    for writer in writers:
        writer.close()


def by_latest(folder: Path, ids: Any) -> tuple[Any, Row]:
    """Return the latest loss of each id."""
    begun = perf_counter()
    latest = LatestLosses(RecordStore(folder), only=ids)
    latest.refresh()
    found = latest.lookup(ids).losses
    return found, {"seconds": perf_counter() - begun}


def by_duckdb(folder: Path, ids: Any) -> tuple[Any, Row]:
    """Return the latest loss of each id as DuckDB finds it."""
    duckdb: Any = OptionalDependency("duckdb", "duckdb", extra="dev").load()
    arrow: Any = OptionalDependency("pyarrow", "pyarrow", extra="records").load()
    begun = perf_counter()
    with duckdb.connect() as database:
        database.execute("SET threads = 1")
        database.register("wanted", arrow.table({"id": ids}))
        rows = database.execute(
            "SELECT r.id, arg_max(r.loss, r.time) AS loss FROM read_parquet(?) r "
            "SEMI JOIN wanted w ON r.id = w.id WHERE r.loss IS NOT NULL GROUP BY r.id",
            [f"{folder}/records/*/*.parquet"],
        ).fetchnumpy()
    order = np.argsort(ids)
    found = np.full(len(ids), np.nan, np.float32)
    at = order[np.searchsorted(ids, rows["id"], sorter=order)]
    found[at] = rows["loss"]
    return found, {"seconds": perf_counter() - begun}


READERS = {"LatestLosses": by_latest, "DuckDB": by_duckdb}


def lookup(latest: LatestLosses, ids: Any, rounds: int = 500) -> float:
    """Return the median microseconds of looking up a batch of 1,024."""
    drawn = np.random.default_rng(1)
    taken = []
    for _ in range(rounds):
        batch = drawn.choice(ids, BATCH)
        begun = perf_counter()
        latest.lookup(batch)
        taken.append(perf_counter() - begun)
    return 1e6 * median(taken)


def reading(folder: Path, records: int, wanted: int, repeats: int) -> list[Row]:
    """Return seconds and memory until the latest losses are known, in processes of their own."""
    population = max(2 * wanted, records // 10)
    root = folder / f"{records}-records"
    if not root.exists():
        generate(root, records, population)
    ids = np.random.default_rng(2).permutation(population)[:wanted]
    np.save(folder / "ids.npy", ids)
    found: dict[str, list[Row]] = {name: [] for name in READERS}
    for _ in range(repeats):
        for name in READERS:
            found[name].append(_apart(name, root, folder))
    answers = [np.load(folder / f"{name}.npy") for name in READERS]
    same = all(np.array_equal(answers[0], other, equal_nan=True) for other in answers[1:])
    info = RecordStore(root).info()
    return [
        {
            "reader": name,
            "records": info.records,
            "megabytes": info.bytes / 1e6,
            "ids": wanted,
            **{key: median(row[key] for row in rows) for key in rows[0]},
            "alike": same,
        }
        for name, rows in found.items()
    ]


def _apart(name: str, root: Path, folder: Path) -> Row:
    """Run a reader in a process of its own; return what it measured, and its peak of memory."""
    psutil: Any = OptionalDependency("psutil", "psutil", extra="bench").load()
    command = [sys.executable, "-m", "subsetopt.benchmarks.scripts.recording_cost"]
    command += ["--reader", name, "--folder", str(folder), "--root", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        watched, peak, own = psutil.Process(process.pid), 0, 0
        while process.poll() is None:
            try:
                memory = watched.memory_info()
            except psutil.NoSuchProcess:
                break
            peak = max(peak, memory.rss)
            own = max(own, memory.rss - getattr(memory, "shared", 0))  # without mapped files
            sleep(0.005)
        assert process.stdout is not None
        answer = process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"{name} ended with {process.returncode}")
    row: Row = json.loads(answer)
    return {**row, "peak_mb": peak / 1e6, "own_mb": own / 1e6}


def _read(name: str, root: Path, folder: Path) -> None:
    """Be the process of `_apart`."""
    arrow: Any = OptionalDependency("pyarrow", "pyarrow", extra="records").load()
    arrow.set_cpu_count(1)
    ids = np.load(folder / "ids.npy")
    before = process_time()
    found, row = READERS[name](root, ids)
    row["cpu_seconds"] = process_time() - before
    np.save(folder / f"{name}.npy", found)
    print(json.dumps(row))


def lookups(folder: Path, known: int) -> list[Row]:
    """Return the microseconds of a lookup of 1,024 ids, with labels known and with late ones."""
    drawn = np.random.default_rng(0)
    ids = drawn.permutation(known)
    rows = []
    for late in (False, True):
        root = folder / f"lookup-{late}"
        with RecordWriter(root, "one", layout=Layout(outputs=10 if late else 0)) as writer:
            for first in range(0, known, 65_536):
                some = ids[first : first + 65_536]
                losses = None if late else drawn.exponential(size=len(some))
                outputs = np.full((len(some), 10), -2.3) if late else None
                writer.append(some, losses, outputs=outputs)
        if late:
            with LabelWriter(root, "two") as labels:
                for first in range(0, known, 65_536):
                    some = ids[first : first + 65_536]
                    labels.append(some, some % 10)
        latest = LatestLosses(RecordStore(root))
        latest.refresh()
        labels_known = "later" if late else "when recorded"
        rows.append({"labels": labels_known, "ids": known, "lookup_us": lookup(latest, ids)})
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was measured."""
    options = parser(__doc__)
    options.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options.add_argument("--appended", type=int, default=10_000_000, help="records to append")
    options.add_argument("--rounds", type=int, default=20, help="passes of ResNet-18")
    options.add_argument(
        "--pause", type=float, default=0.002, help="seconds between passes, on average"
    )
    options.add_argument("--records", type=int, default=10_000_000, help="records to read")
    options.add_argument("--ids", type=int, default=1_000_000, help="ids to find among them")
    options.add_argument("--repeats", type=int, default=3, help="readings, of which the median")
    options.add_argument("--folder", type=Path, help="where to write; what is there is read again")
    options.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    options.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args(arguments)
    if given.reader:
        _read(given.reader, given.root, given.folder)
        return

    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    report_machine(given)
    with TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if "serving" in given.parts:
            report(given, serving(Path(temporary), given.rounds, given.pause), "added to a pass")
        if cores:
            os.sched_setaffinity(0, {max(cores)})
        if "append" in given.parts:
            report(given, appending(Path(temporary), given.appended), "appended, one core")
        if "latest" in given.parts:
            measured = reading(folder, given.records, given.ids, given.repeats)
            report(given, measured, "latest losses, one core")
        if "lookup" in given.parts:
            report(given, lookups(Path(temporary), given.ids), "a lookup of 1,024 ids, one core")


if __name__ == "__main__":
    main()
