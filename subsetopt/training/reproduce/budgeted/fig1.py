"""Variety: fixed core-sets beside new samples in each epoch, and the entropy of sample counts."""

from collections.abc import Sequence

from subsetopt.training.reproduce.checks import Pair, Term, exceeds, pairs
from subsetopt.training.reproduce.experiment import Claim, Experiment, Scale
from subsetopt.training.reproduce.parts import ACCURACY, Cell, Part, Quantity, seeded
from subsetopt.training.run import Run

from .setting import C10, C100, FULL, NOT_STATED, PAPER, RICAP, SGD, SMALLER, UNIF, WHERE, like

BUDGETS = ("0.1", "0.2", "0.3", "0.5")
FEWER = ("0.1", "0.3")
RANDOM, CORESET = "Random", "Core-set"
PLAIN, SMOOTH = "step, no smoothing", "step, smoothing"
LINEAR, VARIED = "linear, smoothing", "linear, smoothing, RICAP"
ENTROPY = Quantity(
    name="entropy of sample counts", of=lambda result: result.selected["entropy"], better="higher"
)
BUDGET = 0.3


def subsets(data: str) -> str:
    """Return what the part with fixed subsets is called."""
    return f"{data}, subsets"


def counts(data: str) -> str:
    """Return what the part with p-SGD is called."""
    return f"{data}, p-SGD at {BUDGET:g}"


def make(scale: Scale, seeds: Sequence[int]) -> list[Part]:
    """Return panels (a) and (c), and (b) and (d)."""
    return [
        part
        for data in (C10, C100)
        for part in (_subsets(data, scale, seeds), _counts(data, scale, seeds))
    ]


def _subsets(data: str, scale: Scale, seeds: Sequence[int]) -> Part:
    first = like(data, scale)
    rules = {UNIF: "unif_sgd", RANDOM: "coreset", CORESET: "coreset:features=inputs"}
    cells = {
        Cell(row, budget): first.but(rule=rule, budget=float(budget))
        for budget in (FEWER if scale is Scale.QUICK else BUDGETS)
        for row, rule in rules.items()
    }
    cells[Cell(SGD, FULL)] = first
    return Part(label=subsets(data), cells=seeded(seeds, cells), baseline=UNIF)


def _counts(data: str, scale: Scale, seeds: Sequence[int]) -> Part:
    step, linear = like(data, scale, schedule="step"), like(data, scale)
    varied = like(data, scale, RICAP)
    runs: dict[str, Run] = {
        PLAIN: step.but(rule="p_sgd:smoothing=0"),
        SMOOTH: step.but(rule="p_sgd"),
        LINEAR: linear.but(rule="p_sgd"),
        VARIED: varied.but(rule="p_sgd"),
    }
    cells = {Cell(row): run.but(budget=BUDGET) for row, run in runs.items()}
    return Part(
        label=counts(data),
        cells=seeded(seeds, cells),
        quantities=(ENTROPY, ACCURACY),
        baseline=PLAIN,
        x="",
    )


def _more(row: str, than: str, quantity: str) -> list[Pair]:
    return pairs(counts(C10), [row], than, quantity=quantity)


_STEPS = (
    (SMOOTH, PLAIN, "Smoothing"),
    (LINEAR, SMOOTH, "The linear schedule"),
    (VARIED, LINEAR, "RICAP"),
)

_SAME = (
    "The core-set of the paper needs a trained model; here it is one whose mean of the projected "
    "inputs is that of all samples.",
    "p-SGD always averages its predictions over the epochs: the step from the last prediction to "
    "the average is not shown.",
)

EXPERIMENT = Experiment(
    name="budgeted-fig1",
    title="Variety of samples",
    paper=PAPER,
    item="Figure 1",
    did="Accuracy on CIFAR of a fixed core-set, a fixed random subset and new random samples in "
    "each epoch, over budgets; and the entropy of how often p-SGD sees each sample at a budget of "
    "0.3, with additions. The figure prints no numbers.",
    make=make,
    claims=(
        *(
            Claim(
                text=f"unif-SGD is more accurate than a fixed subset ({row}) on {data}.",
                check=exceeds(pairs(subsets(data), [UNIF], row, FEWER)),
            )
            for data in (C10, C100)
            for row in (RANDOM, CORESET)
        ),
        Claim(
            text="unif-SGD at a budget of 0.3 comes within 3 percentage points of full training on "
            "CIFAR-10.",
            check=exceeds(
                [Pair(Term(subsets(C10), Cell(UNIF, "0.3")), Term(subsets(C10), Cell(SGD, FULL)))],
                -0.03,
            ),
        ),
        *(
            Claim(
                text=f"{what} raises the entropy of the counts of p-SGD on CIFAR-10.",
                check=exceeds(_more(row, than, ENTROPY.name)),
            )
            for row, than, what in _STEPS
        ),
        *(
            Claim(
                text=f"{what} raises the accuracy of p-SGD with it.",
                check=exceeds(_more(row, than, ACCURACY.name)),
            )
            for row, than, what in _STEPS
        ),
    ),
    differs={
        Scale.QUICK: (SMALLER, "Budgets of 0.1 and 0.3.", *_SAME, *WHERE),
        Scale.PAPER: ("The budgets of the figure are not stated.", *_SAME, *NOT_STATED, *WHERE),
    },
)
