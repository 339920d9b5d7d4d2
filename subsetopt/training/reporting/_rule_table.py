"""The table of rules and the sentences of a report."""

from collections import Counter
from collections.abc import Iterator

from subsetopt.report import Column, Table
from subsetopt.report._number_format import (
    NOTHING,
    ValueFormat,
    counted,
    duration,
    enumerated,
    percent,
)
from subsetopt.training.analysis import Analysis, GroupResult, RuleVerdict, Summary, TaskResult

SHARES = ("accuracy", "dice", "iou", "mean_iou")
"""Metrics from 0 to 1."""


class Format(ValueFormat):
    """How the numbers of one metric are written."""

    def __init__(self, metric: str) -> None:
        super().__init__(is_share=metric in SHARES)


MARK = "*"
"""Beside the baseline."""
_SHORT = {RuleVerdict.NO_DIFFERENCE: "not significant", RuleVerdict.TOO_FEW: "too few"}
_PARTS = {
    "data": "reading, moving and augmenting samples",
    "selection": "choosing: the pass that looks at samples, and the rule",
    "forward": "the passes that are differentiated",
    "backward": "the backward passes and the steps of the optimiser",
}
Summaries = tuple[Column[Summary], ...]


def rule_table(result: TaskResult) -> Table[Summary]:
    """Return one row for each rule at each budget, a section for each budget."""
    sections = [group.lines for group in result.groups]
    return Table.in_sections(columns(result), sections, name=f"Rules on {result.task}")


def columns(result: TaskResult) -> Summaries:
    """Return the columns of a result, from left to right."""
    return (*_RUNS, *_metric(result), *_COSTS, *map(_part, _PARTS), *_REST)


def name(line: Summary) -> str:
    """Return the rule, the baseline with its mark and, where these are others, its epochs."""
    longer = f", {counted(line.epochs, 'epoch')}" if line.is_longer else ""
    return f"{line.rule}{longer} {MARK}" if line.baseline else line.rule


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


def _seeds(line: Summary) -> str:
    found = line.comparison
    paired = "" if found is None or found.pairs == line.seeds else f"{found.pairs}/"
    return f"{paired}{line.seeds}"


def _rates(line: Summary) -> str:
    return ", ".join(f"{rate:.4g}" for rate in line.rates)


# fmt: off
_RUNS: Summaries = (
    Column("rule", cell=name, meaning=f"what is trained on; {MARK} is the baseline that the others "
           "are compared with"),
    Column("budget", "budget", lambda x: f"{100 * x:.3g} %",
           meaning="the share of full training's backward passes"),
    Column("seeds", "seeds", cell=_seeds, rank=1,
           meaning="runs; with a stroke, those of them that have a partner of the baseline's"),
)
_COSTS: Summaries = (
    Column("cost", lambda x: x.effective_budget.mean, percent, rank=1,
           meaning="the effective budget: the share of full training's cost, selection passes "
           "included, at 1 a forward and 2 a backward pass"),
    Column("time", lambda x: x.seconds.mean, duration, rank=2,
           meaning="wall-clock time of training, evaluation left out; the mean of the seeds"),
)
_REST: Summaries = (
    Column("entropy", lambda x: x.selected("entropy_share").mean, percent, rank=3,
           meaning="that of how often each sample was trained on, as a share of the largest "
           "possible: 100 % is each equally often"),
    Column("lr", lambda x: x.rates[0], cell=_rates, rank=4, meaning="the initial learning rate"),
)
# fmt: on


def _part(part: str) -> Column[Summary]:
    return Column(
        part,
        lambda x: x.part(part).mean,
        duration,
        group="of which",
        rank=5,
        meaning=_PARTS[part],
    )


def _metric(result: TaskResult) -> Summaries:
    form = Format(result.metric)
    like = {id(x): g.lines[0].value.mean for g in result.groups for x in g.lines if g.baseline}

    def difference(line: Summary) -> str:
        found = line.comparison
        return NOTHING if found is None else form.difference(found, like.get(id(line)))

    return (
        Column(
            "mean ± std",
            lambda x: x.value.mean,
            cell=lambda x: form.spread(x.value),
            group=f"{result.metric} {form.unit}".strip(),
            meaning=f"{result.better} is better; mean and standard deviation over the seeds, runs "
            "that diverged left out",
        ),
        Column(
            "(95 % interval)",
            lambda x: None if x.comparison is None else x.comparison.difference,
            cell=difference,
            group="less the baseline's",
            meaning="mean difference over seeds, with the interval of Student's t, which holds for "
            "this rule alone",
        ),
        Column(
            "verdict",
            cell=verdict,
            meaning="better or worse where a test says so of all rules of the report together "
            "(Holm, 5 %), else no difference is shown; not tested with too few seeds",
        ),
    )


_SWITCHES = ("nesterov", "compile", "tuning")
_USUAL = {
    "momentum": 0.0,
    "weight_decay": 0.0,
    "schedule": "constant",
    "augmentation": "none",
    "select_from": "batch",
    "precision": "float32",
    "evaluate_every": 1,
}


def conditions(result: TaskResult) -> str:
    """Return what the runs of a result have in common: what is not as usual, and the sizes."""
    found = []
    for name, value in result.setting.items():
        if name in _SWITCHES:
            found += [name] if value else []
        elif value is not None and value != _USUAL.get(name):
            found.append(f"{name.replace('_', ' ')} {value}")
    return ", ".join(found)


def where(group: GroupResult) -> str:
    """Return what the lines of a group have in common: ``budget of 10 %``."""
    if group.cost is not None:
        return f"cost of {100 * group.cost:.3g} %"
    if group.seconds is not None:
        return f"time of {duration(group.seconds)}"
    whole = " in whole batches" if group.baseline == "unif_sgd" else ""
    return f"budget of {100 * group.budget:.3g} %{whole}"


def findings(result: TaskResult) -> Iterator[str]:
    """Yield what may be concluded, budget by budget."""
    for group in result.groups:
        compared = [line for line in group.lines if line.comparison is not None]
        if not compared:
            continue
        budget = f"At a {where(group)}"
        parts = [
            f"{enumerated(rules)} {'is' if len(rules) == 1 else 'are'} {verdict}"
            for verdict in (RuleVerdict.BETTER, RuleVerdict.WORSE)
            if (rules := _with(compared, verdict))
        ]
        if parts:
            yield f"{budget}, {'; '.join(parts)} than {group.baseline}."
        elif any(
            line.comparison.verdict is not RuleVerdict.TOO_FEW
            for line in compared
            if line.comparison
        ):
            yield f"{budget}, no rule is shown to be better or worse than {group.baseline}."


_ITS = "its is the larger budget, or the longer training, whichever of those at hand was better."


def remarks(analysis: Analysis) -> Iterator[str]:
    """Yield notes on how to read the tables, and warnings."""
    if not analysis.groups:
        yield "There are no results."
    lines = [line for group in analysis.groups for line in group.lines]
    if analysis.tests:
        yield (
            "Pairs of runs have the seed in common. Intervals (95 %, Student's t) hold one by one; "
            f"verdicts hold all together, {counted(analysis.tests, 'test')} by Holm's method: the "
            "chance that any of them is false is at most 5 %."
        )
    if lost := sum(line.diverged for line in lines):
        yield (
            f"{counted(lost, 'run')} of {sum(line.seeds for line in lines)} diverged: means leave "
            "them out, and in comparisons they lose."
        )
    found = Counter(x.comparison.verdict for x in lines if x.comparison)
    if few := found[RuleVerdict.TOO_FEW]:
        yield f"{counted(few, 'comparison')} with fewer than 3 pairs of seeds: nothing is tested."
    if unpaired := sum(line.comparison.unpaired for line in lines if line.comparison):
        yield f"{counted(unpaired, 'run')} without a partner of the same seed: not compared."
    if any(group.baseline is None for group in analysis.groups):
        yield "Groups without the baseline are not compared."
    if any(group.cost is not None for group in analysis.groups):
        yield (
            "Rules are compared with runs of the baseline that cost as much, selection passes "
            f"included: {_ITS}"
        )
    if any(group.seconds is not None for group in analysis.groups):
        yield f"Rules are compared with runs of the baseline that took as long: {_ITS}"
    if any(len({x.rates for x in group.lines}) > 1 for group in analysis.groups):
        yield "Learning rates differ between rules: each was chosen for its rule."


def _with(lines: list[Summary], verdict: RuleVerdict) -> list[str]:
    return [x.rule for x in lines if x.comparison and x.comparison.verdict is verdict]
