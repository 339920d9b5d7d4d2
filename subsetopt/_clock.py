"""The clock of time limits: it stands still while machine code is compiled or loaded."""

import threading
from time import perf_counter
from typing import Self


class _Clock:
    """Seconds of `perf_counter`, less those between the first `pause` and the last `go_on`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pauses = 0
        # Since when it stands, and the seconds that it has stood before: read and written at once,
        # so that no thread sees the one without the other.
        self._state: tuple[float | None, float] = None, 0.0

    def now(self) -> float:
        """Return the seconds, as of an arbitrary beginning.

        Those for which it stands are taken off at the end of that: what is loaded meanwhile may
        have limits of its own, and has to come to its end.
        """
        return perf_counter() - self._state[1]

    def shown(self) -> float:
        """Return the seconds for people to see: the same as long as it stands."""
        paused_at, stood = self._state
        return (perf_counter() if paused_at is None else paused_at) - stood

    @property
    def stood(self) -> float:
        """Seconds that it has stood still, up to the last `go_on`."""
        return self._state[1]

    def pause(self) -> None:
        """Stop, if no other thread has stopped it already."""
        with self._lock:
            if not self._pauses:
                self._state = perf_counter(), self._state[1]
            self._pauses += 1

    def go_on(self) -> None:
        """Go on, if no other thread wants it to stand."""
        with self._lock:
            self._pauses -= 1
            paused_at, stood = self._state
            if not self._pauses and paused_at is not None:
                self._state = None, stood + perf_counter() - paused_at

    def standing(self) -> Self:
        """Stop until the block ends: for what is loaded once in a process."""
        return self  # no generator, which would take as long as a small problem

    def __enter__(self) -> None:
        self.pause()

    def __exit__(self, *error: object) -> None:
        self.go_on()


CLOCK = _Clock()
"""The one clock of the process."""
