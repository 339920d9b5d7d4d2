"""Regression."""

from collections.abc import Sequence

from subsetopt.training.reproduce.checks import exceeds
from subsetopt.training.reproduce.experiment import Claim, Experiment, Figure, Scale
from subsetopt.training.reproduce.parts import Part

from .setting import COMMON, LP, MAIN, PAPER, PROPOSED, both, chosen, part, recipe, than_random

LABEL = "regression"
QUANTITIES = both("rmse")


def make(scale: Scale, seeds: Sequence[int]) -> list[Part]:
    """Return the one part."""
    quick = scale is Scale.QUICK
    size = ":train=2000:test=1000" if quick else ":train=7000:test=3000"
    first = recipe(f"tabular:dataset=california{size}", scale, lr=0.01, quick_lr=0.01)
    first = first.but(epochs=21 if quick else 35)
    return [part(LABEL, first, seeds, chosen(MAIN, scale), QUANTITIES)]


_INSTEAD = (
    "IMDB-Wiki with a pre-trained ResNet is not to be had: California housing with a perceptron of "
    "two hidden layers of 64 in its place, learning rate 0.01; errors in standard deviations of "
    "the price.",
)

EXPERIMENT = Experiment(
    name="mmd-fig5",
    title="Regression",
    paper=PAPER,
    item="Figure 5",
    did="The age of faces of IMDB-Wiki, 7,000 for training and 3,000 for testing, ResNet-18 with a "
    "single output; otherwise as Table 1. The figure prints no numbers.",
    make=make,
    claims=tuple(
        Claim(
            text=f"{row} has a lower {quantity.name} over the epochs than random order.",
            check=exceeds(than_random(LABEL, row, [quantity])),
        )
        for row in (PROPOSED, LP)
        for quantity in QUANTITIES
    ),
    differs={
        Scale.QUICK: (
            *_INSTEAD,
            "2,000 training and 1,000 test samples, 21 epochs, 5 seeds.",
            *COMMON,
        ),
        Scale.PAPER: (*_INSTEAD, "The LP is left out, 5 seeds.", *COMMON),
    },
    seeds={Scale.QUICK: (0, 1, 2, 3, 4), Scale.PAPER: (0, 1, 2, 3, 4)},
    figure=Figure(over="epochs", metric="rmse"),
)
