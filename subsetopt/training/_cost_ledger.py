"""The account of a run: passes, losses, which samples, how much memory."""

import resource
import sys
from typing import Any

import torch
from torch import Tensor

from subsetopt.torch._watching import Watcher

from .methods.base import Chosen
from .run_result import Passes


class CostLedger:
    """Adds up what a training has done; reads nothing from the device before it is asked.

    Parameters
    ----------
    size : int
        How many training samples there are.
    labels : Tensor, (size,), optional
        Their classes.
    device : torch.device
    """

    def __init__(self, size: int, labels: Tensor | None, device: torch.device) -> None:
        self.size, self._device = size, device
        self.watcher = Watcher(size, labels)
        self.steps = 0
        self.trained = 0
        self._ids: list[Tensor] = []
        self._losses: list[Tensor] = []
        self._correct = torch.zeros((), dtype=torch.int64, device=device)
        self._looked_at = 0

    def note(self, chosen: Chosen) -> None:
        """Take in a step of the optimiser."""
        self.steps += 1
        self.trained += len(chosen.ids)
        self._ids.append(chosen.ids)
        self._losses.append(chosen.losses)

    def look(self, outputs: Tensor, targets: Tensor) -> None:
        """Take in predictions, where targets are classes."""
        if targets.ndim == 1 and not targets.is_floating_point() and outputs.ndim == 2:
            self._correct += (outputs.detach().argmax(1) == targets).sum()
            self._looked_at += len(targets)

    def end_epoch(self) -> tuple[float, float]:
        """Return the mean loss trained on, and the share classified correctly.

        NaN where there is none. Waits for the device.
        """
        losses = torch.cat(self._losses) if self._losses else torch.full((1,), torch.nan)
        if self._ids:
            self.watcher.update(torch.cat(self._ids))
        accuracy = int(self._correct) / self._looked_at if self._looked_at else float("nan")
        self._ids, self._losses, self._looked_at = [], [], 0
        self._correct.zero_()
        return float(losses.double().mean()), accuracy

    def passes(self, selection: int) -> Passes:
        """Return the samples passed, `selection` of them to choose by."""
        return Passes(selection=selection, forward=self.trained, backward=self.trained)

    def state_dict(self) -> dict[str, Any]:
        """Return the account at the end of an epoch."""
        counts = {"steps": self.steps, "trained": self.trained}
        return {**counts, "watcher": self.watcher.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.steps, self.trained = state["steps"], state["trained"]
        self.watcher.load_state_dict(state["watcher"])

    def join(self, states: list[dict[str, Any]]) -> None:
        """Take the accounts of all processes together; steps they have made in common."""
        self.trained = sum(state["trained"] for state in states)
        watchers = [state["watcher"] for state in states]
        self.watcher.load_state_dict(
            {name: torch.stack([one[name] for one in watchers]).sum(0) for name in watchers[0]}
        )


def peak_bytes(device: torch.device) -> int:
    """Return the memory used at most: on a GPU by torch, else by the process since it began."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
