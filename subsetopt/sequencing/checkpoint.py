"""Going on where a sequence was stopped."""

import os
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

import numpy as np

from subsetopt.errors import InvalidFile
from subsetopt.formats.atomic import require_writable
from subsetopt.formats.locks import locked

from . import archive
from .state import Mark, Snapshot, State

_PAUSE = 3.0  # seconds between two writings


class Checkpoint:
    """A file that holds the last snapshot, and what it is a snapshot of.

    Within its ``with`` statement it is locked: another sequence with this file is refused.

    Parameters
    ----------
    path : path
        Its folder must be there; InvalidFile otherwise.
    identity : dict of str to what JSON can hold
        Data and options: all that has a bearing on the order.
    """

    def __init__(self, path: str | os.PathLike[str], identity: dict[str, Any]) -> None:
        require_writable(path)
        self.path = Path(path)
        self._identity = identity
        self._last: tuple[State, Mark] | None = None
        self._written = monotonic()
        self._beside = self.path.with_name(f".{self.path.name}.lock")

    def __enter__(self) -> Self:
        self._lock = locked(
            self._beside,
            f"{self.path} is the checkpoint of a sequence that is being made now; wait for it, or "
            "name another file",
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._lock.release()

    def found(self) -> Snapshot | None:
        """Return the snapshot of an earlier run, None where there is no file.

        Raises
        ------
        InvalidFile
            If it is damaged, or of other data or options; the message names the difference.
        """
        if not self.path.exists():
            return None
        arrays, identity = archive.read(self.path, "checkpoint", Snapshot._fields)
        for name, wanted in self._identity.items():
            saved = identity.get(name) if isinstance(identity, dict) else None
            if saved != wanted:
                raise InvalidFile(
                    f"{self.path}: of a sequence with {name} {saved!r}, not {wanted!r}; give "
                    "another file, or remove this one to begin anew"
                )
        snapshot = Snapshot(**arrays)
        _require_whole(self.path, snapshot, self._identity["n"])
        return snapshot

    def note(self, state: State) -> None:
        """Keep the state between two batches; write it if the last writing was seconds ago."""
        self._last = state, state.mark()
        if monotonic() - self._written >= _PAUSE:
            self.write()

    def write(self) -> None:
        """Write the state that was kept last, if there is one."""
        if self._last is not None:
            state, mark = self._last
            arrays = state.snapshot(mark)._asdict()
            archive.write(self.path, "checkpoint", arrays, self._identity)
        self._written = monotonic()

    def remove(self) -> None:
        """Remove the file, and that of the lock: the sequence is complete."""
        self.path.unlink(missing_ok=True)
        self._beside.unlink(missing_ok=True)


def _require_whole(path: Path, saved: Snapshot, n: int) -> None:
    """Raise InvalidFile if a snapshot cannot be one of n points."""
    count, batches = len(saved.order), len(saved.boundaries) - 1
    chosen = np.zeros(n, dtype=np.bool_)
    if saved.order.dtype == np.int64 and ((saved.order >= 0) & (saved.order < n)).all():
        chosen[saved.order] = True
    fits = (
        np.count_nonzero(chosen) == count
        and saved.boundaries[-1] == count
        and all(len(part) == batches for part in saved[2:5])
        and saved.potentials.shape == (n,)
        and np.array_equal(np.isinf(saved.potentials), chosen)
        and saved.sums.shape == (3,)
    )
    if not fits:
        raise InvalidFile(f"{path}: damaged; remove it to begin anew")
