"""Write docs/training-results.md from folders of results: training_results.py FOLDER.

FOLDER holds ``mnist``, ``full`` and ``tuned/TASK``, made as the page says, and in ``fig1.md`` what
``subsetopt reproduce obftf-fig1 --scale paper --markdown`` printed.
"""

import sys
from pathlib import Path
from statistics import fmean

from subsetopt.training.analysis import Analysis, Judged, Summary, analyse, at_cost, at_seconds
from subsetopt.training.comparing import load
from subsetopt.training.reporting import plots
from subsetopt.training.result import Result

HERE = Path(__file__).parent
FIGURES = HERE.parent / "figures" / "training"
TEXT = HERE / "training_results.txt"


def number(line: Summary, metric: str) -> tuple[str, str]:
    """Return the mean with its deviation, and the difference with its interval."""
    scale, digits = (100, 2) if metric == "accuracy" else (1, 4)
    mean, std, found = line.value.mean, line.value.std, line.comparison
    if mean is None:
        return ("diverged" if line.values else "not evaluated by then"), "-"
    value = f"{scale * mean:.{digits}f} ± {scale * (std or 0):.{digits}f}"
    if found is None or found.difference is None or found.low is None or found.high is None:
        return value, "-"
    parts = (scale * x for x in (found.difference, found.low, found.high))
    return value, "{:+.{d}f} ({:+.{d}f} to {:+.{d}f})".format(*parts, d=digits)


def verdict(line: Summary) -> str:
    """Return what may be said."""
    if line.comparison is None:
        return "baseline" if line.baseline else "-"
    said = str(line.comparison.verdict)
    return f"**{said}**" if said in ("better", "worse") else "none shown"


def table(group: Judged, metric: str) -> list[str]:
    """Return the rows of a group."""
    rows = []
    for line in group.lines:
        value, difference = number(line, metric)
        cost = f"{100 * (line.effective_budget.mean or 0):.0f} %"
        seconds = f"{line.seconds.mean or 0:.1f}"
        rates = ", ".join(f"{rate:g}" for rate in sorted(set(line.rates)))
        cells = (f"`{line.rule}`", f"{group.budget:g}", value, difference, verdict(line))
        rows.append("| " + " | ".join((*cells, cost, seconds, rates)) + " |")
    return rows


def tables(analysis: Analysis) -> str:
    """Return all groups in one table."""
    family = analysis.families[0]
    head = (
        "| rule | budget | {} | less uniform's (95 % interval) | verdict | cost | seconds | lr |"
    ).format("accuracy, %" if family.metric == "accuracy" else family.metric)
    rows = [row for group in family.groups for row in table(group, family.metric)]
    return "\n".join([head, "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |", *rows])


def short(analysis: Analysis) -> str:
    """Return the rules of one group beside each other, without costs."""
    family = analysis.families[0]
    rows = []
    for line in family.groups[0].lines:
        value, difference = number(line, family.metric)
        rows.append(f"| `{line.rule}` | {value} | {difference} | {verdict(line)} |")
    metric = "accuracy, %" if family.metric == "accuracy" else family.metric
    head = f"| rule | {metric} | less uniform's (95 % interval) | verdict |"
    return "\n".join([head, "| --- | ---: | ---: | --- |", *rows])


def uniform_spends(results: list[Result]) -> tuple[float, float]:
    """Return the seconds and the cost, in epochs of full training, of a run of uniform sampling."""
    own = [result for result in results if result.run.rule == "uniform"]
    last = [result.history[-1] for result in own]
    return fmean(row["seconds"] for row in last), fmean(row["passes"] for row in last)


def tuned(folder: Path) -> dict[str, str]:
    """Return the tables of a task with tuned learning rates."""
    results = load(folder)
    seconds, cost = uniform_spends(results)
    return {
        f"{folder.name} end": tables(analyse(results)),
        f"{folder.name} seconds": short(at_seconds(results, seconds)),
        f"{folder.name} S": f"{seconds:.2g}",
        f"{folder.name} cost": short(at_cost(results, cost * (1 + 1e-6))),
        f"{folder.name} C": f"{cost:.2g}",
    }


def claims(text: str) -> str:
    """Return what an experiment printed of the paper's statements."""
    return text.partition("## What the paper says\n")[2].partition("\n## ")[0].strip()


def main(folder: Path) -> None:
    """Fill the tables into the text."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    mnist = load(folder / "mnist")
    analysis = analyse(mnist)
    known = {"mnist": tables(analysis)}
    figure = plots.against_budget(analysis.families[0])
    plots.save(figure, FIGURES / "mnist-budgets.svg")
    if (folder / "full").exists():
        full = [r.value for r in load(folder / "full") if r.run.rule == "full"]
        known["full"] = f"{100 * fmean(full):.2f}"
        known["full runs"] = str(len(full))
    known["fig1"] = claims((folder / "fig1.md").read_text(encoding="utf-8"))
    for task in sorted((folder / "tuned").glob("*")):
        known |= tuned(task)
    text = TEXT.read_text(encoding="utf-8")
    for name, value in known.items():
        text = text.replace("{{" + name + "}}", value)
    (HERE.parent / "training-results.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
