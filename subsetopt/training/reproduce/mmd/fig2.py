"""Sizes of mini-batches."""

from collections.abc import Sequence

from subsetopt.training.reproduce.checks import Pair, exceeds, more_so
from subsetopt.training.reproduce.experiment import Claim, Experiment, Figure, Scale
from subsetopt.training.reproduce.parts import Part

from .setting import (
    C10,
    ERRORS,
    FINAL_ERROR,
    FULLY,
    LP,
    MAIN,
    MEAN_ERROR,
    PAPER,
    PROPOSED,
    QUICKLY,
    SVHN,
    chosen,
    like,
    part,
    than_random,
)

BATCHES = (64, 80, 100)


def label(size: int) -> str:
    """Return what a part is called."""
    return f"batches of {size}"


def make(scale: Scale, seeds: Sequence[int]) -> list[Part]:
    """Return a part for each size; on CIFAR-10 in place of SVHN at the quick scale."""
    first = like(C10 if scale is Scale.QUICK else SVHN, scale)
    rules = chosen(MAIN, scale)
    return [part(label(k), first.but(batch_size=k), seeds, rules, ERRORS) for k in BATCHES]


def _claims(row: str) -> tuple[Claim, ...]:
    def gains(size: int) -> list[Pair]:
        return than_random(label(size), row, [MEAN_ERROR])

    final = [x for k in BATCHES for x in than_random(label(k), row, [FINAL_ERROR, MEAN_ERROR])]
    return (
        Claim(
            text=f"{row} has lower mean and final errors than random order at every size.",
            check=exceeds(final),
        ),
        Claim(
            text=f"{row} gains more in mean error with batches of 100 than with 64.",
            check=more_so(gains(100), gains(64)),
        ),
    )


EXPERIMENT = Experiment(
    name="mmd-fig2",
    title="Sizes of mini-batches",
    paper=PAPER,
    item="Figure 2",
    did="As Table 1 on SVHN with batches of 64, 80 and 100, beside random order. The figure prints "
    "no numbers.",
    make=make,
    claims=(*_claims(PROPOSED), *_claims(LP)),
    differs={
        Scale.QUICK: ("CIFAR-10 in place of SVHN.", *QUICKLY),
        Scale.PAPER: FULLY,
    },
    figure=Figure(over="epochs", metric="accuracy"),
)
