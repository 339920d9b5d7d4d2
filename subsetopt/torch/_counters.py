"""What has become of served batches: counts, and a log that does not flood."""

import logging
import threading
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

LOG = logging.getLogger("subsetopt.records")
_QUIET = 60.0
"""Seconds in which errors of one kind are logged once."""


@dataclass(frozen=True)
class Recorded:
    """What has become of the batches that were served."""

    batches: int = 0
    """Given to the writer, and taken in."""
    records: int = 0
    """In these."""
    dropped: int = 0
    """Records not taken in, as writing could not keep up."""
    failures: int = 0
    """Batches that could not be recorded; `last_error` says why."""
    unnamed: int = 0
    """Passes outside of ``with hook.batch(ids)``, which are not recorded."""
    no_class: int = 0
    """Labels that are no class, whose records have no loss."""
    last_error: str = ""


class Tally:
    """Counts, kept by any number of threads."""

    def __init__(self) -> None:
        self._counts = Recorded()
        self._logged: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def counts(self) -> Recorded:
        """The counts so far."""
        with self._lock:
            return self._counts

    def note(self, error: str = "", **more: int) -> None:
        """Add to the counts of these names."""
        with self._lock:
            held: dict[str, Any] = {
                name: getattr(self._counts, name) + value for name, value in more.items()
            }
            if error:
                held["last_error"] = error
            self._counts = replace(self._counts, **held)

    def failed(self, error: BaseException) -> None:
        """Count a batch that could not be recorded, and log why."""
        self.note(failures=1, error=f"{type(error).__name__}: {error}")
        self._log(type(error).__name__, "a batch was not recorded: %s", error)

    def dropped(self, count: int, why: str) -> None:
        """Count records that were not taken in, and log why."""
        self.note(dropped=count)
        self._log(why, "%d records were dropped: %s", count, why)

    def no_class(self, count: int, classes: int, from_one: bool) -> None:
        """Count labels that are no class, and log them."""
        if not count:
            return
        self.note(no_class=count)
        hint = ", and seem to be counted from 1" if from_one else ""
        self._log("labels", f"%d labels are no class of 0..{classes - 1}{hint}: no loss", count)

    def _log(self, kind: str, message: str, *values: object) -> None:
        if monotonic() - self._logged.get(kind, -_QUIET) >= _QUIET:
            self._logged[kind] = monotonic()
            LOG.warning(f"{message} (logged once in {_QUIET:g} s)", *values)
