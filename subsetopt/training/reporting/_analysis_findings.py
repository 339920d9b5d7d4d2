"""What a report says in sentences: how it was measured, and what may be concluded."""

from collections import Counter
from collections.abc import Iterator

from subsetopt.report._number_format import counted, enumerated
from subsetopt.training.analysis import Analysis, GroupResult, RuleVerdict, Summary, TaskResult

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


def conditions(family: TaskResult) -> str:
    """Return what the runs of a family have in common: what is not as usual, and the sizes."""
    found = []
    for name, value in family.setting.items():
        if name in _SWITCHES:
            found += [name] if value else []
        elif value is not None and value != _USUAL.get(name):
            found.append(f"{name.replace('_', ' ')} {value}")
    return ", ".join(found)


def where(group: GroupResult) -> str:
    """Return what the lines of a group have in common: ``budget of 10 %``."""
    if group.cost is not None:
        return f"cost of {100 * group.cost:.3g} %"
    return f"budget of {100 * group.budget:.3g} %"


def findings(family: TaskResult) -> Iterator[str]:
    """Yield what may be concluded, budget by budget."""
    for group in family.groups:
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


def remarks(analysis: Analysis) -> Iterator[str]:
    """Yield what has to be known to read the tables, and what is amiss."""
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
            "Rules stand beside runs of the baseline that cost as much, selection passes included: "
            "theirs is the larger budget."
        )
    if any(len({x.rates for x in group.lines}) > 1 for group in analysis.groups):
        yield "Learning rates differ between rules: each was chosen for its rule."


def _with(lines: list[Summary], verdict: RuleVerdict) -> list[str]:
    return [x.rule for x in lines if x.comparison and x.comparison.verdict is verdict]
