"""Sentences and tables of what `benchmarks.scripts.bilevel` has measured.

``docs/scripts/derived.py`` writes them into the page.
"""

import json
from collections.abc import Mapping, Sequence
from math import exp, log
from pathlib import Path
from typing import Any

from subsetopt.training.analysis import holm

LEVEL = 0.05
Rows = Sequence[Mapping[str, Any]]
Key = tuple[str, str]


def read(path: Path) -> Rows:
    """Return a mapping for each rule, task and size."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [one for one in lines if one["measured"] == "bilevel"]


def verdicts(rows: Rows) -> dict[Key, tuple[int, int, int]]:
    """Return in how many cases each rule is closer than random subsets, further, or neither.

    Significantly: t tests of its place among them, all of the page together by Holm.
    """
    counts: dict[Key, list[int]] = {}
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        found = counts.setdefault((row["rule"], row["at"]), [0, 0, 0])
        found[2 if p >= LEVEL else int(row["place"] > 0.5)] += 1
    return {key: (found[0], found[1], found[2]) for key, found in counts.items()}


def shown(path: Path) -> str:
    """Return the sentences and the tables, as Markdown."""
    rows = read(path)
    listed = "\n".join(f"- {one}" for one in sentences(rows))
    told = (
        "Mean discrepancy, and by how much the risk is higher than after training on all, both in "
        "units of those of random subsets (geometric mean of the discrepancy over the cases, "
        "median of the other); cases in which a rule is significantly closer, or further:"
    )
    places = (
        "The mean place among the subsets by discrepancy, in %: 0 is the best subset, 50 what "
        "chance comes to; bold where it differs significantly from 50, all tests together:"
    )
    return "\n\n".join([listed, told, _summary(rows), places, _places(rows)])


def sentences(rows: Rows) -> list[str]:
    """Return what follows from the rows."""
    found = verdicts(rows)
    cases = len({(row["task"], row["n"]) for row in rows})
    optima = [row["optimum"] for row in rows if row["enumerated"]]
    searched = [row["optimum"] for row in rows if not row["enumerated"]]
    said = [
        f"**The framework's optimum** is a subset with {_times(optima)} of the mean discrepancy of "
        "all subsets, where all are tried (median over instances, the largest of the tasks)."
    ]
    if searched:
        said.append(
            f"**Of more candidates** exchanges that look at the test set find one with "
            f"{_times(searched)} of it."
        )
    closer = _listed(key for key, (good, bad, _) in found.items() if good > bad and not bad)
    further = _listed(key for key, (good, bad, _) in found.items() if bad > good and not good)
    neither = _listed(key for key, (good, bad, _) in found.items() if not good and not bad)
    mixed = _listed(key for key, (good, bad, _) in found.items() if good and bad)
    said += [
        f"**{word}** in at least one of {cases} cases, and {other}: {names}."
        for word, other, names in (
            ("Closer to training on all than random subsets", "further in none", closer),
            ("Further", "closer in none", further),
            ("Closer in some, further in others", "each significantly", mixed),
        )
        if names
    ]
    if neither:
        said.append(f"**No difference is shown** for {neither}.")
    return said


def _times(values: Sequence[float]) -> str:
    return f"{max(values):.1g}"


def _listed(keys: Any) -> str:
    return ", ".join(_name(*key) for key in keys)


def _name(rule: str, at: str) -> str:
    return f"`{rule}`" + (f" ({at})" if at else "")


def _summary(rows: Rows) -> str:
    found = verdicts(rows)
    lines = ["| chosen by | losses of the model | discrepancy | risk | closer | further |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    by_key: dict[Key, list[Mapping[str, Any]]] = {key: [] for key in found}
    for row in rows:
        by_key[row["rule"], row["at"]].append(row)
    ordered = sorted(by_key.items(), key=lambda item: _discrepancy(item[1]))
    for (rule, at), own in ordered:
        excess = sorted(row["excess"] for row in own)[len(own) // 2]
        good, bad, _ = found[rule, at]
        lines.append(
            f"| {rule} | {at or '-'} | {_discrepancy(own):.2f} | {excess:.2f} | "
            f"{good} of {len(own)} | {bad} of {len(own)} |"
        )
    return "\n".join(lines)


def _discrepancy(own: Rows) -> float:
    return exp(sum(log(max(row["discrepancy"], 1e-12)) for row in own) / len(own))


def _places(rows: Rows) -> str:
    cases = list(dict.fromkeys((row["task"], row["n"], row["k"]) for row in rows))
    heads = [f"{task}, {k} of {n}" for task, n, k in cases]
    lines = ["| chosen by | losses of | " + " | ".join(heads) + " |"]
    lines.append("| --- " * (2 + len(cases)) + "|")
    marked: dict[Key, dict[Any, str]] = {}
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        mark = "**" if p < LEVEL else ""
        cells = marked.setdefault((row["rule"], row["at"]), {})
        cells[row["task"], row["n"], row["k"]] = f"{mark}{100 * row['place']:.0f}{mark}"
    for (rule, at), cells in marked.items():
        told = " | ".join(cells.get(case, "-") for case in cases)
        lines.append(f"| {rule} | {at or '-'} | {told} |")
    return "\n".join(lines)
