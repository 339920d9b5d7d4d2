"""Records of many short-lived writers, before and after a compaction across writers.

``python -m benchmarks.scripts.records_of_many_writers`` records with many writers, one after
another, and measures files, bytes, and seconds: of all windows of a new stream (the first, which
looks at every writer, and the median of the others), of reading all records, and of `info`.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from subsetopt.records import RecordStore, RecordStream, RecordWriter

from .script import Row, parser, report, report_machine


def recorded(root: Path, writers: int, files: int, records: int) -> None:
    """Record with writers that overlap in time by half."""
    drawn = np.random.default_rng(0)
    for w in range(writers):
        with RecordWriter(root, f"process-{w}", durable=False) as writer:
            for f in range(files):
                times = 1.7e9 + (w * files / 2 + f) * records + np.arange(records)
                losses = drawn.exponential(size=records)
                writer.append(drawn.integers(0, 10**6, records), losses, model="v1", time=times)
                writer.flush()


def measured(root: Path, name: str) -> Row:
    """Return what reading costs."""
    store = RecordStore(root)
    seconds: dict[str, Any] = {}
    stream, start = RecordStream(store, name), perf_counter()
    windows = []
    for _ in stream:
        windows.append(perf_counter() - start)
        start = perf_counter()
    stream.close()
    seconds["first_window_s"], seconds["window_s"] = windows[0], median(windows[1:])
    start = perf_counter()
    records = sum(len(block) for block in store.blocks())
    seconds["all_records_s"], start = perf_counter() - start, perf_counter()
    info = store.info()
    seconds["info_s"] = perf_counter() - start
    return {"when": name, "files": info.files, "bytes": info.bytes, "records": records, **seconds}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was measured."""
    options = parser(__doc__)
    options.add_argument("--writers", type=int, default=400)
    options.add_argument("--files", type=int, default=5, help="of each writer")
    options.add_argument("--records", type=int, default=100, help="of each file")
    given = options.parse_args(arguments)
    report_machine(given)
    with TemporaryDirectory() as temporary:
        warm, root = Path(temporary, "warm"), Path(temporary, "records")
        recorded(warm, 2, 2, 1024)
        measured(warm, "warm")
        recorded(root, given.writers, given.files, given.records)
        before, start = measured(root, "before"), perf_counter()
        RecordStore(root).compact(across_writers=True)
        took = perf_counter() - start
        rows = [before, measured(root, "after") | {"compaction_s": took}]
        report(given, rows, "records of many writers")


if __name__ == "__main__":
    main()
