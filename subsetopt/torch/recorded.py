"""Losses of earlier passes by sample, so that choosing needs no forward pass of its own."""

import math
from collections.abc import Hashable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from subsetopt._checks import is_integer, is_number, require
from subsetopt.errors import InvalidOption, InvalidProblem

__all__ = ["RecordedLosses"]


class RecordedLosses:
    """The last known loss of each sample, or a moving average of them.

    Parameters
    ----------
    size : int, optional
        The number of samples, whose ids are then integers 0..size-1 in a tensor. None takes
        any hashable ids, such as texts, in a sequence; they are looked up on the host.
    decay : float
        What is left of the old value when a loss comes in, 0 <= decay < 1.
    unknown : "mean", "keep" or float
        What stands for a sample of which no loss is known: the mean of those of its batch that are
        known, 0 where there are none; or this number. "keep": a batch with such a sample is trained
        on whole, so that the first epoch records all; on a GPU this waits for the answer.
    device : torch.device or str
        Where the losses lie and the choice is made. With a model on a GPU that is the GPU, else
        each update waits for it.

    Raises
    ------
    InvalidOption
        For an option outside its domain.
    """

    def __init__(
        self,
        size: int | None = None,
        *,
        decay: float = 0.0,
        unknown: Literal["mean", "keep"] | float = "mean",
        device: torch.device | str = "cpu",
    ) -> None:
        good = size is None or (is_integer(size) and size >= 1)
        require("size", size, good, "an integer >= 1, or None for ids of any kind")
        require("decay", decay, is_number(decay) and 0.0 <= decay < 1.0, "a number in [0, 1)")
        good = unknown in ("mean", "keep") or (is_number(unknown) and math.isfinite(float(unknown)))
        require("unknown", unknown, good, "'mean', 'keep' or a finite number")
        self.size, self.decay, self.unknown = size, decay, unknown
        self._losses = torch.full((size or 1024,), torch.nan, device=device)
        self._rows: dict[Hashable, int] = {}

    def update(self, ids: Tensor | Sequence[Hashable], losses: Tensor) -> None:
        """Take in the losses (m,) of the samples `ids`; those that are not finite are passed over.

        Raises
        ------
        InvalidProblem
            If there are not as many ids as losses, or ids of another kind than `size` says.
        """
        rows = self._places(ids, new=True)
        if losses.shape != rows.shape:
            raise InvalidProblem(
                f"losses must have shape ({len(rows)},), one for each id; got {tuple(losses.shape)}"
            )
        old = self._losses[rows]
        new = losses.detach().to(old)
        mixed = self.decay * old + (1.0 - self.decay) * new if self.decay else new
        mixed = torch.where(old.isnan(), new, mixed)
        self._losses[rows] = torch.where(new.isfinite(), mixed, old)

    def lookup(self, ids: Tensor | Sequence[Hashable]) -> Tensor:
        """Return the losses of the samples `ids`, with `unknown` in the place of missing ones."""
        losses = self._known(ids)
        if is_number(self.unknown):
            return losses.nan_to_num(float(self.unknown))
        return torch.where(losses.isnan(), losses.nanmean().nan_to_num(0.0), losses)

    def known(self, ids: Tensor | Sequence[Hashable]) -> Tensor:
        """Return for each of the samples `ids` whether a loss is known."""
        return ~self._known(ids).isnan()

    def state_dict(self) -> dict[str, Any]:
        """Return the losses, on the CPU, and the ids they belong to."""
        return {"losses": self._losses.cpu().clone(), "ids": list(self._rows), "size": self.size}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` returned.

        Raises
        ------
        InvalidOption
            If it is of another number of samples.
        """
        if state.get("size") != self.size:
            raise InvalidOption(f"the state has size {state.get('size')!r}, this one {self.size!r}")
        self._losses = state["losses"].to(self._losses.device, copy=True)
        self._rows = {name: row for row, name in enumerate(state["ids"])}

    def _known(self, ids: Tensor | Sequence[Hashable]) -> Tensor:
        rows = self._places(ids)
        if self.size is not None:
            return self._losses[rows]
        return torch.where(rows < 0, torch.nan, self._losses[rows])

    def _places(self, ids: Any, new: bool = False) -> Tensor:
        """Return the rows of the samples, -1 for ids never seen, which `new` ones are given."""
        if self.size is not None:
            if not isinstance(ids, Tensor) or ids.is_floating_point() or ids.ndim != 1:
                raise InvalidProblem(
                    f"ids must be a tensor (m,) of integers with size={self.size}; got "
                    f"{_kind(ids)}: leave out size for ids of another kind"
                )
            self._require_range(ids)
            return ids.to(self._losses.device, torch.int64)
        names = ids.tolist() if isinstance(ids, Tensor) else list(ids)
        names = [name.item() if isinstance(name, np.generic) else name for name in names]
        if new:
            for name in names:
                self._rows.setdefault(name, len(self._rows))
            self._grow()
        rows = [self._rows.get(name, -1) for name in names]
        return torch.tensor(rows, dtype=torch.int64, device=self._losses.device)

    def _require_range(self, ids: Tensor) -> None:
        if ids.device.type != "cpu" or not len(ids):  # a GPU checks for itself
            return
        least, most = int(ids.min()), int(ids.max())
        if least < 0 or most >= int(self.size or 0):
            wrong = least if least < 0 else most
            raise InvalidProblem(f"ids hold {wrong}; with size={self.size} they are 0..size-1")

    def _grow(self) -> None:
        if len(self._rows) > len(self._losses):
            room = self._losses.new_full((len(self._rows),), torch.nan)
            self._losses = torch.cat([self._losses, room])


def _kind(ids: Any) -> str:
    if isinstance(ids, Tensor):
        return f"a tensor of shape {tuple(ids.shape)} and dtype {ids.dtype}"
    return f"a {type(ids).__name__}"
