"""Tables of what `benchmarks.scripts.commercial` and `open_instances` have measured.

``docs/scripts/derived.py`` writes them into the page on exact answers, from lines of ``--json``.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .commercial import OURS

Rows = Sequence[Mapping[str, Any]]

_NAMES = {
    OURS: "`branch-and-bound`",
    "gurobi": "Gurobi",
    "xpress": "Xpress",
    "cplex": "CPLEX",
    "scip": "SCIP",
    "highs": "HiGHS",
    "cpsat": "CP-SAT",
}
_AS_GOOD = 1e-6  # of the best value, by which values may differ
_PACKAGES = {"scip": "PySCIPOpt", "cpsat": "OR-Tools"}  # whose versions are given


def read(path: Path) -> tuple[Mapping[str, Any], Rows]:
    """Return the machine, and a mapping for each measurement."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    (machine,) = (line for line in lines if line["measured"] == "machine")
    return machine, [line for line in lines if line["measured"] != "machine"]


def compared(path: Path) -> str:
    """Return the table of all solvers, and what they are, as Markdown."""
    machine, rows = read(path)
    solvers = [name for name in _NAMES if any(row["solver"] == name for row in rows)]
    lines = [
        _row("instance", *map(_NAMES.__getitem__, solvers)),
        _row("---", *["---:"] * len(solvers)),
    ]
    for name in dict.fromkeys(row["measured"] for row in rows):
        these = {row["solver"]: row for row in rows if row["measured"] == name}
        best = min(row["value"] for row in these.values() if "value" in row)
        cells = (_outcome(these[s], best) if s in these else "-" for s in solvers)
        lines.append(_row(name, *cells))
    others = [row for row in rows if row["solver"] != OURS and "processor s" in row]
    spent = [row["processor s"] for row in others if not row.get("proven", False)]
    versions = {row["solver"]: row["version"] for row in rows if "version" in row}
    told = ", ".join(
        f"{_PACKAGES.get(s, _NAMES[s])} {versions[s]}" for s in solvers if s in versions
    )
    limit = max(row["limit"] for row in others)
    proven = sum(row.get("proven", False) for row in others)
    return "\n\n".join(
        [
            "\n".join(lines),
            f"{told}. {machine['cpu']}, {machine['cores']} cores shared with other work, "
            f"{machine['date']}: of their {limit:g} s, solvers that had not ended had a processor "
            f"for {min(spent):.0f} to {max(spent):.0f} s. They proved {proven} of {len(others)}.",
        ]
    )


def _outcome(row: Mapping[str, Any], best: float) -> str:
    """Return the processor seconds of a proof, else the gap, and how far the value is off."""
    if "value" not in row:
        return str(row["message"])
    if row["proven"]:
        return f"{row['processor s']:.2g} s"
    short = (row["value"] - best) / abs(best)
    said = f"gap {_share(row['gap'])}"
    return said if short <= _AS_GOOD else f"{said}, value {_share(short)} off"


def _share(value: float) -> str:
    return f"{100 * value:.2g} %" if value < 1 else f"{100 * value:.0f} %"


def opened(path: Path) -> str:
    """Return the table of instances that were open, as Markdown."""
    machine, rows = read(path)
    heads = ("instance", "n", "k", "published", "proven", "gap", "s", "proof, kB", "verified in, s")
    lines = [_row(*heads), _row("---", *["---:"] * (len(heads) - 1))]
    for row in rows:
        value = abs(row["value"]) / row.get("unit", 1)
        gap = row["gap, verified"]
        lines.append(
            _row(
                f"`{row['instance']}`",
                row["n"],
                row["k"],
                row["published"],
                f"{value:.12g}",
                f"{gap:.0e}" if gap else "0",
                f"{row['processor s']:.2g}",
                f"{row['bytes'] / 1e3:.0f}",
                f"{row['verified, processor s']:.2g}",
            )
        )
    return "\n\n".join(["\n".join(lines), f"{machine['cpu']}, one thread, {machine['date']}."])


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
