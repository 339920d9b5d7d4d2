"""Linear regression, without and with outliers."""

from collections.abc import Sequence
from dataclasses import replace

from subsetopt.training.reproduce.checks import Pair, Term, exceeds, pairs, steadier, within
from subsetopt.training.reproduce.experiment import Claim, Experiment, Figure, Scale
from subsetopt.training.reproduce.parts import Cell, Part, Quantity, final, seeded
from subsetopt.training.result import Result
from subsetopt.training.run import Run
from subsetopt.training.tasks.linreg import NOISE

from .methods import (
    MINK_DRAWN,
    MINK_LOWEST,
    OBFTF,
    OTHERS,
    PAPER,
    READINGS,
    RULES,
    SB,
    UNIFORM,
)

RATIOS = {
    "without outliers": ("0.01", "0.02", "0.05", "0.1", "0.15"),
    "with 20 outliers": ("0.01", "0.02", "0.05", "0.1", "0.15", "0.2", "0.3", "0.4", "0.5"),
}
CLEAN, OUTLIERS = RATIOS
FEWER = ("0.01", "0.02", "0.05", "0.1", "0.15", "0.3", "0.5")
MARGIN = 0.5
"""Of the loss: what counts as comparable; the noise alone makes 8.3."""
EXCESS = "excess test loss"
EPOCHS = 50


def make(scale: Scale, seeds: Sequence[int]) -> list[Part]:
    """Return both panels."""
    return [_panel(label, scale, seeds) for label in RATIOS]


def _panel(label: str, scale: Scale, seeds: Sequence[int]) -> Part:
    task = "linreg" if label == CLEAN else "linreg:outliers=20"
    ratios = [r for r in RATIOS[label] if scale is Scale.PAPER or r in FEWER]
    like = Run.of(task, epochs=EPOCHS, evaluate_every=EPOCHS)
    cells = {
        Cell(row, ratio): like.but(rule=rule, budget=float(ratio))
        for ratio in ratios
        for row, rule in RULES.items()
    }
    return Part(
        label=label,
        cells=seeded(seeds, cells),
        quantities=(
            Quantity(name=EXCESS, of=_excess, better="lower"),
            replace(final("loss", "lower", "test loss"), tested=False),
        ),
        baseline=UNIFORM,
        x="sampling ratio",
    )


def _excess(result: Result) -> float:
    return result.final["loss"] - float(result.facts.get("test_noise", NOISE))


def _beside(
    part: str, row: str, others: Sequence[str], ratios: Sequence[str], quantity: str = EXCESS
) -> list[Pair]:
    return [
        Pair(Term(part, Cell(row, ratio), quantity), Term(part, Cell(other, ratio), quantity))
        for ratio in ratios
        for other in others
        if other != row
    ]


def _low(row: str, other: str) -> list[Pair]:
    return pairs(OUTLIERS, [row], other, ("0.01", "0.05", "0.1"), EXCESS)


def _course(row: str) -> list[Term]:
    return [Term(OUTLIERS, Cell(row, ratio), EXCESS) for ratio in FEWER]


def _of_mink(mink: str) -> tuple[Claim, ...]:
    rivals = [UNIFORM, OBFTF, SB]
    return (
        Claim(
            text=f"Without outliers, {mink} beats Uniform, OBFTF and Selective-Backprop at ratios "
            "below 0.05.",
            check=exceeds(_beside(CLEAN, mink, rivals, ("0.01", "0.02"))),
        ),
        Claim(
            text=f"With outliers, {mink} is comparable to OBFTF below 0.15 (losses less than "
            f"{MARGIN:g} apart).",
            check=within(_low(mink, OBFTF), MARGIN),
        ),
        Claim(
            text=f"With outliers, the loss of {mink} changes more from ratio to ratio than that of "
            "OBFTF.",
            check=steadier(_course(OBFTF), _course(mink)),
        ),
    )


_NOT_STATED = (
    "The paper states neither the distribution of x nor batch size, learning rate, epochs or "
    f"number of runs: here x is U(-10, 10), batches are of 100, {EPOCHS} epochs, and the learning "
    "rate falls linearly from 0.005.",
    "How the paper normalises the loss is not stated: the excess here is the test loss less that "
    "of the line itself on the same samples, which is about 25/3, the variance of the noise.",
)

EXPERIMENT = Experiment(
    name="obftf-fig1",
    title="Linear regression, without and with outliers",
    paper=PAPER,
    item="Figure 1",
    did="A line fitted to 1,000 samples of y = 2 x + 1 + U(-5, 5), of which 20 may be outliers, "
    "from a share of each batch; 10,000 test samples. The figure plots the normalised test loss "
    "over the sampling ratio and prints no numbers.",
    make=make,
    claims=(
        *_of_mink(MINK_DRAWN),
        *_of_mink(MINK_LOWEST),
        Claim(
            text="Without outliers, OBFTF is the best of all at ratios of 0.1 to 0.15.",
            check=exceeds(_beside(CLEAN, OBFTF, OTHERS, ("0.1", "0.15"))),
        ),
        Claim(
            text="With outliers, Selective-Backprop is comparable to OBFTF below 0.15 (losses less "
            f"than {MARGIN:g} apart).",
            check=within(_low(SB, OBFTF), MARGIN),
        ),
        Claim(
            text="With outliers, the loss of Selective-Backprop changes more from ratio to ratio "
            "than that of OBFTF.",
            check=steadier(_course(OBFTF), _course(SB)),
        ),
        Claim(
            text="With outliers, OBFTF is the best of all at ratios of 0.15 to 0.5.",
            check=exceeds(_beside(OUTLIERS, OBFTF, OTHERS, ("0.15", "0.3", "0.5"))),
        ),
    ),
    differs={
        Scale.QUICK: (
            "Fewer ratios and 5 seeds; otherwise as at the scale of the paper.",
            *_NOT_STATED,
            *READINGS,
        ),
        Scale.PAPER: (
            "10 seeds.",
            *_NOT_STATED,
            *READINGS,
        ),
    },
    seeds={Scale.QUICK: tuple(range(5)), Scale.PAPER: tuple(range(10))},
    figure=Figure(quantities=2, log=True),
)
