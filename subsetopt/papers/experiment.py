"""An experiment at its scales: as published, in minutes, and in seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from subsetopt._spec import Spec
from subsetopt.training.run import Run

from ._parts import Number, Part, TableCell
from ._sheets import Sheet

__all__ = ["Experiment", "Scale"]

_SMOKE = {"train": 48, "test": 24}
_LIMITED = ("mnist", "fashion-mnist", "cifar10", "cifar100", "svhn", "segmentation", "tabular")


class Scale(StrEnum):
    """How much is run."""

    QUICK = "quick"
    """Minutes on two processors: fewer samples, smaller models, fewer epochs."""
    PAPER = "paper"
    """As published, whatever it takes."""
    SMOKE = "smoke"
    """Seconds: whether everything works, and nothing else."""


@dataclass(frozen=True)
class Experiment:
    """A table or a figure of a paper.

    Parameters
    ----------
    name : str
    sheets : mapping of Scale to Sheet
        What the file says at the scales "quick" and "paper".
    """

    name: str
    sheets: Mapping[Scale, Sheet]

    def runs(self, scale: Scale | str, seeds: Sequence[int] | None = None) -> list[Part]:
        """Return the parts, with their runs.

        Parameters
        ----------
        scale : Scale
        seeds : sequence of int, optional
            In place of those of the scale.
        """
        scale = Scale(scale)
        sheet = self.sheets[Scale.QUICK if scale is Scale.SMOKE else scale]
        parts = sheet.made(sheet.seeds if seeds is None else seeds)
        return [_begun(part).mapped(_tiny) for part in parts] if scale is Scale.SMOKE else parts

    def limits(self, scale: Scale | str) -> tuple[str, ...]:
        """Return what differs from the paper, and what could not be run."""
        if Scale(scale) is Scale.SMOKE:
            return ("Two epochs of a few samples: the numbers say nothing.",)
        return self.sheets[Scale(scale)].differs

    @cached_property
    def published(self) -> dict[tuple[str, str, TableCell], Number]:
        """All published numbers, by part, quantity and cell."""
        return {
            (part.label, name, cell): number
            for part in self.sheet.made((0,))
            for (name, cell), number in part.published.items()
        }

    @property
    def sheet(self) -> Sheet:
        """What the file says at the scale of the paper: its title, item and claims are those."""
        return self.sheets[Scale.PAPER]


def _begun(part: Part) -> Part:
    """Return the first two columns of a part."""
    columns = list(dict.fromkeys(cell.column for cell in part.cells.values()))[:2]
    return replace(
        part, cells={run: cell for run, cell in part.cells.items() if cell.column in columns}
    )


def _tiny(run: Run) -> Run:
    named = Spec.parse(run.task)
    options = named.options | (_SMOKE if named.name in _LIMITED else {})
    rule = Spec.parse(run.rule)
    if "warmup_epochs" in rule.options:
        rule = replace(rule, options=rule.options | {"warmup_epochs": 1})
    return run.but(
        task=str(replace(named, options=options)),
        rule=str(rule),
        epochs=2,
        batch_size=min(run.batch_size, 12),
    )
