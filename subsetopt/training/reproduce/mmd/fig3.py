"""Kernels."""

from collections.abc import Sequence

from subsetopt.training.reproduce.checks import exceeds
from subsetopt.training.reproduce.experiment import Claim, Experiment, Figure, Scale
from subsetopt.training.reproduce.parts import Part

from .setting import (
    C10,
    ERRORS,
    FINAL_ERROR,
    FULLY,
    MEAN_ERROR,
    PAPER,
    QUICKLY,
    RANDOM,
    RULES,
    SVHN,
    like,
    part,
    than_random,
)

LABEL = "kernels"
NARROW = "Gaussian 0.5"
_POLYNOMIAL = "mmd:features=scaled:kernel=polynomial:degree="
KERNELS = {
    "Gaussian 1": "mmd:features=scaled:scale=1",
    NARROW: "mmd:features=scaled:scale=0.5",
    "Polynomial 2": f"{_POLYNOMIAL}2",
    "Polynomial 3": f"{_POLYNOMIAL}3",
}
_BOTH = (FINAL_ERROR, MEAN_ERROR)


def make(scale: Scale, seeds: Sequence[int]) -> list[Part]:
    """Return the one part; on CIFAR-10 in place of SVHN at the quick scale."""
    first = like(C10 if scale is Scale.QUICK else SVHN, scale)
    return [part(LABEL, first, seeds, {RANDOM: RULES[RANDOM], **KERNELS}, ERRORS)]


EXPERIMENT = Experiment(
    name="mmd-fig3",
    title="Kernels",
    paper=PAPER,
    item="Figure 3",
    did="As Table 1 on SVHN with Gaussian kernels of spread 1 and 0.5 and polynomial ones of "
    "degree 2 and 3, beside random order. The figure prints no numbers.",
    make=make,
    claims=(
        *(
            Claim(
                text=f"{row} has lower mean and final errors than random order.",
                check=exceeds(than_random(LABEL, row, _BOTH)),
            )
            for row in KERNELS
            if row != NARROW
        ),
        Claim(
            text="Gaussian 0.5 is only marginally worse than random order: by less than 1 "
            "percentage point.",
            check=exceeds(than_random(LABEL, NARROW, _BOTH), -0.01),
        ),
    ),
    differs={
        Scale.QUICK: ("CIFAR-10 in place of SVHN.", *QUICKLY),
        Scale.PAPER: FULLY,
    },
    figure=Figure(over="epochs", metric="accuracy"),
)
