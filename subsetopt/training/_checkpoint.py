"""Checkpoints at the ends of epochs: a run that was killed goes on from the last one."""

import io
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import torch

from subsetopt._files import replacing
from subsetopt.errors import InvalidFile

from ._process_group import ProcessGroup

EVERY = 20.0
"""Seconds between checkpoints, at least; an epoch that takes longer is always kept."""
NAME = "checkpoint.pt"


class Described(Protocol):
    """What tells one training from another."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""


class Kept(Protocol):
    """What a checkpoint is of."""

    @property
    def run(self) -> Described:
        """What was asked for; a checkpoint of anything else is refused."""

    def state(self) -> dict[str, Any]:
        """Return all that going on needs."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""


class Checkpoint:
    """The file ``checkpoint.pt`` in the folder of a run; of several ranks, a state of each.

    Parameters
    ----------
    folder : Path or None
        None keeps nothing.
    kept : Kept
    group : Group
    """

    def __init__(self, folder: Path | None, kept: Kept, group: ProcessGroup) -> None:
        self._path = None if folder is None else folder / NAME
        self._kept, self._group = kept, group
        self._written = monotonic()

    def note(self) -> None:
        """Take note of the end of an epoch: write, unless it has just been done."""
        if self._path is not None and self._group.agreed(monotonic() - self._written >= EVERY):
            self.write()

    def write(self) -> None:
        """Write the state, whole or not at all."""
        assert self._path is not None
        states = self._group.gathered(self._kept.state())
        if self._group.first:
            content = io.BytesIO()
            torch.save({"run": self._kept.run.to_dict(), "states": states}, content)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._path) as stream:
                stream.write(content.getbuffer())
        self._written = monotonic()

    def load(self) -> None:
        """Restore the state, if there is one.

        Raises
        ------
        InvalidFile
            If the file is damaged, or of another run or number of ranks.
        """
        if self._path is None or not self._path.exists():
            return
        try:
            saved = torch.load(self._path, map_location="cpu", weights_only=True)
            run, states = saved["run"], saved["states"]
        except Exception as error:
            raise InvalidFile(f"{self._path} is no checkpoint: {error}; remove it") from error
        if run != self._kept.run.to_dict() or len(states) != self._group.ranks.world_size:
            raise InvalidFile(
                f"{self._path} is of another run, or of {len(states)} processes; remove it, or "
                "choose another folder"
            )
        try:
            self._kept.restore(states[self._group.ranks.rank])
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            why = f"{type(error).__name__}: {error}"
            raise InvalidFile(f"{self._path} does not fit this run ({why}); remove it") from error
