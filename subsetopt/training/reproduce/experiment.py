"""What a published experiment is, and at which scales it can be run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from subsetopt.training.naming import Named
from subsetopt.training.run import Run

from .checks import Check
from .parts import Cell, Part
from .published import Number


class Scale(StrEnum):
    """How much is run."""

    QUICK = "quick"
    """Minutes on two processors: fewer samples, smaller models, fewer epochs."""
    PAPER = "paper"
    """As published, whatever it takes."""
    SMOKE = "smoke"
    """Seconds: whether everything works, and nothing else."""


_SMOKE = {"train": 48, "test": 24}
_LIMITED = ("mnist", "fashion-mnist", "cifar10", "cifar100", "svhn", "segmentation", "tabular")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement of the paper's text, in other words, and how it is checked.

    Parameters
    ----------
    text : str
    check : callable
        From what was measured to a `Finding`.
    """

    text: str
    check: Check


@dataclass(frozen=True, kw_only=True)
class Figure:
    """How the parts are drawn.

    Parameters
    ----------
    over : {"columns", "epochs"}
        Numbers over the columns of the table, or a metric over the epochs.
    quantities : int
        So many of the quantities are drawn over columns, a panel each.
    metric : str
        Of the history, for "epochs"; accuracies are drawn as errors.
    log : bool
    """

    over: Literal["columns", "epochs"] = "columns"
    quantities: int = 1
    metric: str = ""
    log: bool = False


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A table or a figure of a paper.

    Parameters
    ----------
    name : str
    title : str
        What it shows.
    paper, item : str
    did : str
        What the paper did.
    make : callable
        ``make(scale, seeds)`` returns the parts, of a scale "quick" or "paper".
    claims : tuple of Claim
    differs : mapping
        By scale, what is not as in the paper, or could not be run, and why.
    seeds : mapping
        By scale.
    figure : Figure
    """

    name: str
    title: str
    paper: str
    item: str
    did: str
    make: Callable[[Scale, Sequence[int]], list[Part]]
    claims: tuple[Claim, ...]
    differs: Mapping[Scale, tuple[str, ...]]
    seeds: Mapping[Scale, tuple[int, ...]] = field(
        default_factory=lambda: {Scale.QUICK: (0, 1, 2), Scale.PAPER: (0, 1, 2)}
    )
    figure: Figure = Figure()

    def runs(self, scale: Scale | str, seeds: Sequence[int] | None = None) -> list[Part]:
        """Return the parts, with their runs.

        Parameters
        ----------
        scale : Scale
        seeds : sequence of int, optional
            In place of those of the scale.
        """
        scale = Scale(scale)
        sized = Scale.QUICK if scale is Scale.SMOKE else scale
        chosen = tuple(self.seeds[sized] if seeds is None else seeds)
        parts = self.make(sized, chosen)
        return [_begun(part).mapped(_tiny) for part in parts] if scale is Scale.SMOKE else parts

    def limits(self, scale: Scale | str) -> tuple[str, ...]:
        """Return what differs from the paper, and what could not be run."""
        scale = Scale(scale)
        if scale is Scale.SMOKE:
            return ("One epoch of a few samples: the numbers say nothing.",)
        return self.differs[scale]

    @property
    def published(self) -> dict[tuple[str, str, Cell], Number]:
        """All published numbers, by part, quantity and cell."""
        parts = self.make(Scale.PAPER, self.seeds[Scale.PAPER])
        return {
            (part.label, name, cell): number
            for part in parts
            for (name, cell), number in part.published.items()
        }


def _begun(part: Part) -> Part:
    """Return the first two columns of a part."""
    columns = list(dict.fromkeys(cell.column for cell in part.cells.values()))[:2]
    return replace(
        part, cells={run: cell for run, cell in part.cells.items() if cell.column in columns}
    )


def _tiny(run: Run) -> Run:
    named = Named.parse(run.task)
    options = named.options | (_SMOKE if named.name in _LIMITED else {})
    rule = Named.parse(run.rule)
    if "warmup_epochs" in rule.options:
        rule = replace(rule, options=rule.options | {"warmup_epochs": 1})
    return run.but(
        task=str(replace(named, options=options)),
        rule=str(rule),
        epochs=2,
        batch_size=min(run.batch_size, 12),
    )
