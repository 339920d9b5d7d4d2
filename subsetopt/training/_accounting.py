"""Costs of a run: seconds by part, passes, losses, samples and memory."""

import resource
import sys
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from subsetopt.torch._watching import Watcher

from .methods.base import Chosen
from .run_result import PARTS, Passes


class Timer:
    """Adds up seconds by parts, from one lap to the next; on a GPU by its own events.

    A GPU runs behind the host: what it spends on a part is known only between two events, which
    are read in `collect`, without waiting in between.
    """

    def __init__(self, device: torch.device) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._cuda = device.type == "cuda"
        self._last: Any = None
        self._laps: list[tuple[str, Any, Any]] = []

    def start(self) -> None:
        """Begin; what lies before counts for nothing."""
        self._last = self._now()

    def lap(self, part: str) -> None:
        """Put the time since the last lap down to `part`."""
        now = self._now()
        if self._cuda:
            self._laps.append((part, self._last, now))
        else:
            self.seconds[part] += now - self._last
        self._last = now

    def collect(self) -> dict[str, float]:
        """Return the seconds so far; on a GPU it is waited for."""
        if self._laps:
            torch.cuda.synchronize()
            for part, start, end in self._laps:
                self.seconds[part] += start.elapsed_time(end) / 1000
            self._laps.clear()
        return dict(self.seconds)

    def _now(self) -> Any:
        if not self._cuda:
            return perf_counter()
        made: Any = torch.cuda.Event
        event = made(enable_timing=True)
        event.record()
        return event


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
