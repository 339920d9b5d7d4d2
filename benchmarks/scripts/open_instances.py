"""Published instances whose best known values had no proof: proven, and the proofs verified.

``python -m benchmarks.scripts.open_instances --data DIR --out FOLDER`` writes the proof of each to
FOLDER, checks it, and prints what it took and how long it is; `docs/exact.md` has the table.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import subsetopt as so
from subsetopt.benchmarks.cases import _quadratic_cases as public

from .proofs import Problem
from .script import Row, parser, report, report_machine

INSTANCES = {
    "QPLIB_0633": ("79.560706216", 1e11),
    "SOM-b_1_n100_m10": ("333", 1.0),
    "SOM-b_2_n100_m20": ("1195", 1.0),
    "SOM-b_4_n100_m40": ("4142", 1.0),
    "GKD-c_1_n500_m50": ("19485.1875", 1.0),
}
"""The values that were published, none of them with a proof, and the unit of ours in theirs."""


def measured(problem: Problem, known: tuple[str, float], file: Path, limit: float) -> Row:
    """Solve with a proof and check it; returns the row."""
    begun = time.process_time()
    solution = so.solve(problem, "branch-and-bound", threads=1, time_limit=limit, proof=file)
    proven = time.process_time()
    checked = so.verify(problem, solution, proof=file)
    assert checked.objective is not None
    assert checked.bound is not None
    left = (checked.objective - checked.bound) / abs(checked.objective)
    return {
        "n": problem.n,
        "k": problem.k,
        "published": known[0],
        "unit": known[1],
        "value": solution.objective,
        "certificate": str(solution.certificate),
        "processor s": proven - begun,
        "bytes": file.stat().st_size,
        "gap, verified": float(left),
        "verified, processor s": time.process_time() - proven,
    }


def rows(given: Path, out: Path, names: Sequence[str], limit: float) -> Iterator[Row]:
    """Yield the row of each instance for which there is data."""
    for name in names:
        try:
            (case,) = public.read(given, name, None)
        except so.InvalidFile as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        file = out / f"{name}.jsonl.gz"
        yield {"instance": name} | measured(case.problem(), INSTANCES[name], file, limit)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prove and check all, or some."""
    made = parser(__doc__, data=True)
    made.add_argument("--out", type=Path, default=Path("proofs"), help="folder for the proofs")
    made.add_argument("--limit", type=float, default=300.0, help="seconds of each proof")
    made.add_argument("--names", nargs="*", default=tuple(INSTANCES), choices=tuple(INSTANCES))
    given = made.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    report_machine(given, date=time.strftime("%Y-%m-%d"))
    for row in rows(given.data or Path(), given.out, given.names, given.limit):
        report(given, [row], "open instances")


if __name__ == "__main__":
    main()
