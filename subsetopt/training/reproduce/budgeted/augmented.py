"""Tables of methods under budgets, a block for each augmentation."""

from collections.abc import Iterable, Mapping, Sequence

from subsetopt.training.reproduce.checks import Pair, Term, pairs
from subsetopt.training.reproduce.experiment import Scale
from subsetopt.training.reproduce.parts import Cell, Part
from subsetopt.training.reproduce.published import table

from .setting import AUGMENTATIONS, FULL, SB, SGD, STANDARD, UNIF, P, part

Blocks = Mapping[tuple[str, str], str]
"""By data set and augmentation: a row in each line; a first line of SGD alone is full training."""
ROWS = (UNIF, P, SB)


def label(data: str, augmentation: str) -> str:
    """Return what a part is called."""
    return f"{data}, {augmentation}"


def parts_of(
    blocks: Blocks,
    scale: Scale,
    seeds: Sequence[int],
    budgets: Sequence[str],
    shown: Sequence[str],
    full: bool = True,
) -> list[Part]:
    """Return a part for each block.

    Parameters
    ----------
    blocks : Blocks
    scale : Scale
    seeds : sequence of int
    budgets : sequence of str
        To be run.
    shown : sequence of str
        Those of the table.
    full : bool
        Whether full training is beside them.
    """
    found = []
    for (data, augmentation), text in blocks.items():
        first, _, rest = text.strip().partition("\n")
        if not full:
            first, rest = "", text
        published = table(" | ".join(shown), rest, 0.01)
        if full:
            published |= table(FULL, first, 0.01)
        found.append(
            part(
                data,
                scale,
                seeds,
                rows=ROWS,
                budgets=budgets,
                published=published,
                label=label(data, augmentation),
                augmentation=augmentation,
                full=full,
            )
        )
    return found


def between(
    data: str, augmentation: str, row: str, budgets: Iterable[str], than: str = STANDARD
) -> list[Pair]:
    """Return a method with one augmentation beside itself with another."""
    other = label(data, than)
    return pairs(label(data, augmentation), [row], "", budgets, than_part=other)


def beside(
    data: str, augmentations: Iterable[str], row: str, than: str, budgets: Iterable[str]
) -> list[Pair]:
    """Return a method beside another, with the same augmentation."""
    chosen = list(budgets)
    return [
        pair
        for augmentation in augmentations
        for pair in pairs(label(data, augmentation), [row], than, chosen)
    ]


def beside_full(data: str, augmentation: str, row: str, budgets: Iterable[str]) -> list[Pair]:
    """Return a method under a budget beside full training with the standard augmentation."""
    like = Term(label(data, STANDARD), Cell(SGD, FULL))
    return [Pair(Term(label(data, augmentation), Cell(row, budget)), like) for budget in budgets]


ALL = tuple(AUGMENTATIONS)
