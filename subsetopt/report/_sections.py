"""Sections of documents, and what stands in them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any

from .table import Table

if TYPE_CHECKING:
    from ._figure import Figure

EVERYWHERE = ("terminal", "markdown", "html")


@dataclass(frozen=True)
class Facts:
    """Names and what there is to say of them; `links` are addresses that names lead to."""

    lines: Mapping[str, str]
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """A sentence; `kind` is a name of `terminal.STYLES`, `name` what it is about."""

    text: str
    kind: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.text}" if self.name else self.text


@dataclass(frozen=True)
class Notes:
    """Sentences, each for itself; `is_main` where they are what is read first."""

    lines: Sequence[Note | str]
    is_main: bool = False


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure that is not drawn yet: for Markdown and pages.

    Parameters
    ----------
    name : str
        Of its files, without a suffix.
    title : str
        For whoever cannot see it.
    figure : callable
        Returns its declaration.
    caption : str
        How to read it.
    linked : bool
        Whether a page leads to its files, which `Document.write` writes.
    """

    name: str
    title: str
    figure: "Callable[[], Figure]"
    caption: str = ""
    linked: bool = True


Block = str | Facts | Notes | Table[Any] | Picture


@dataclass(frozen=True)
class Section:
    """A part of a document.

    Parameters
    ----------
    title : str
        Empty continues the section before.
    blocks : sequence of Block
        Text, facts, notes, tables and pictures.
    lead : str
        What it is about; on the terminal behind the title.
    media : sequence of str
        Where it is shown.
    titled : sequence of str
        Where its title is shown.
    link : str
        How the contents of a page call it; empty is as its title, None leaves it out.
    """

    title: str
    blocks: Sequence[Block]
    _: KW_ONLY
    lead: str = ""
    media: Sequence[str] = EVERYWHERE
    titled: Sequence[str] = EVERYWHERE
    link: str | None = ""

    @property
    def anchor(self) -> str:
        """Its name in addresses."""
        return re.sub(r"[^\w-]+", "-", (self.link or self.title).lower()).strip("-")


def note_of(line: Note | str) -> Note:
    return Note(line) if isinstance(line, str) else line
