"""Where the time of a training goes."""

from time import perf_counter
from typing import Any

import torch

from .run_result import PARTS


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
