"""Keep results of training runs in a small file: kept_results.py FOLDER NAME.

It writes docs/data/training/NAME.parquet, a row for each run with all that tables are made of; what
is left out are the histories.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from subsetopt.training import Passes, Result, Run, load

FOLDER = Path(__file__).parent.parent / "data" / "training"
_FACTS = ("cpu", "cores", "torch", "device", "threads", "diverged", "preparation_seconds")


def packed(result: Result) -> dict[str, Any]:
    """Return a result as a row of plain values."""
    facts = {name: result.facts[name] for name in _FACTS if name in result.facts}
    return {
        "run": json.dumps(result.run.to_dict()),
        "metric": result.metric,
        "better": result.better,
        "final": json.dumps(dict(result.final)),
        "steps": result.steps,
        "full": result.full,
        "passes": json.dumps(asdict(result.passes)),
        "seconds": json.dumps({name: round(value, 4) for name, value in result.seconds.items()}),
        "facts": json.dumps(facts),
    }


def unpacked(row: dict[str, Any]) -> Result:
    """Return the result of a row, without its history."""
    return Result(
        run=Run.from_dict(json.loads(row["run"])),
        metric=row["metric"],
        better=row["better"],
        final=json.loads(row["final"]),
        history=[],
        steps=row["steps"],
        passes=Passes(**json.loads(row["passes"])),
        full=row["full"],
        seconds=json.loads(row["seconds"]),
        facts=json.loads(row["facts"]),
    )


def kept(name: str) -> list[Result]:
    """Return the results of a file."""
    return [unpacked(row) for row in pq.read_table(FOLDER / f"{name}.parquet").to_pylist()]


def keep(folder: Path, name: str) -> None:
    """Write the results that a folder holds."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = sorted(load(folder), key=lambda result: result.run.key)
    table = pa.Table.from_pylist([packed(result) for result in found])
    pq.write_table(table, FOLDER / f"{name}.parquet", compression="zstd")


if __name__ == "__main__":
    keep(Path(sys.argv[1]), sys.argv[2])
