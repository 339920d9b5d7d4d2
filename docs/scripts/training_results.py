"""Write docs/training-results.md and the pages below it: training_results.py FOLDER.

Each page is a text of this folder with its tables filled in. FOLDER holds ``mnist``, ``full`` and
``tuned/NAME``, made as the pages say, and in ``fig1.md`` what ``subsetopt reproduce obftf-fig1
--scale paper --markdown`` printed.
"""

import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from subsetopt.training._run_grid import load
from subsetopt.training.analysis import (
    Analysis,
    GroupResult,
    Summary,
    TaskResult,
    analyse,
    at_equal_cost,
    compared,
)
from subsetopt.training.reporting._analysis_figures import against_budget

HERE = Path(__file__).parent
FIGURES = HERE.parent / "figures" / "training"
PAGES = {
    HERE / "training_results.txt": HERE.parent / "training-results.md",
    **{
        text: HERE.parent / "training-results" / f"{text.stem}.md"
        for text in sorted((HERE / "training_results").glob("*.txt"))
    },
}
"""Texts, and the pages that they become."""
TASKS = {
    "digits": "digits",
    "mnist": "MNIST",
    "fashion": "Fashion-MNIST",
    "airfoil": "airfoil, rmse",
    "digits-noise": "digits, label noise",
}
"""The columns of the summary: names of folders, as they are headed."""


def mean_of(line: Summary, metric: str) -> str:
    """Return the mean with its deviation."""
    scale, digits = (100, 2) if metric == "accuracy" else (1, 4)
    mean, std = line.value.mean, line.value.std
    if mean is None:
        return "diverged"
    return f"{scale * mean:.{digits}f} ± {scale * (std or 0):.{digits}f}"


def difference(line: Summary, metric: str) -> str:
    """Return the difference to the baseline with its interval."""
    scale, digits = (100, 2) if metric == "accuracy" else (1, 4)
    found = line.comparison
    if found is None or found.difference is None or found.low is None or found.high is None:
        return "-"
    parts = (scale * x for x in (found.difference, found.low, found.high))
    return "{:+.{d}f} ({:+.{d}f} to {:+.{d}f})".format(*parts, d=digits)


def verdict(line: Summary) -> str:
    """Return what may be said."""
    if line.comparison is None:
        return "baseline" if line.baseline else "-"
    said = str(line.comparison.verdict)
    return f"**{said}**" if said in ("better", "worse") else "not significant"


def headed(metric: str) -> str:
    """Return the heading of a column with means."""
    return "accuracy, %" if metric == "accuracy" else metric


def row(line: Summary, metric: str) -> str:
    """Return a rule at a budget, with the baseline of the same budget."""
    cells = (
        f"`{line.rule}`",
        f"{line.budget:g}",
        mean_of(line, metric),
        difference(line, metric),
        verdict(line),
        f"{100 * (line.effective_budget.mean or 0):.0f} %",
        f"{line.seconds.mean or 0:.1f}",
        ", ".join(f"{rate:.3g}" for rate in line.rates),
    )
    return "| " + " | ".join(cells) + " |"


def at_budgets(analysis: Analysis) -> str:
    """Return all groups that have something to compare in one table."""
    family = analysis.tasks[0]
    groups = [g for g in family.groups if len(g.lines) > 1 or g.lines[0].rule == "full"]
    head = f"| rule | budget | {headed(family.metric)} | less uniform's (95 % interval) "
    head += "| verdict | cost | seconds | lr |"
    rows = [row(line, family.metric) for group in groups for line in group.lines]
    return "\n".join([head, "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |", *rows])


def at_costs(analysis: Analysis) -> str:
    """Return the rules that cost more than uniform sampling of their budget, one a row."""
    family = analysis.tasks[0]
    head = (
        "| rule | budget | {0} | uniform's budget | uniform's {0} | difference (95 % interval) "
        "| verdict | cost | seconds, uniform's |"
    ).format(headed(family.metric))
    rows = []
    for group in family.groups:
        for base, line in pairs(group):
            spent = (f"{x.seconds.mean or 0:.1f}" for x in (line, base))
            cells = (
                f"`{line.rule}`",
                f"{line.budget:g}",
                mean_of(line, family.metric),
                f"{base.budget:g}, {base.epochs} epochs" if base.is_longer else f"{base.budget:g}",
                mean_of(base, family.metric),
                difference(line, family.metric),
                verdict(line),
                f"{100 * (line.effective_budget.mean or 0):.0f} %",
                ", ".join(spent),
            )
            rows.append("| " + " | ".join(cells) + " |")
    rule = "| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: |"
    return "\n".join([head, rule, *rows])


def pairs(group: GroupResult) -> list[tuple[Summary, Summary]]:
    """Return each rule with a baseline of another budget that costs as much."""
    if group.baseline is None:
        return []
    base = group.lines[0]
    spent = base.budget, base.epochs
    return [(base, x) for x in group.lines[1:] if (x.budget, x.epochs) != spent]


def summary(found: dict[str, Analysis], budget: float) -> str:
    """Return rules by tasks: differences at matched cost, in bold where a test says so."""
    lines: dict[str, dict[str, Summary]] = {}
    for name in (name for name in TASKS if name in found):
        for group in found[name].tasks[0].groups:
            for line in group.lines:
                if line.comparison is not None and line.budget == budget and line.rule != "full":
                    lines.setdefault(line.rule, {})[name] = line
    names = [name for name in TASKS if any(name in own for own in lines.values())]
    head = "| rule | " + " | ".join(TASKS[name] for name in names) + " |"
    rows = []
    for rule, own in lines.items():
        cells = [_cell(own.get(name), found[name].tasks[0].metric) for name in names]
        rows.append(f"| `{rule}` | " + " | ".join(cells) + " |")
    return "\n".join([head, "| --- |" + " ---: |" * len(names), *rows])


def _cell(line: Summary | None, metric: str) -> str:
    if line is None:
        return "-"
    text = difference(line, metric)
    if line.comparison is None or str(line.comparison.verdict) not in ("better", "worse"):
        return text
    return f"**{text}**"


def single(name: str, family: TaskResult, beside: TaskResult) -> dict[str, str]:
    """Return what uniform sampling for longer came to, and rules of other runs less that."""
    (line,) = family.groups[0].lines
    others = {x.rule: x for group in beside.groups for x in group.lines if x.budget == 0.1}
    less = {
        f"{name} less {rule}": difference(
            replace(other, comparison=compared(other.values, line.values, family.better)),
            family.metric,
        )
        for rule, other in others.items()
    }
    uniform = {
        f"{name.partition('-')[0]} {x.budget:g}": mean_of(x, family.metric)
        for group in beside.groups
        for x in group.lines
        if x.baseline
    }
    return {
        **less,
        **uniform,
        f"{name} mean": mean_of(line, family.metric),
        f"{name} seconds": f"{line.seconds.mean or 0:.1f}",
        f"{name} cost": f"{100 * (line.effective_budget.mean or 0):.0f}",
    }


def claims(text: str) -> str:
    """Return what an experiment printed of the paper's statements."""
    return text.partition("## What the paper says\n")[2].partition("\n## ")[0].strip()


def main(folder: Path) -> None:
    """Fill the tables into the text."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    mnist = analyse(load(folder / "mnist"))
    known = {"mnist fixed": at_budgets(mnist)}
    against_budget(mnist.tasks[0]).save(FIGURES / "mnist-budgets.svg")
    if (folder / "full").exists():
        full = [r.value for r in load(folder / "full") if r.run.rule == "full"]
        known["full"] = f"{100 * fmean(full):.2f}"
        known["full runs"] = str(len(full))
    known["fig1"] = claims((folder / "fig1.md").read_text(encoding="utf-8"))
    matched: dict[str, Analysis] = {}
    alone: dict[str, TaskResult] = {}
    for task in sorted((folder / "tuned").iterdir()):
        results = load(task)
        equal = analyse(results)
        if len(equal.groups) == 1 and len(equal.groups[0].lines) == 1:
            alone[task.name] = equal.tasks[0]
            continue
        matched[task.name] = at_equal_cost(results)
        known[f"{task.name} budgets"] = at_budgets(equal)
        known[f"{task.name} costs"] = at_costs(matched[task.name])
        if task.name in TASKS:
            figure = against_budget(equal.tasks[0], effective=True)
            figure.save(FIGURES / f"tuned-{task.name}.svg")
    for name, family in alone.items():
        known |= single(name, family, matched[name.partition("-")[0]].tasks[0])
    for budget in (0.1, 0.25, 0.5):
        known[f"summary {budget:g}"] = summary(matched, budget)
    write(known)


def write(known: dict[str, str]) -> None:
    """Fill what is known into the texts."""
    for source, page in PAGES.items():
        text = source.read_text(encoding="utf-8")
        for name, value in known.items():
            text = text.replace("{{" + name + "}}", value)
        page.parent.mkdir(exist_ok=True)
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
