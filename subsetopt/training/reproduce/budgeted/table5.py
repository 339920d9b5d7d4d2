"""What augmentation and importance sampling cost in time."""

from collections.abc import Sequence
from dataclasses import replace

from subsetopt.training.reproduce.checks import Pair, Term, exceeds, pairs, within
from subsetopt.training.reproduce.experiment import Claim, Experiment, Scale
from subsetopt.training.reproduce.parts import Cell, Part, keyed, seeded
from subsetopt.training.reproduce.published import table

from .setting import (
    AUGMENTATIONS,
    C10,
    C100,
    MIXUP,
    NOT_STATED,
    PAPER,
    RAND,
    RICAP,
    RULES,
    SB,
    SECONDS,
    SMALLER,
    STANDARD,
    UNIF,
    P,
    like,
)

MINUTES = """
    unif-SGD | 47 | 48 | 48 | 49
    p-SGD | 48 | 48 | 48 | 49
    SB | 91 | 93 | 93 | 95
"""
BUDGET = 0.3
TIMES = "times"
FIRST = Cell(UNIF, STANDARD)
RATIO = replace(SECONDS, name="time, as a share of unif-SGD's with standard", against=FIRST)


def make(scale: Scale, seeds: Sequence[int]) -> list[Part]:
    """Return the table; on CIFAR-10 in place of CIFAR-100 at the quick scale."""
    data = C10 if scale is Scale.QUICK else C100
    cells = {
        Cell(row, augmentation): like(data, scale, augmentation).but(rule=RULES[row], budget=BUDGET)
        for augmentation in AUGMENTATIONS
        for row in (UNIF, P, SB)
    }
    minutes = table(" | ".join(AUGMENTATIONS), MINUTES, 60)
    least = minutes[FIRST].mean
    ratios = {where: number.scaled(1 / least) for where, number in minutes.items()}
    published = keyed(ratios, RATIO.name)
    if scale is Scale.PAPER:
        published |= keyed(minutes, SECONDS.name)
    return [
        Part(
            label=TIMES,
            cells=seeded(seeds, cells),
            quantities=(RATIO, SECONDS),
            published=published,
            baseline=UNIF,
            x="augmentation",
        )
    ]


def _time(row: str, augmentation: str) -> Term:
    return Term(TIMES, Cell(row, augmentation), RATIO.name)


EXPERIMENT = Experiment(
    name="budgeted-table5",
    title="Wall-clock times",
    paper=PAPER,
    item="Table 5",
    did="The minutes of a training on CIFAR-100 at a budget of 0.3, on a GeForce GTX 1080Ti.",
    make=make,
    claims=(
        *(
            Claim(
                text=f"{augmentation} costs unif-SGD less than 10 % of time.",
                check=within([Pair(_time(UNIF, augmentation), _time(UNIF, STANDARD))], 0.1),
            )
            for augmentation in (RAND, MIXUP, RICAP)
        ),
        Claim(
            text="p-SGD costs less than 10 % of time more than unif-SGD, with every augmentation.",
            check=exceeds(pairs(TIMES, [P], UNIF, AUGMENTATIONS, RATIO.name), -0.1),
        ),
        Claim(
            text="SB takes at least half as much time again as unif-SGD, with every augmentation.",
            check=exceeds(pairs(TIMES, [UNIF], SB, AUGMENTATIONS, RATIO.name), 0.5),
        ),
    ),
    differs={
        Scale.QUICK: (
            "CIFAR-10 in place of CIFAR-100. " + SMALLER,
            "Times are of this machine, evaluation left out, and disturbed by other runs on it: "
            "--jobs 1 is the fairest. Ratios are taken seed by seed.",
        ),
        Scale.PAPER: (
            "Times are of this machine, evaluation left out: --jobs 1 is the fairest. Ratios are "
            "taken seed by seed.",
            *NOT_STATED,
        ),
    },
)
