"""Augmentation under budgets, on CIFAR."""

from collections.abc import Sequence

from subsetopt.training.reproduce.checks import exceeds, on_average, within
from subsetopt.training.reproduce.experiment import Claim, Experiment, Scale
from subsetopt.training.reproduce.parts import Part

from .augmented import beside, beside_full, between, parts_of
from .setting import (
    C10,
    C100,
    MIXUP,
    NOT_STATED,
    PAPER,
    RAND,
    RICAP,
    SB,
    SMALLER,
    STANDARD,
    UNIF,
    WHERE,
    P,
)

BUDGETS = ("0.2", "0.3", "0.5")
FEWER = ("0.2", "0.3")
BLOCKS = {
    (C10, STANDARD): """
        SGD | 94.80 ± 0.08
        unif-SGD | 92.83 ± 0.14 | 93.48 ± 0.05 | 93.98 ± 0.11
        p-SGD | 93.23 ± 0.14 | 93.63 ± 0.04 | 94.14 ± 0.11
        SB | 93.78 ± 0.11 | 94.06 ± 0.37 | 94.57 ± 0.18
    """,
    (C10, RAND): """
        SGD | 95.56 ± 0.12
        unif-SGD | 92.76 ± 0.16 | 93.78 ± 0.11 | 94.64 ± 0.08
        p-SGD | 92.95 ± 0.31 | 93.99 ± 0.28 | 94.91 ± 0.18
        SB | 93.27 ± 0.38 | 94.64 ± 0.07 | 95.27 ± 0.26
    """,
    (C10, MIXUP): """
        SGD | 95.82 ± 0.17
        unif-SGD | 93.64 ± 0.27 | 94.49 ± 0.04 | 95.18 ± 0.05
        p-SGD | 93.78 ± 0.04 | 94.41 ± 0.16 | 95.26 ± 0.06
        SB | 93.62 ± 0.36 | 93.92 ± 0.08 | 94.51 ± 0.17
    """,
    (C10, RICAP): """
        SGD | 96.17 ± 0.09
        unif-SGD | 93.85 ± 0.10 | 94.93 ± 0.29 | 95.47 ± 0.18
        p-SGD | 94.02 ± 0.18 | 94.79 ± 0.18 | 95.63 ± 0.15
        SB | 89.93 ± 0.84 | 93.64 ± 0.42 | 94.76 ± 0.02
    """,
    (C100, STANDARD): """
        SGD | 75.44 ± 0.16
        unif-SGD | 72.02 ± 0.24 | 72.74 ± 0.57 | 73.93 ± 0.16
        p-SGD | 71.72 ± 0.37 | 72.94 ± 0.37 | 74.06 ± 0.10
        SB | 71.96 ± 0.67 | 73.11 ± 0.42 | 74.35 ± 0.34
    """,
    (C100, RAND): """
        SGD | 75.52 ± 0.17
        unif-SGD | 71.44 ± 0.37 | 73.23 ± 0.29 | 74.78 ± 0.45
        p-SGD | 71.63 ± 0.27 | 72.91 ± 0.13 | 74.30 ± 0.04
        SB | 66.84 ± 1.15 | 73.79 ± 0.40 | 74.87 ± 0.18
    """,
    (C100, MIXUP): """
        SGD | 77.62 ± 0.40
        unif-SGD | 73.28 ± 0.51 | 75.13 ± 0.52 | 75.80 ± 0.34
        p-SGD | 73.35 ± 0.29 | 75.05 ± 0.15 | 75.87 ± 0.15
        SB | 73.38 ± 0.13 | 74.88 ± 0.31 | 75.57 ± 0.23
    """,
    (C100, RICAP): """
        SGD | 78.91 ± 0.07
        unif-SGD | 74.87 ± 0.28 | 76.27 ± 0.32 | 77.83 ± 0.15
        p-SGD | 74.59 ± 0.15 | 76.50 ± 0.22 | 77.58 ± 0.49
        SB | 56.66 ± 0.65 | 72.24 ± 0.58 | 76.26 ± 0.22
    """,
}


def make(scale: Scale, seeds: Sequence[int]) -> list[Part]:
    """Return a part for each data set and augmentation."""
    return parts_of(BLOCKS, scale, seeds, FEWER if scale is Scale.QUICK else BUDGETS, BUDGETS)


EXPERIMENT = Experiment(
    name="budgeted-table3",
    title="Augmentation under budgets, CIFAR",
    paper=PAPER,
    item="Table 3",
    did="As Table 2 with the linear schedule, with crops and mirroring (standard) and besides "
    "RandAugment (N = 2, M = 4), mixup or RICAP (alpha = 0.3); 3 runs.",
    make=make,
    claims=(
        *(
            Claim(
                text=f"{augmentation} makes unif-SGD more accurate than the standard augmentation "
                "does on CIFAR-10, on average of the budgets.",
                check=on_average(between(C10, augmentation, UNIF, FEWER)),
            )
            for augmentation in (RAND, MIXUP, RICAP)
        ),
        Claim(
            text="With mixup and RICAP on CIFAR-10, p-SGD gains less than 1 percentage point on "
            "unif-SGD.",
            check=within(beside(C10, (MIXUP, RICAP), P, UNIF, FEWER), 0.01),
        ),
        Claim(
            text="unif-SGD with RICAP at a budget of 0.3 is more accurate than full training with "
            "the standard augmentation on CIFAR-10.",
            check=exceeds(beside_full(C10, RICAP, UNIF, ("0.3",))),
        ),
        Claim(
            text="The same on CIFAR-100.",
            check=exceeds(beside_full(C100, RICAP, UNIF, ("0.3",))),
        ),
        Claim(
            text="At the budget of 0.2, RICAP makes SB less accurate than the standard "
            "augmentation does on CIFAR-10.",
            check=exceeds(between(C10, STANDARD, SB, ("0.2",), than=RICAP)),
        ),
    ),
    differs={
        Scale.QUICK: (SMALLER, "Budgets of 0.2 and 0.3 of three.", *WHERE),
        Scale.PAPER: (*NOT_STATED, *WHERE),
    },
)
