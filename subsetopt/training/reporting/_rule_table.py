"""The table of rules."""

from subsetopt.report import Column, Table
from subsetopt.report._number_format import NOTHING, duration, percent
from subsetopt.training.analysis import RuleVerdict, Summary, TaskResult

from ._metric_format import Format

MARK = "*"
"""Beside the baseline."""
_SHORT = {RuleVerdict.NO_DIFFERENCE: "none shown", RuleVerdict.TOO_FEW: "too few"}
_PARTS = {
    "data": "reading, moving and augmenting samples",
    "selection": "choosing: the pass that looks at samples, and the rule",
    "forward": "the passes that are differentiated",
    "backward": "the backward passes and the steps of the optimiser",
}
Summaries = tuple[Column[Summary], ...]


def rule_table(family: TaskResult) -> Table[Summary]:
    """Return one row for each rule at each budget, a section for each budget."""
    sections = [group.lines for group in family.groups]
    return Table.in_sections(columns(family), sections, name=f"Rules on {family.task}")


def columns(family: TaskResult) -> Summaries:
    """Return the columns of a family, from left to right."""
    return (*_RUNS, *_metric(family), *_COSTS, *map(_part, _PARTS), *_REST)


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


def _metric(family: TaskResult) -> Summaries:
    form = Format(family.metric)
    like = {id(x): g.lines[0].value.mean for g in family.groups for x in g.lines if g.baseline}

    def difference(line: Summary) -> str:
        found = line.comparison
        return NOTHING if found is None else form.difference(found, like.get(id(line)))

    return (
        Column(
            "mean ± std",
            lambda x: x.value.mean,
            cell=lambda x: form.spread(x.value),
            group=f"{family.metric} {form.unit}".strip(),
            meaning=f"{family.better} is better; mean and standard deviation over the seeds, runs "
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
