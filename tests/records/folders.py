"""Folders of records for tests, and processes that are killed."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from subsetopt.records import Layout, RecordStore, RecordWriter

T = 1_700_000_000.0
"""A second that is long past."""


def record(
    root: Path,
    name: str,
    segments: int,
    each: int = 4,
    *,
    first: int = 0,
    start: float = T,
    step: float = 1.0,
    layout: Layout | None = None,
) -> list[int]:
    """Write segments of records with rising ids and times, losses equal to ids; return the ids."""
    ids = first + np.arange(segments * each)
    times = start + step * np.arange(segments * each)
    with RecordWriter(root, name, layout=layout, durable=False) as writer:
        for p in range(0, len(ids), each):
            rows = slice(p, p + each)
            writer.append(ids[rows], ids[rows] * 1.0, model=f"v{p // each}", time=times[rows])
            writer.flush()
    return [int(one) for one in ids]


def rows(store: RecordStore) -> list[tuple[Any, ...]]:
    """Return all records: writer, number, id, time in microseconds, loss, model."""
    found = []
    for block in store.blocks():
        assert block.losses is not None
        assert block.models is not None
        columns = (block.sequence, block.ids, block.times, block.losses, block.models)
        for number, key, at, loss, code in zip(*columns, strict=True):
            known = None if np.isnan(loss) else float(loss)
            own = key if isinstance(key, str) else int(key)
            found.append((block.writer, int(number), own, int(at), known, block.versions[code]))
    return found


def files(root: Path, kind: str = "records") -> list[str]:
    """Return the names of the segments, of all writers."""
    return sorted(path.name for path in (root / kind).glob("*/*.parquet"))


def until(happened: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something has happened, and fail if it does not."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it has not happened"
        time.sleep(0.01)


def started(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Run a script in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ran(code: str, *arguments: object) -> str:
    """Run a script to its end; return what it printed."""
    process = started(code, *arguments)
    out, complaints = process.communicate(timeout=60)
    assert process.returncode == 0, complaints
    return out


def ended(process: subprocess.Popen[str]) -> None:
    """Kill a process as if the power had failed."""
    process.kill()
    process.communicate(timeout=60)
