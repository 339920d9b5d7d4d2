"""`coreset` of a Parquet file of many rows: its time next to that of reading the file, and memory.

``python -m benchmarks.scripts.coreset_of_files`` writes a mixture of twenty Gaussians, reads the
file with pyarrow alone before and after, the lesser of which counts, and chooses from it in
between. It prints seconds of wall and of processors. "--compared 0" compares the candidates with
all rows.
"""

import resource
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

import subsetopt as so

from .script import Row, parser, report, report_machine

_GROUP = 2**17  # rows of a row group


def written(folder: Path, n: int, d: int, dtype: str) -> Path:
    """Write n rows in d columns to a Parquet file; return where."""
    import pyarrow as pa
    from pyarrow import parquet

    path, generator = folder / f"{n}x{d}.parquet", np.random.default_rng([n, d])
    centres = 2.0 * generator.normal(size=(20, d))
    schema = pa.schema([(f"x{i}", pa.from_numpy_dtype(np.dtype(dtype))) for i in range(d)])
    with parquet.ParquetWriter(path, schema) as writer:
        for first in range(0, n, _GROUP):
            count = min(_GROUP, n - first)
            rows = centres[generator.integers(0, 20, count)] + generator.normal(size=(count, d))
            columns = list(np.ascontiguousarray(rows.T, dtype))
            writer.write_table(pa.table(columns, schema=schema))
    return path


def read(path: Path) -> int:
    """Return how many rows there are, after reading all of them."""
    import pyarrow.dataset as ds

    return sum(batch.num_rows for batch in ds.dataset(path).to_batches())


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return a result, and the seconds of wall and of processors."""
    start, used = perf_counter(), process_time()
    result = work()
    return result, perf_counter() - start, process_time() - used


def row_of(path: Path, compared: int | None, **given: Any) -> Row:
    """Return what is measured."""
    before = timed(lambda: read(path))
    few, wall, used = timed(
        lambda: so.coreset(path, scale_columns="none", compared=compared, **given)
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    after = timed(lambda: read(path))
    reading, processor = min(before[1], after[1]), min(before[2], after[2])
    return {
        "n": few.n,
        "k": len(few),
        "pool": few.pool,
        "GB": path.stat().st_size / 1e9,
        "reading s": reading,
        "reading processor s": processor,
        "coreset s": wall,
        "coreset processor s": used,
        "times reading": wall / reading,
        "times reading, processor": used / processor,
        "root MMD": few.mmd,
        "error": few.mmd_error,
        "of random": few.mmd / few.random_mmd,
        "peak GiB": peak,
        **{f"{phase} s": spent for phase, spent in few.seconds.items()},
        "message": few.message,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one file."""
    made = parser(__doc__)
    made.add_argument("--rows", type=int, default=10_000_000)
    made.add_argument("--columns", type=int, default=16)
    made.add_argument("--k", type=int, default=1000)
    made.add_argument("--compared", type=int, nargs="*", default=[1_000_000])
    made.add_argument("--pool", type=int)
    made.add_argument("--memory", default="2.5GiB")
    made.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    made.add_argument("--folder", help="where the file is written, and deleted afterwards")
    given = made.parse_args(arguments)
    report_machine(given)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        small = written(Path(folder), 30_000, 3, given.dtype)
        so.coreset(small, 20, scale_columns="none", compared=20_000)  # compiles what it takes
        path = written(Path(folder), given.rows, given.columns, given.dtype)
        for compared in given.compared:
            options = {"k": given.k, "pool": given.pool, "memory": given.memory}
            report(given, [row_of(path, compared or None, **options)], "coreset of a file")


if __name__ == "__main__":
    main()
