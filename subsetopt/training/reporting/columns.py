"""The columns of the table of rules, wherever it is shown."""

from subsetopt.report.columns import Column
from subsetopt.report.number_format import NOTHING, duration, percent
from subsetopt.training.analysis import Family, Spread, Summary, Verdict

from .metrics import Format

MARK = "*"
"""Beside the baseline."""
_SHORT = {Verdict.NO_DIFFERENCE: "none shown", Verdict.TOO_FEW: "too few"}
_PARTS = {
    "data": "reading, moving and augmenting samples",
    "selection": "choosing: the pass that looks at samples, and the rule",
    "forward": "the passes that are differentiated",
    "backward": "the backward passes and the steps of the optimiser",
}


def columns(family: Family) -> tuple[Column[Summary], ...]:
    """Return the columns of a family, from left to right."""
    return (*_WHAT, *_metric(family), *_COSTS, *_parts(), *_REST)


def name(line: Summary) -> str:
    """Return the rule, the baseline with its mark."""
    return f"{line.rule} {MARK}" if line.baseline else line.rule


def verdict(line: Summary) -> str:
    """Return what may be said of the rule, and how many runs diverged."""
    found = line.comparison
    text = "baseline" if line.baseline else NOTHING
    if found is not None:
        text = _SHORT.get(found.verdict, str(found.verdict))
    if not line.diverged:
        return text
    lost = f"{line.diverged} of {line.seeds}"
    return f"{text} {lost}" if text == "diverged" else f"{text}, {lost} diverged"


def rate(value: float) -> str:
    """Return a learning rate."""
    return f"{value:.4g}"


def _seeds(line: Summary) -> str:
    found = line.comparison
    partners = found is None or found.pairs == line.seeds
    return str(line.seeds) if partners or found is None else f"{found.pairs}/{line.seeds}"


_WHAT: tuple[Column[Summary], ...] = (
    Column(
        heading="rule",
        meaning=f"what is trained on; {MARK} is the baseline that the others are compared with",
        cell=name,
    ),
    Column(
        heading="budget",
        meaning="the share of full training's backward passes",
        cell=lambda x: f"{100 * x.budget:.3g} %",
        value=lambda x: x.budget,
    ),
    Column(
        heading="seeds",
        meaning="runs; with a stroke, those of them that have a partner of the baseline's",
        cell=_seeds,
        value=lambda x: x.seeds,
    ),
)


def _metric(family: Family) -> tuple[Column[Summary], ...]:
    form = Format(family.metric)
    unit = f" {form.unit}" if form.unit else ""
    like = {id(x): g.lines[0].value.mean for g in family.groups for x in g.lines if g.baseline}

    def difference(line: Summary) -> str:
        found = line.comparison
        return NOTHING if found is None else form.difference(found, like.get(id(line)))

    return (
        Column(
            group=f"{family.metric}{unit}",
            heading="mean ± std",
            meaning=f"{family.better} is better; mean and standard deviation over the seeds, runs "
            "that diverged left out",
            cell=lambda x: form.spread(x.value),
            value=lambda x: x.value.mean,
        ),
        Column(
            group="less the baseline's",
            heading="(95 % interval)",
            meaning="mean difference over seeds, with the interval of Student's t, which holds for "
            "this rule alone",
            cell=difference,
            value=lambda x: None if x.comparison is None else x.comparison.difference,
        ),
        Column(
            heading="verdict",
            meaning="better or worse where a test says so of all rules of the report together "
            "(Holm, 5 %), else no difference is shown; not tested with too few seeds",
            cell=verdict,
        ),
    )


def _share(spread: Spread) -> str:
    return percent(spread.mean)


_COSTS: tuple[Column[Summary], ...] = (
    Column(
        heading="cost",
        meaning="the effective budget: the share of full training's cost, selection passes "
        "included, at 1 a forward and 2 a backward pass",
        cell=lambda x: _share(x.effective_budget),
        value=lambda x: x.effective_budget.mean,
    ),
    Column(
        heading="time",
        meaning="wall-clock time of training, evaluation left out; the mean of the seeds",
        cell=lambda x: duration(x.seconds.mean),
        value=lambda x: x.seconds.mean,
        rank=1,
    ),
)


def _parts() -> tuple[Column[Summary], ...]:
    return tuple(_part(part, meaning) for part, meaning in _PARTS.items())


def _part(part: str, meaning: str) -> Column[Summary]:
    return Column(
        group="of which",
        heading=part,
        meaning=meaning,
        cell=lambda x: duration(x.part(part).mean),
        value=lambda x: x.part(part).mean,
        rank=4,
    )


_REST: tuple[Column[Summary], ...] = (
    Column(
        heading="entropy",
        meaning="that of how often each sample was trained on, as a share of the largest possible: "
        "100 % is each equally often",
        cell=lambda x: _share(x.selected("entropy_share")),
        value=lambda x: x.selected("entropy_share").mean,
        rank=2,
    ),
    Column(
        heading="lr",
        meaning="the initial learning rate",
        cell=lambda x: ", ".join(map(rate, x.rates)),
        value=lambda x: x.rates[0],
        rank=3,
    ),
)
