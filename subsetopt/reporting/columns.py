"""What tables are made of, wherever they are shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Column(Generic[T]):
    """A column of a table whose lines are of type T.

    Parameters
    ----------
    group : str
        A heading that it shares with its neighbours; may be empty.
    heading : str
    meaning : str
        For the glossary.
    cell : callable
        What a line has there; its own lines are apart.
    value : callable or None
        What the column is sorted by; None is by the text.
    rank : int
        Where there is no room for all, those of the highest rank give way first, of equal ones the
        last; 0 never does.
    """

    group: str = ""
    heading: str = ""
    meaning: str
    cell: Callable[[T], str]
    value: Callable[[T], float | None] | None = None
    rank: int = 0

    @property
    def is_text(self) -> bool:
        """Whether it is aligned to the left and may be folded."""
        return self.value is None

    @property
    def name(self) -> str:
        """The group and the heading in one line."""
        return " ".join(part for part in (self.group, self.heading) if part)
