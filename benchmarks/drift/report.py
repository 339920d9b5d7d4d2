"""What streams have shown: methods beside uniform sampling of the same budget, seed by seed."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from statistics import fmean
from typing import Any

from subsetopt.report.columns import Column, Table
from subsetopt.report.number_format import NOTHING, duration
from subsetopt.training.analysis import Comparison, Spread, compared, holm
from subsetopt.training.reporting.metric_format import Format
from subsetopt.training.result import Passes

from .loop import Course
from .methods import BASELINE, REFERENCES
from .streams import TASKS


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One stream under one method; plain values.

    Parameters
    ----------
    task, method : str
    budget : float or None
        None of the references.
    seed, instances, steps : int
    lr : float
    scores : tuple of float
        The metric of each window before the model was trained on it.
    selection, training : float
        Seconds.
    passes : Passes
    """

    task: str
    method: str
    budget: float | None
    seed: int
    lr: float
    scores: tuple[float, ...]
    selection: float
    training: float
    passes: Passes
    instances: int
    steps: int

    @classmethod
    def of(cls, course: Course, instances: int, **what: Any) -> "Outcome":
        """Return what a course has come to."""
        return cls(
            scores=course.scores,
            selection=course.selection,
            training=course.training,
            passes=course.passes,
            instances=instances,
            steps=course.steps,
            **what,
        )

    @property
    def value(self) -> float:
        """The metric, a mean over the stream."""
        return fmean(self.scores)

    @property
    def seconds(self) -> float:
        """Selection and training."""
        return self.selection + self.training

    @property
    def cost(self) -> float:
        """Forward passes for each instance of the stream; a backward pass counts as two."""
        return 3 * self.passes.budget(self.instances)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        kept = [round(score, 6) if isfinite(score) else None for score in self.scores]
        return {**asdict(self), "scores": kept}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Outcome":
        """Return what `to_dict` was made of."""
        scores = tuple(float("nan") if score is None else score for score in values["scores"])
        return cls(**{**values, "scores": scores, "passes": Passes(**values["passes"])})


@dataclass(frozen=True, kw_only=True)
class Line:
    """One method at one budget, over its seeds."""

    method: str
    budget: float | None
    outcomes: tuple[Outcome, ...]
    comparison: Comparison | None = None

    @property
    def value(self) -> Spread:
        """The metric, over the seeds that did not diverge."""
        return Spread.of(outcome.value for outcome in self.outcomes)

    @property
    def diverged(self) -> int:
        """Seeds whose losses came to no numbers."""
        return sum(not isfinite(outcome.value) for outcome in self.outcomes)

    def mean(self, name: str) -> float:
        """Return the mean of a number over the seeds."""
        return fmean(getattr(outcome, name) for outcome in self.outcomes)


def lines_of(outcomes: Iterable[Outcome]) -> list[Line]:
    """Return the lines of one task: references first, then budget by budget, the baseline first.

    The methods of all budgets are compared with the baseline of their own, and the probabilities
    are corrected for all of them together (Holm).
    """
    groups: dict[tuple[float | None, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.budget, outcome.method), []).append(outcome)
    lines = []
    for (budget, method), own in groups.items():
        base = groups.get((budget, BASELINE), [])
        comparison = None
        if base and method not in (BASELINE, *REFERENCES):
            better = TASKS[own[0].task].better
            comparison = compared(_by_seed(own), _by_seed(base), better)
        lines.append(Line(method=method, budget=budget, outcomes=tuple(own), comparison=comparison))
    tested = [x.comparison.p for x in lines if x.comparison and x.comparison.p is not None]
    adjusted = iter(holm(tested))
    lines = [_adjusted(line, adjusted) for line in lines]
    return sorted(lines, key=lambda x: (x.budget or 0.0, x.method != BASELINE))


def columns(task: str) -> list[Column[Line]]:
    """Return the columns of the table of a task."""
    form = Format(TASKS[task].metric)
    metric = f"{TASKS[task].metric}{f', {form.unit}' if form.unit else ''}"

    def difference(line: Line) -> str:
        found = line.comparison
        return NOTHING if found is None else form.difference(found, line.value.mean)

    return [
        Column(heading="method", meaning="what is trained on", cell=lambda x: x.method),
        Column(
            heading="budget",
            meaning="share of the instances that is trained on",
            cell=lambda x: NOTHING if x.budget is None else f"{x.budget:g}",
            value=lambda x: x.budget,
        ),
        Column(
            heading=metric,
            meaning="mean over the stream and standard deviation over the seeds",
            cell=lambda x: form.spread(x.value),
            value=lambda x: x.value.mean,
        ),
        Column(
            group="less uniform's",
            heading="(95 % interval)",
            meaning="mean over the pairs of one seed, with the interval of Student's t",
            cell=difference,
            value=lambda x: None if x.comparison is None else x.comparison.difference,
        ),
        Column(
            heading="verdict",
            meaning="of all lines together (Holm, 5 %)",
            cell=_verdict,
            rank=1,
        ),
        Column(
            heading="cost",
            meaning="forward passes for each instance of the stream, a backward pass counted as "
            "two, serving not counted",
            cell=lambda x: f"{x.mean('cost'):.2f}",
            value=lambda x: x.mean("cost"),
        ),
        Column(
            heading="time",
            meaning="of selection and training, processor seconds of one thread",
            cell=lambda x: duration(x.mean("seconds")),
            value=lambda x: x.mean("seconds"),
        ),
        Column(
            heading="selecting",
            meaning="the part of it before the steps",
            cell=lambda x: duration(x.mean("selection")) if x.mean("selection") else NOTHING,
            value=lambda x: x.mean("selection"),
            rank=3,
        ),
        Column(
            heading="lr",
            meaning="the learning rate",
            cell=lambda x: ", ".join(f"{lr:.4g}" for lr in sorted({o.lr for o in x.outcomes})),
            value=lambda x: x.outcomes[0].lr,
            rank=2,
        ),
    ]


def to_markdown(task: str, lines: Sequence[Line]) -> str:
    """Return the table as GitHub Markdown."""
    return Table(columns(task), lines).to_markdown()


def show(task: str, lines: Sequence[Line]) -> None:
    """Print the table on the terminal."""
    from rich.console import Console

    from subsetopt.report.terminal import print_lines

    console = Console()
    budgets = list(dict.fromkeys(line.budget for line in lines))
    sections = [[line for line in lines if line.budget == budget] for budget in budgets]
    print_lines([TASKS[task].about, f"{TASKS[task].better} is better"], console)
    console.print(Table.in_sections(columns(task), sections))


def _verdict(line: Line) -> str:
    text = "baseline" if line.method == BASELINE else "reference"
    if line.comparison is not None:
        text = str(line.comparison.verdict)
    return f"{text}, {line.diverged} of {len(line.outcomes)} diverged" if line.diverged else text


def _by_seed(outcomes: Iterable[Outcome]) -> dict[int, float]:
    return {outcome.seed: outcome.value for outcome in outcomes}


def _adjusted(line: Line, adjusted: Any) -> Line:
    if line.comparison is None or line.comparison.p is None:
        return line
    return replace(line, comparison=replace(line.comparison, adjusted=next(adjusted)))
