"""How far a stream has come, on disk: what has been taken, and what was chosen last."""

import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from subsetopt._files import replacing
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats._declared import declared
from subsetopt.formats._documents import read_json

_VERSION = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass
class Cursor:
    """The state of a stream, as a file holds it."""

    positions: dict[str, int] = field(default_factory=dict)
    """For each writer the number of the first record that no finished window has."""
    pending: dict[str, Any] | None = None
    """The window that has been handed out and not been finished: where it ends, what is chosen."""
    windows: int = 0
    """Finished ones."""
    records: int = 0
    """In finished windows."""
    chosen: int = 0
    """Of these."""
    unknown: int = 0
    """Of the records of windows: those without a loss that is known, or is young enough."""
    dropped: int = 0
    """Skipped, as training could not keep up."""
    lost: int = 0
    """Gone before they were read: dropped by a retention, or in files that cannot be read."""

    def to_json(self) -> dict[str, Any]:
        """Return it as what JSON holds."""
        return {"version": _VERSION, **asdict(self)}

    @classmethod
    def of_json(cls, held: Any, where: str) -> "Cursor":
        """Read what `to_json` returned.

        Raises
        ------
        InvalidFile
            If it is no cursor.
        """
        if not isinstance(held, dict) or held.get("version") != _VERSION:
            raise InvalidFile(f"{where} is no cursor of a stream, or of another version")
        try:
            values = {name: one for name, one in held.items() if name != "version"}
            found = declared(cls, values, "cursor")
            counts = asdict(found)
            pending = found.pending
            if pending is not None:
                window = declared(_Pending, pending, "window")
                counts |= {f"{name} of pending": value for name, value in asdict(window).items()}
            _require_counts(counts)
        except InvalidFile as error:
            raise InvalidFile(f"{where} is no cursor of a stream: {error}") from None
        return found


@dataclass(frozen=True)
class _Pending:
    """A window at hand, as a file holds it."""

    positions: dict[str, int]
    records: int
    lost: int
    unknown: int
    chosen: dict[str, list[int]]


def _require_counts(values: object) -> None:
    """Raise InvalidFile if a number in what JSON can hold is negative."""
    if isinstance(values, dict):
        values = list(values.values())
    if isinstance(values, list):
        for value in values:
            _require_counts(value)
    elif isinstance(values, int) and values < 0:
        raise InvalidFile(f"it counts {values}; a number >= 0 is needed")


def path_of(root: Path, name: str) -> Path:
    """Return where the cursor of that name lies.

    Raises
    ------
    InvalidOption
        If no file can be called so.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidOption(
            f"the stream's name must be at most 100 letters, digits, '.', '_' and '-', a letter or "
            f"digit first; got {name!r}"
        )
    return root / "cursors" / f"{name}.json"


def load(path: Path) -> Cursor:
    """Read a cursor; a new one where there is none.

    Raises
    ------
    InvalidFile
        If what is there is no cursor.
    """
    if not os.path.lexists(path):
        return Cursor()
    try:
        held = read_json(path)
    except InvalidFile as error:
        raise InvalidFile(f"{path} is no cursor of a stream: {error}") from None
    return Cursor.of_json(held, str(path))


def save(path: Path, cursor: Cursor) -> None:
    """Write a cursor, whole or not at all."""
    with replacing(path) as stream:
        stream.write(json.dumps(cursor.to_json()).encode())
