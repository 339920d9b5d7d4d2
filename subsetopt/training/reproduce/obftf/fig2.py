"""MNIST, a perceptron with two hidden layers."""

from collections.abc import Sequence

from subsetopt.training.reproduce.checks import Pair, Term, exceeds, pairs, within
from subsetopt.training.reproduce.experiment import Claim, Experiment, Scale
from subsetopt.training.reproduce.parts import Cell, Part, seeded
from subsetopt.training.run import Run

from .methods import OBFTF, OTHERS, PAPER, READINGS, RULES, UNIFORM

RATIOS = ("0.1", "0.15", "0.2", "0.25", "0.3", "0.4", "0.5")
FEWER = ("0.1", "0.25", "0.5")
MNIST = "MNIST"
MARGIN = 0.005


def make(scale: Scale, seeds: Sequence[int]) -> list[Part]:
    """Return the one panel."""
    quick = scale is Scale.QUICK
    epochs = 3 if quick else 500
    like = Run.of("mnist", epochs=epochs, evaluate_every=epochs if quick else 10)
    cells = {
        Cell(row, ratio): like.but(rule=rule, budget=float(ratio))
        for ratio in (FEWER if quick else RATIOS)
        for row, rule in RULES.items()
    }
    return [Part(label=MNIST, cells=seeded(seeds, cells), baseline=UNIFORM, x="sampling ratio")]


def _than_half(rows: Sequence[str]) -> list[Pair]:
    one = Term(MNIST, Cell(OBFTF, "0.25"))
    return [Pair(one, Term(MNIST, Cell(row, "0.5"))) for row in rows]


_REST = [pair for row in OTHERS for pair in pairs(MNIST, [OBFTF], row, ("0.1", "0.25"))]
_HALF = [pair for row in OTHERS for pair in pairs(MNIST, [row], OBFTF, ("0.5",))]

EXPERIMENT = Experiment(
    name="obftf-fig2",
    title="MNIST under sampling ratios",
    paper=PAPER,
    item="Figure 2",
    did="A perceptron with two hidden layers of 256, 500 epochs, batches of 128, learning rate "
    "0.1, no augmentation. The figure plots accuracy over the sampling ratio and prints no "
    "numbers.",
    make=make,
    claims=(
        Claim(
            text="OBFTF is more accurate than all others at ratios of 0.1 to 0.25.",
            check=exceeds(_REST),
        ),
        Claim(
            text="At a ratio of 0.5 all methods are alike (within 0.5 percentage points of OBFTF).",
            check=within(_HALF, MARGIN),
        ),
        Claim(
            text="OBFTF at 0.25 is more accurate than every method at 0.5.",
            check=exceeds(_than_half([*OTHERS, OBFTF])),
        ),
    ),
    differs={
        Scale.QUICK: ("3 epochs of 500, 3 ratios, 3 seeds.", *READINGS),
        Scale.PAPER: (
            "The paper states neither the optimiser's momentum, the schedule nor the number of "
            "runs: none, constant, 5 seeds.",
            *READINGS,
        ),
    },
    seeds={Scale.QUICK: (0, 1, 2), Scale.PAPER: (0, 1, 2, 3, 4)},
)
