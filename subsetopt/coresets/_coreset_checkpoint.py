"""Checkpoints of a coreset: what has been read and summed so far."""

import json
import os
import pickle
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._files import locked, replacing, require_writable
from subsetopt.errors import InvalidFile
from subsetopt.problems import Constraints
from subsetopt.problems._identity import fingerprint
from subsetopt.problems._kernel_choice import Custom

from ._asked_rows import AskedOfRows
from ._row_blocks import Source
from ._running_sums import RunningSums
from ._surveying import SeenRows

_WHAT = "coreset 1"
_PAUSE = 10.0  # seconds between two writings, at least
_SHARE = 20.0  # times as long as the last writing took, at least


@dataclass(eq=False)
class CoresetCheckpoint:
    """Surveys and sums; without a file nothing is kept.

    Parameters
    ----------
    path : Path or None
    identity : mapping
        Of data and options.
    """

    path: Path | None
    identity: dict[str, Any]
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    _sums: RunningSums | None = None
    _due: float = 0.0

    def surveyed(
        self, name: str, size: int, asked: AskedOfRows, anew: Callable[[], SeenRows]
    ) -> SeenRows:
        """Return what an earlier call has seen, or what this one sees; that is kept."""
        prefix = f"{name}."
        known = {
            key.removeprefix(prefix): one
            for key, one in self.arrays.items()
            if key.startswith(prefix)
        }
        if known:
            return SeenRows.restored(known, size, asked)
        seen = anew()
        if self.path is not None:
            self.arrays |= {prefix + key: one for key, one in seen.state().items()}
            self.write()
        return seen

    def sums(self, points: int) -> RunningSums:
        """Return the sums so far; what is added to them is kept now and then."""
        total = self.arrays.get("sums", np.zeros(points)).copy()
        self._sums = RunningSums(total, int(self.arrays.get("summed", 0)), self._now_and_then)
        return self._sums

    def _now_and_then(self) -> None:
        if self.path is not None and monotonic() > self._due:
            self.write()

    def write(self) -> None:
        """Write what there is."""
        if self.path is None or not self.arrays:
            return
        start = monotonic()
        if self._sums is not None:
            self.arrays |= {"sums": self._sums.total, "summed": np.array(self._sums.rows)}
        note = np.array(json.dumps({"what": _WHAT, **self.identity}))
        with replacing(self.path) as stream:
            np.savez(stream, allow_pickle=False, note=note, **self.arrays)
        self._due = monotonic() + max(_PAUSE, _SHARE * (monotonic() - start))


@contextmanager
def coreset_checkpoint(
    path: str | os.PathLike[str] | None, identity: Callable[[], dict[str, Any]]
) -> Iterator[CoresetCheckpoint]:
    """Give what an earlier call has kept; what this one leaves undone is written at its end.

    Raises
    ------
    InvalidFile
        For a file that is damaged, of other data or options, or in use.
    """
    if path is None:
        yield CoresetCheckpoint(None, {})
        return
    require_writable(path)
    file = Path(path)
    beside = file.with_name(f".{file.name}.lock")
    said = f"{file} is the checkpoint of a coreset that is being made now; wait, or name another"
    lock = locked(beside, said)
    try:
        known = CoresetCheckpoint(file, identity())
        if file.exists():
            known.arrays = _read(file, known.identity)
        try:
            yield known
        except BaseException:
            known.write()
            raise
        file.unlink(missing_ok=True)
        beside.unlink(missing_ok=True)
    finally:
        lock.release()


def _read(path: Path, identity: dict[str, Any]) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        note = json.loads(str(arrays.pop("note")))
        if note.pop("what") != _WHAT:
            raise KeyError("what")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidFile(
            f"{path} is not a checkpoint of a coreset, or damaged ({error}); name another file, or "
            "remove it to begin anew"
        ) from None
    for name, wanted in identity.items():
        if note.get(name) != wanted:
            raise InvalidFile(
                f"{path} is of a coreset with {name} {note.get(name)!r}, not {wanted!r}; give "
                "another file, or remove this one to begin anew"
            )
    return arrays


def source_identity(source: Source, name: str) -> dict[str, Any]:
    """Return what tells a source from others: its name, columns and first rows."""
    block = next(iter(source.blocks()), None)
    dtype, shape, content = ("", (), b"") if block is None else fingerprint(block.X)
    return {
        name: source.name,
        f"rows of {name}": source.n,
        f"columns of {name}": None if source.names is None else list(source.names),
        f"first rows of {name}": f"{dtype}{shape}{content.hex()}",
    }


def stated(value: Any) -> str:
    """Return a text that tells kernels and constraints from others, in other processes too."""
    if isinstance(value, Constraints):
        return fingerprint(np.frombuffer(pickle.dumps(value), np.uint8))[2].hex()
    if isinstance(value, Custom):
        return str(getattr(value.function, "__qualname__", type(value.function).__qualname__))
    return repr(value)
