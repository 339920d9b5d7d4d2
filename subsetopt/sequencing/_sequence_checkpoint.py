"""Going on where a sequence was stopped."""

import os
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

import numpy as np

from subsetopt._files import locked, require_writable
from subsetopt.errors import InvalidFile

from . import _archive
from ._state import Mark, Snapshot, State

_SCHEMA = {
    **_archive.ORDER,
    "potentials": (np.float64, ("n",)),
    "sums": (np.float64, (3,)),
}
_PAUSE = 3.0  # seconds between two writings


class SequenceCheckpoint:
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
        arrays, identity = _archive.read(self.path, "checkpoint", _SCHEMA)
        for name, wanted in self._identity.items():
            saved = identity.get(name)
            if saved != wanted:
                raise InvalidFile(
                    f"{self.path}: of a sequence with {name} {saved!r}, not {wanted!r}; give "
                    "another file, or remove this one to begin anew"
                )
        _archive.require_order(self.path, arrays)
        snapshot = Snapshot(**arrays)
        wrong = _wrong(snapshot, self._identity["n"], self._identity["batch_size"])
        if wrong:
            raise InvalidFile(f"{self.path}: damaged: {wrong}; remove it to begin anew")
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
            _archive.write(self.path, "checkpoint", arrays, self._identity)
        self._written = monotonic()

    def remove(self) -> None:
        """Remove the file, and that of the lock: the sequence is complete."""
        self.path.unlink(missing_ok=True)
        self._beside.unlink(missing_ok=True)


def _wrong(saved: Snapshot, n: int, size: int) -> str:
    """Return what rules out that a snapshot is one of n points in batches of a size."""
    if (saved.order >= n).any() or saved.potentials.shape != (n,):
        return f"it is not of {n} points"
    chosen = np.zeros(n, dtype=np.bool_)
    chosen[saved.order] = True
    if not np.array_equal(saved.potentials == np.inf, chosen):
        return "what is left and what was chosen do not add up"
    if not np.isfinite(saved.potentials[~chosen]).all() or not np.isfinite(saved.sums).all():
        return "its potentials or sums are not finite"
    steps = np.minimum(np.arange(len(saved.boundaries)) * size, n)
    if not np.array_equal(saved.boundaries, steps):
        return f"its batches are not of {size} points"
    return ""
