"""Four ways to put mini-batches together, on three data sets."""

from collections.abc import Sequence

from subsetopt.training.reproduce.checks import exceeds, pairs, unlike
from subsetopt.training.reproduce.experiment import Claim, Experiment, Figure, Scale
from subsetopt.training.reproduce.parts import Cell, Part
from subsetopt.training.reproduce.published import Number, table

from .setting import (
    C10,
    DPP,
    ERRORS,
    FINAL_ERROR,
    FULLY,
    LP,
    MEAN_ERROR,
    MNIST,
    PAPER,
    PROPOSED,
    QUICKLY,
    RANDOM,
    SUBMOD,
    SVHN,
    chosen,
    like,
    part,
    than_random,
)

DATA = (MNIST, C10, SVHN)
ROWS = (RANDOM, DPP, SUBMOD, PROPOSED)
PUBLISHED = {
    MNIST: """
        mean error | 0.60 | 6.68 | 1.53 | 0.60
        final error | 0.58 | 0.55 | 0.67 | 0.57
        mean loss | 0.02 | 0.41 | 0.05 | 0.02
        final loss | 0.01 | 0.02 | 0.02 | 0.01
    """,
    C10: """
        mean error | 5.82 | 5.52 | 8.13 | 5.78
        final error | 5.46 | 5.57 | 5.82 | 5.25
        mean loss | 0.21 | 0.21 | 0.30 | 0.21
        final loss | 0.19 | 0.19 | 0.21 | 0.19
    """,
    SVHN: """
        mean error | 5.45 | 5.62 | 5.29 | 5.28
        final error | 5.07 | 4.84 | 4.48 | 4.76
        mean loss | 0.24 | 0.25 | 0.22 | 0.24
        final loss | 0.23 | 0.22 | 0.19 | 0.22
    """,
}
MARGIN = 0.002


def published(data: str) -> dict[tuple[str, Cell], Number]:
    """Return the numbers of a data set, errors as shares."""
    found = table(" | ".join(ROWS), PUBLISHED[data])
    return {
        (quantity, Cell(row)): number.scaled(0.01 if "error" in quantity else 1)
        for (quantity, row), number in found.items()
    }


def make(scale: Scale, seeds: Sequence[int]) -> list[Part]:
    """Return a part for each data set."""
    rules = chosen((*ROWS, LP), scale)
    return [part(d, like(d, scale), seeds, rules, ERRORS, published(d)) for d in DATA]


def _never_worse(row: str) -> Claim:
    errors = (MEAN_ERROR, FINAL_ERROR)
    return Claim(
        text=f"{row} is as good as random order or better on every data set, in mean and final "
        f"error (not more than {100 * MARGIN:g} percentage points worse).",
        check=exceeds([x for data in DATA for x in than_random(data, row, errors)], -MARGIN),
    )


def _better(row: str, data: str, one: str) -> Claim:
    return Claim(
        text=f"{row} has a lower {one} than random order on {data}.",
        check=exceeds(pairs(data, [row], RANDOM, quantity=one)),
    )


EXPERIMENT = Experiment(
    name="mmd-table1",
    title="Mini-batch sequences on three data sets",
    paper=PAPER,
    item="Table 1 and Figure 1",
    did="A pre-trained ResNet-18, 35 epochs, batches of 50, learning rate 0.001, a tenth every 10 "
    "epochs, momentum 0.9, L2 0.0005, a Gaussian kernel of parameter 1; one run of each, of random "
    "order the mean of 3. Mean over the epochs and final value of test error and loss.",
    make=make,
    claims=(
        *(_never_worse(row) for row in (PROPOSED, LP)),
        *(_better(row, C10, FINAL_ERROR.name) for row in (PROPOSED, LP)),
        *(_better(row, SVHN, FINAL_ERROR.name) for row in (PROPOSED, LP)),
        Claim(
            text="Submod has the lowest final error on SVHN.",
            check=exceeds(
                [
                    pair
                    for row in (RANDOM, DPP, PROPOSED)
                    for pair in pairs(SVHN, [SUBMOD], row, quantity=FINAL_ERROR.name)
                ]
            ),
        ),
        Claim(
            text="Submod is not consistent: it is not as good as random order in mean error on "
            "every data set.",
            check=unlike(
                exceeds([x for d in DATA for x in than_random(d, SUBMOD, [MEAN_ERROR])], -MARGIN)
            ),
        ),
        Claim(
            text="With DPP the error falls more slowly on MNIST: its mean over the epochs is "
            "higher than that of random order.",
            check=exceeds(pairs(MNIST, [RANDOM], DPP, quantity=MEAN_ERROR.name)),
        ),
        Claim(
            text="DPP has the lowest mean error on CIFAR-10.",
            check=exceeds(
                [
                    pair
                    for row in (RANDOM, SUBMOD, PROPOSED)
                    for pair in pairs(C10, [DPP], row, quantity=MEAN_ERROR.name)
                ]
            ),
        ),
    ),
    differs={Scale.QUICK: QUICKLY, Scale.PAPER: FULLY},
    figure=Figure(over="epochs", metric="accuracy"),
)
