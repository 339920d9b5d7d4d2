"""How far a stream has come, on disk: what has been taken, and what was chosen last."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats.atomic import replacing

_VERSION = 1
_PENDING = {"positions", "records", "lost", "unknown", "chosen"}
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
        try:
            values = dict(held)
            if values.pop("version") != _VERSION:
                raise InvalidFile(f"{where} is a cursor of another version of subsetopt")
            found = cls(**values)
            if not isinstance(found.positions, dict) or not _whole(found.positions.values()):
                raise ValueError("positions are no numbers")
            if not _whole(getattr(found, one.name) for one in fields(cls)[2:]):
                raise ValueError("counts are no numbers")
            if found.pending is not None and not found.pending.keys() >= _PENDING:
                raise ValueError("a part of the window at hand is missing")
            return found
        except (AttributeError, TypeError, KeyError, ValueError) as error:
            raise InvalidFile(f"{where} is no cursor of a stream: {error!r}") from None


def _whole(values: Iterable[Any]) -> bool:
    return all(type(value) is int and value >= 0 for value in values)


def path_of(root: Path, name: str) -> Path:
    """Return where the cursor of that name lies.

    Raises
    ------
    InvalidOption
        If no file can be called so.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidOption(
            f"the stream's name is {name!r}; letters, digits, '.', '_' and '-' are needed, 100 at "
            "most, a letter or digit first"
        )
    return root / "cursors" / f"{name}.json"


def load(path: Path) -> Cursor:
    """Read a cursor; a new one where there is none.

    Raises
    ------
    InvalidFile
        If what is there is no cursor.
    """
    try:
        held = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Cursor()
    except ValueError:
        raise InvalidFile(f"{path} is no cursor of a stream") from None
    return Cursor.of_json(held, str(path))


def save(path: Path, cursor: Cursor) -> None:
    """Write a cursor, whole or not at all."""
    with replacing(path) as stream:
        stream.write(json.dumps(cursor.to_json()).encode())
