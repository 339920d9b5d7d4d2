"""Write docs/should-i-use-it.md from the results that are kept in docs/data/training.

Every line compares a rule with a baseline on the same seeds: with another rule of the same study,
or with uniform sampling that took as long, or cost as much. Verdicts hold all together (Holm).
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

from subsetopt._significance import t_quantile
from subsetopt.training import Result, at_equal_cost, at_equal_seconds
from subsetopt.training.analysis import PairedComparison, compared, holm_adjusted

sys.path.insert(0, str(Path(__file__).parent))

from kept_results import FOLDER, kept

HERE = Path(__file__).parent
PAGE = HERE.parent / "should-i-use-it.md"
TASKS = {"mnist": "MNIST", "fashion": "Fashion-MNIST"}
TIME, COST = "uniform at equal time", "uniform at matched cost"


@dataclass(frozen=True)
class Line:
    """A question, and the comparisons that answer it: one for each of its studies that is kept."""

    question: str
    study: str
    rule: str
    base: str
    """A rule of the study; or `TIME`, and `COST` where no run of uniform sampling took as long."""
    better: str
    """What to do where the rule is better on a task, and worse on none."""
    else_: str
    """What to do otherwise."""


LINES = (
    Line(
        "Labels are known before loading, the learning rate falls to 0?",
        "stratified",
        "stratified",
        "stratified:features=constant",
        "`stratified`: it takes no time",
        "uniform",
    ),
    Line(
        "The same, at a constant rate?",
        "constant-rate",
        "stratified",
        "stratified:features=constant",
        "`stratified`",
        "uniform",
    ),
    Line(
        "Cells of the inputs within the classes as well?",
        "stratified",
        "stratified:features=both",
        "stratified",
        "`features=both`",
        "no, labels are enough",
    ),
    Line(
        "Is it better that no sample comes again before all have been used?",
        "stratified",
        "stratified",
        "stratified:without_repeats=false",
        "yes, the default",
        "it does not matter",
    ),
    Line(
        "Labels are known only once a batch is loaded?",
        "stratified",
        "vector:features=labels",
        "uniform",
        "`vector` with labels, which takes longer: see seconds",
        "uniform",
    ),
    Line(
        "Could the labels as well be matched exactly within the batch?",
        "stratified",
        "vector:features=labels",
        "stratified",
        "yes",
        "no, it is slower and not better",
    ),
    Line(
        "Small steps and many, or as many samples in few whole batches?",
        "whole-batches",
        "uniform",
        "unif_sgd",
        "small steps where a step is cheap; they take longer",
        "whole batches",
    ),
    Line(
        "A selection pass, to train on the highest losses?",
        "passes",
        "max_loss",
        TIME,
        "`max_loss`, if labels are clean",
        "no",
    ),
    Line(
        "A selection pass for Selective-Backprop, β = 1/B - 1?",
        "passes",
        "selective_backprop",
        TIME,
        "`selective_backprop`, if labels are clean",
        "no",
    ),
    Line(
        "Its exponent as published, or 1?",
        "passes",
        "selective_backprop",
        "selective_backprop:beta=1",
        "as published",
        "it depends on the task",
    ),
    Line("A selection pass for `prob`?", "passes", "prob", TIME, "`prob`", "no"),
    Line("A selection pass for OBFTF?", "passes", "obftf", TIME, "`obftf`", "no"),
)


@dataclass(frozen=True)
class Found:
    """One comparison."""

    line: Line
    task: str
    base: str
    comparison: PairedComparison
    seconds: tuple[float, float]


@cache
def study(name: str) -> tuple[Result, ...]:
    """Return the results of a study, none where it is not kept."""
    return tuple(kept(name)) if (FOLDER / f"{name}.parquet").exists() else ()


def found(line: Line, task: str) -> Found | None:
    """Return a line's comparison on a task; None where there is none."""
    results = study(f"{line.study}-{task}")
    if line.base == TIME:
        return _matched(line, task, results, TIME) or _matched(line, task, results, COST)
    (own, base) = ([r for r in results if r.run.rule == x] for x in (line.rule, line.base))
    own, base = (_at_the_first_budget(rule) for rule in (own, base))
    if not own or not base:
        return None
    values, others = ({r.run.seed: r.value for r in rule} for rule in (own, base))
    times = _seconds(own), _seconds(base)
    return Found(line, task, f"`{line.base}`", compared(values, others, own[0].better), times)


def _at_the_first_budget(results: list[Result]) -> list[Result]:
    """Leave out the runs at other budgets, or of other epochs, that match a cost."""
    kinds = {(r.run.budget, r.run.epochs) for r in results}
    return [r for r in results if (r.run.budget, r.run.epochs) == min(kinds, default=None)]


def _matched(line: Line, task: str, results: Iterable[Result], base: str) -> Found | None:
    matching = at_equal_seconds if base == TIME else at_equal_cost
    for group in matching(results).groups:
        for one in group.lines:
            if one.rule == line.rule and one.comparison is not None:
                times = _seconds(one.results), _seconds(group.lines[0].results)
                return Found(line, task, base, one.comparison, times)
    return None


def _seconds(results: Iterable[Result]) -> float:
    return median(result.training_seconds for result in results)


def table() -> str:
    """Return the lines with all their comparisons, and what they come to."""
    made = [one for line in LINES for task in TASKS if (one := found(line, task))]
    verdicts = holm_adjusted([one.comparison for one in made])
    rows = ["| question | answer | " + " | ".join(TASKS.values()) + " |"]
    rows += ["| --- | --- |" + " --- |" * len(TASKS)]
    for number, line in enumerate(LINES, start=1):
        own = {
            one.task: (one, comparison)
            for one, comparison in zip(made, verdicts, strict=True)
            if one.line is line and comparison is not None
        }
        cells = [_cell(*own[task]) if task in own else "not measured" for task in TASKS]
        answer = _answer(line, [comparison for _, comparison in own.values()])
        rows.append(f"| {number}. {line.question} | {answer} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _answer(line: Line, comparisons: list[PairedComparison]) -> str:
    said = {str(one.verdict) for one in comparisons}
    if not said:
        return "not known"
    if "better" in said and "worse" in said:
        return "**it depends on the task**"
    return f"**{line.better if 'better' in said else line.else_}**"


def _cell(one: Found, comparison: PairedComparison) -> str:
    parts = comparison.difference, comparison.low, comparison.high
    assert None not in parts
    less, low, high = (100 * float(part or 0.0) for part in parts)
    said = str(comparison.verdict)
    own, base = one.seconds
    text = f"{less:+.2f} ({low:+.2f} to {high:+.2f})"
    text = f"**{text}**" if said in ("better", "worse") else text
    return f"{text} than {one.base}; {own:.2f} and {base:.2f} s; {comparison.pairs} seeds"


def power() -> str:
    """Return the differences that a line finds four times out of five, by tasks and seeds."""
    least: dict[tuple[str, int], list[float]] = {}
    for line in LINES:
        for task in TASKS:
            one = found(line, task)
            if one is not None and one.comparison.low is not None:
                half = float(one.comparison.difference or 0.0) - one.comparison.low
                freedom = one.comparison.pairs - 1
                ends = (t_quantile(share, freedom) for share in (0.8, 0.975))
                least.setdefault((task, freedom + 1), []).append(
                    100 * half * sum(ends) / t_quantile(0.975, freedom)
                )
    parts = [
        f"of {median(own):.2f} points on {TASKS[task]} with {seeds} seeds (at most {max(own):.2f})"
        for (task, seeds), own in sorted(least.items())
    ]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def longer() -> str:
    """Return what uniform sampling gains by more steps instead of larger ones, by tasks."""
    parts = []
    for task, name in TASKS.items():
        runs: dict[bool, dict[int, float]] = {False: {}, True: {}}
        for result in study(f"passes-{task}"):
            run = result.run
            if run.rule == "uniform" and (run.epochs >= 10 or run.budget == 0.43):
                runs[run.epochs >= 10][run.seed] = result.value
        gain = compared(runs[True], runs[False], "higher")
        ends = (100 * float(end or 0.0) for end in (gain.difference, gain.low, gain.high))
        parts.append("{:.2f} points ({:.2f} to {:.2f}) on ".format(*ends) + name)
    return " and ".join(parts)


def page() -> str:
    """Return the page."""
    text = (HERE / "should_i_use_it.txt").read_text(encoding="utf-8")
    for name, made in (
        ("lines", table),
        ("power", power),
        ("longer", longer),
        ("machines", machines),
    ):
        text = text.replace("{{" + name + "}}", made())
    return text


def machines() -> str:
    """Return where the kept results were measured."""
    names = sorted(path.stem for path in FOLDER.glob("*.parquet"))
    rows = [
        "| file | runs | task | batch, epochs, schedule | seeds | machine |",
        "| --- " * 6 + "|",
    ]
    for name in names:
        results = study(name)
        run, facts = results[0].run, results[0].facts
        seeds = sorted({result.run.seed for result in results})
        rows.append(
            f"| `{name}` | {len(results)} | {run.task} | {run.batch_size}, "
            f"{min(r.run.epochs for r in results)}, {run.schedule} | {seeds[0]} to {seeds[-1]} | "
            f"{facts['cpu']}, {facts['cores']} cores, torch {facts['torch']} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
