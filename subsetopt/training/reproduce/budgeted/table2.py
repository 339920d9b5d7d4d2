"""Six methods under budgets, with two schedules of the learning rate."""

from collections.abc import Sequence

from subsetopt.training.reproduce.checks import (
    Pair,
    Term,
    exceeds,
    on_average,
    pairs,
    unlike,
    within,
)
from subsetopt.training.reproduce.experiment import Claim, Experiment, Scale
from subsetopt.training.reproduce.parts import Cell, Part
from subsetopt.training.reproduce.published import table

from .setting import (
    C10,
    C100,
    FULL,
    NOT_STATED,
    OSGD,
    OSGD_KEEPS_ALL,
    PAPER,
    SB,
    SCAN,
    SMALLER,
    UNIF,
    WHERE,
    C,
    P,
    part,
)

BUDGETS = ("0.2", "0.3", "0.5")
FEWER = ("0.2", "0.5")
ROWS = (SCAN, UNIF, P, C, SB, OSGD)
STEP, LINEAR = "step schedule", "linear schedule"
SCHEDULES = {STEP: "step", LINEAR: "linear"}
FULLY = {
    (C10, STEP): "94.58 ± 0.33",
    (C10, LINEAR): "94.80 ± 0.08",
    (C100, STEP): "74.56 ± 0.06",
    (C100, LINEAR): "75.44 ± 0.16",
}
PUBLISHED = {
    (C10, STEP): """
        scan-SGD | 92.03 ± 0.24 | 93.06 ± 0.15 | 93.80 ± 0.15
        unif-SGD | 91.82 ± 0.05 | 92.69 ± 0.07 | 93.71 ± 0.07
        p-SGD | 92.28 ± 0.05 | 92.91 ± 0.18 | 93.85 ± 0.07
        c-SGD | 91.70 ± 0.25 | 92.83 ± 0.30 | 93.71 ± 0.15
        SB | 93.37 ± 0.11 | 93.86 ± 0.27 | 94.21 ± 0.13
        OSGD | 90.61 ± 0.31 | 91.78 ± 0.30 | 93.45 ± 0.10
    """,
    (C100, STEP): """
        scan-SGD | 70.89 ± 0.23 | 72.31 ± 0.22 | 73.49 ± 0.20
        unif-SGD | 70.36 ± 0.30 | 72.03 ± 0.47 | 73.36 ± 0.20
        p-SGD | 70.24 ± 0.28 | 72.11 ± 0.39 | 72.94 ± 0.36
        c-SGD | 69.86 ± 0.36 | 71.56 ± 0.27 | 73.02 ± 0.34
        SB | 70.94 ± 0.38 | 72.25 ± 0.68 | 73.39 ± 0.37
        OSGD | 70.09 ± 0.25 | 72.18 ± 0.35 | 73.39 ± 0.22
    """,
    (C10, LINEAR): """
        scan-SGD | 92.95 ± 0.07 | 93.55 ± 0.21 | 94.22 ± 0.16
        unif-SGD | 92.83 ± 0.14 | 93.48 ± 0.05 | 93.98 ± 0.11
        p-SGD | 93.23 ± 0.14 | 93.63 ± 0.04 | 94.14 ± 0.11
        c-SGD | 92.95 ± 0.17 | 93.54 ± 0.07 | 94.11 ± 0.24
        SB | 93.78 ± 0.11 | 94.06 ± 0.37 | 94.57 ± 0.18
        OSGD | 91.87 ± 0.36 | 93.00 ± 0.08 | 93.93 ± 0.22
    """,
    (C100, LINEAR): """
        scan-SGD | 72.04 ± 0.42 | 72.97 ± 0.07 | 73.90 ± 0.43
        unif-SGD | 72.02 ± 0.24 | 72.74 ± 0.57 | 73.93 ± 0.16
        p-SGD | 71.72 ± 0.37 | 72.94 ± 0.37 | 74.06 ± 0.10
        c-SGD | 71.37 ± 0.49 | 72.33 ± 0.18 | 73.93 ± 0.35
        SB | 71.96 ± 0.67 | 73.11 ± 0.42 | 74.35 ± 0.34
        OSGD | 71.25 ± 0.11 | 72.56 ± 0.36 | 73.40 ± 0.14
    """,
}


def label(data: str, schedule: str) -> str:
    """Return what a part is called."""
    return f"{data}, {schedule}"


def make(scale: Scale, seeds: Sequence[int]) -> list[Part]:
    """Return a part for each data set and schedule."""
    return [
        part(
            data,
            scale,
            seeds,
            rows=ROWS,
            budgets=FEWER if scale is Scale.QUICK else BUDGETS,
            published=table(" | ".join(BUDGETS), PUBLISHED[data, schedule], 0.01)
            | table(FULL, f"SGD | {FULLY[data, schedule]}", 0.01),
            label=label(data, schedule),
            schedule=SCHEDULES[schedule],
        )
        for data in (C10, C100)
        for schedule in SCHEDULES
    ]


def _steps(row: str, than: str, data: str = C10) -> list[Pair]:
    return pairs(label(data, STEP), [row], than, FEWER)


def _schedules(row: str) -> list[Pair]:
    return pairs(label(C10, LINEAR), [row], "", FEWER, than_part=label(C10, STEP))


_EVERY = [x for row in (SCAN, P, C, OSGD) for x in _steps(row, UNIF)]
_ON_PAR = [
    Pair(Term(label(C10, LINEAR), Cell(UNIF, b)), Term(label(C10, STEP), Cell(SB, b)))
    for b in FEWER
]

EXPERIMENT = Experiment(
    name="budgeted-table2",
    title="Methods and schedules under budgets",
    paper=PAPER,
    item="Table 2",
    did="ResNet-18 on CIFAR, 200 epochs of a share B of the samples, batches of 128, momentum 0.9, "
    "learning rate 0.1: in steps (a tenth at 1/3 and 2/3) or linearly to zero; 3 runs. The "
    "forward passes of SB are not counted as budget.",
    make=make,
    claims=(
        Claim(
            text="With steps on CIFAR-10, all methods but SB come within 2 percentage points of "
            "unif-SGD at the same budget.",
            check=within(_EVERY, 0.02),
        ),
        Claim(
            text="With steps on CIFAR-10, SB is more accurate than unif-SGD at every budget.",
            check=exceeds(_steps(SB, UNIF)),
        ),
        Claim(
            text="p-SGD is not more accurate than unif-SGD at every budget on CIFAR-10.",
            check=unlike(exceeds(_steps(P, UNIF))),
        ),
        Claim(
            text="p-SGD is not more accurate than unif-SGD at every budget on CIFAR-100.",
            check=unlike(exceeds(_steps(P, UNIF, C100))),
        ),
        *(
            Claim(
                text=f"The linear schedule is better than steps for {row} on CIFAR-10, on average "
                "of the budgets.",
                check=on_average(_schedules(row)),
            )
            for row in ROWS
        ),
        Claim(
            text="unif-SGD with the linear schedule is on par with SB with steps on CIFAR-10 (less "
            "than 1 percentage point below it).",
            check=exceeds(_ON_PAR, -0.01),
        ),
    ),
    differs={
        Scale.QUICK: (SMALLER, OSGD_KEEPS_ALL, "Budgets of 0.2 and 0.5 of three.", *WHERE),
        Scale.PAPER: (*NOT_STATED, *WHERE),
    },
)
