"""`coreset` next to goodpoints, coreax and apricot: quality at equal time, time at equal quality.

``python -m benchmarks.scripts.coreset_peers --python PYTHON`` runs the others with the interpreter
of an environment that has them (``pip install goodpoints coreax apricot-select``), since what they
need may differ from what is needed here. Each method has a process of its own, which loads the
rows, does all once with few rows where it compiles, and then chooses; a method that takes longer
than `--limit` is stopped. All are judged alike, by the root MMD to all rows (see
`benchmarks.scripts.coresets`).

Compress++ (Shetty, Dwivedi & Mackey, ICLR 2022) takes n that are powers of 4, and k = sqrt(n). Of
each other method the table shows what `coreset` has at equal time (its least root MMD in no
more seconds of processors), and at equal quality (its least seconds for no greater root MMD). The
seconds of processors count, as other work on the machine does not change them much; those of wall
stand beside them.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from subsetopt.problems import Gaussian

from .coresets import ManyRows
from .script import Row, parser, report, report_machine

CASES = ("4096:64:10", "65536:256:10", "1048576:1024:10")

_BEGIN = """
import json, sys, time, warnings
import numpy as np
warnings.simplefilter("ignore")
path, out, k, scale, option = sys.argv[1:]
X, k, scale = np.load(path), int(k), float(scale)
"""
_END = """
choose(X[:1024], 32)
wall, used = time.perf_counter(), time.process_time()
rows = np.asarray(choose(X, k)).ravel()
spent = {"seconds": time.perf_counter() - wall, "processor s": time.process_time() - used}
np.save(out, rows)
print(json.dumps(spent))
"""
_OURS = """
import subsetopt as so
def choose(X, k):
    given = {"kernel": so.Gaussian(scale), "scale_columns": "none"}
    for part in option.split(", "):
        if part.endswith(" k"):
            name, many, _ = part.split()
            given[name] = int(many) * k
    return so.coreset(X, k, **given).indices
"""
_GOODPOINTS = """
from goodpoints.compress import compresspp_kt
def choose(X, k):
    X = X.astype(np.float64)
    return compresspp_kt(X, b"gaussian", np.array([2.0 * scale**2]), g=int(option[2:]), seed=0)
"""
_COREAX = """
from coreax import Data
from coreax.kernels import SquaredExponentialKernel
from coreax.solvers import KernelHerding, MapReduce
def choose(X, k):
    kernel = SquaredExponentialKernel(length_scale=scale)
    solver = KernelHerding(coreset_size=k, kernel=kernel, block_size=min(len(X), 4096))
    if option == "MapReduce":
        solver = MapReduce(solver, leaf_size=min(4 * k, len(X)))
    return solver.reduce(Data(X))[0].unweighted_indices
"""
_APRICOT = """
from apricot import FacilityLocationSelection
def choose(X, k):
    squares = (X * X).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares - 2.0 * X @ X.T, 0.0)
    K = np.exp(-apart / (2.0 * scale**2)).astype(np.float64)
    return FacilityLocationSelection(k, metric="precomputed", optimizer="lazy").fit(K).ranking
"""

OURS = "coreset"
METHODS = (
    (OURS, _OURS, ("pool 2 k, compared 100 k", "pool 4 k", "pool 16 k", "as it is")),
    ("goodpoints, Compress++", _GOODPOINTS, ("g=0", "g=2", "g=4")),
    ("coreax, herding", _COREAX, ("all rows", "MapReduce")),
    ("apricot, facility location", _APRICOT, ("lazy",)),
)
LIBRARIES = ("goodpoints", "coreax", "apricot")
_MOST = {"apricot, facility location": 16_384}  # its matrix of all pairs is held


def chosen(python: str, program: str, case: "JudgedRows", option: str, limit: float) -> Row:
    """Return the rows that a program chooses and what it took, or why there are none."""
    out = case.path.with_name("chosen.npy")
    given = [str(case.path), str(out), str(case.rows.k), str(case.scale), option]
    command = [python, "-c", _BEGIN + program + _END, *given]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"message": f"stopped after {limit:g} s"}
    if ended.returncode:
        return {"message": (ended.stderr.strip().splitlines() or ["ended"])[-1][:100]}
    return {"rows": np.load(out), **json.loads(ended.stdout.strip().splitlines()[-1])}


class JudgedRows:
    """Rows in a file, and what judges a choice of them."""

    def __init__(self, text: str, folder: Path) -> None:
        n, k, d = (int(part) for part in text.split(":"))
        self.rows, self.path = ManyRows.drawn(n, k, d), folder / f"{n}.npy"
        np.save(self.path, self.rows.X)
        some = self.rows.X[np.random.default_rng(0).choice(n, min(n, 2000), replace=False)]
        kernel = Gaussian("median").fitted(some)
        self.scale = float(kernel.scale)
        self.judged = self.rows.judge(kernel)


def measured(
    case: JudgedRows, python: str, limit: float, libraries: Sequence[str]
) -> Iterator[Row]:
    """Yield a row for each method and option."""
    ours: list[Row] = []
    for name, program, options in METHODS:
        if name.split(",")[0] not in (OURS, *libraries):
            continue
        for option in options:
            row: Row = {"n": len(case.rows.X), "k": case.rows.k, "method": f"{name}, {option}"}
            if len(case.rows.X) > _MOST.get(name, len(case.rows.X)):
                yield row | {"message": "its matrix does not fit"}
                continue
            got = chosen(sys.executable if name == OURS else python, program, case, option, limit)
            if "rows" not in got:
                yield row | got
                continue
            rows = got.pop("rows")
            row |= got | case.judged(rows)
            row |= {
                "of random": row["root MMD"] / case.judged.random,
                "distinct": len(np.unique(rows)),
            }
            if name == OURS:
                ours.append(row)
                yield row
            else:
                yield row | against(row, ours)


def against(other: Row, ours: Sequence[Row]) -> Row:
    """Return what `coreset` has in no more time than another, and for no greater MMD."""
    quick = [row["root MMD"] for row in ours if row["processor s"] <= other["processor s"]]
    good = [row["processor s"] for row in ours if row["root MMD"] <= other["root MMD"]]
    return {
        "MMD of coreset in that time": min(quick, default=None),
        "processor s of coreset for that MMD": min(good, default=None),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each case."""
    made = parser(__doc__)
    made.add_argument("--cases", nargs="*", default=CASES, metavar="N:K:D")
    made.add_argument("--python", default=sys.executable, help="that has the other libraries")
    made.add_argument("--libraries", nargs="*", default=LIBRARIES, choices=LIBRARIES)
    made.add_argument("--limit", type=float, default=600.0, help="seconds of each method")
    given = made.parse_args(arguments)
    report_machine(given)
    with tempfile.TemporaryDirectory() as folder:
        for text in given.cases:
            case = JudgedRows(text, Path(folder))
            report(given, measured(case, given.python, given.limit, given.libraries), text)


if __name__ == "__main__":
    main()
