"""What sections of documents are made of, in every medium: text, facts, notes, tables, pictures."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from . import _terminal
from ._markup import Html, element, escaped, html, joined
from .table import Table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from .charts import Figure

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
    """

    name: str
    title: str
    figure: "Callable[[], Figure]"
    caption: str = ""


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

    def to_html(self, drawn: Mapping[str, str]) -> Html:
        """Return what stands in its element; pictures in a row share a box."""
        content = [element("h2", self.title)] if self.title and "html" in self.titled else []
        content += [element("p", self.lead, class_="about")] if self.lead else []
        for pictures, blocks in groupby(self.blocks, lambda block: isinstance(block, Picture)):
            parts = [part for block in blocks for part in to_html(block, drawn)]
            box = pictures and parts
            content += [element("div", *parts, class_="figures")] if box else parts
        return joined(content)


# -- a block in each medium ------------------------------------------------------------------------


def to_terminal(block: Block) -> "Iterator[RenderableType]":
    """Yield what Rich draws."""
    match block:
        case str():
            yield _terminal.line(block)
        case Facts():
            yield _terminal.facts(block.lines)
        case Notes():
            yield from (_terminal.line(str(one), _note(one).kind) for one in block.lines)
        case Table():
            yield block


def to_markdown(block: Block, links: Mapping[str, str]) -> Iterator[str]:
    """Yield parts of a page, given where pictures are, by their names."""
    match block:
        case str():
            yield escaped(block)
        case Facts():
            texts = ((name, text.replace("\n", "; ")) for name, text in block.lines.items())
            yield "\n".join(f"- **{name}:** {escaped(text)}" for name, text in texts)
        case Notes() if block.lines:
            yield "\n".join(map(_bullet, block.lines))
        case Table():
            yield block.to_markdown()
        case Picture() if where := links.get(block.name):
            yield f"![{escaped(block.title)}]({f'<{where}>' if ' ' in where else where})"


def _bullet(line: Note | str) -> str:
    note = _note(line)
    name = f"**{escaped(note.name)}:** " if note.name else ""
    return f"- {name}{escaped(note.text)}"


def to_html(block: Block, drawn: Mapping[str, str]) -> Iterator[Html]:
    """Yield elements, given pictures as SVG by their names."""
    match block:
        case str():
            yield element("p", block, class_="note")
        case Facts():
            yield element("dl", *(_fact(block, name) for name in block.lines), class_="facts")
        case Notes() if block.lines:
            kind = "findings" if block.is_main else "notes"
            yield element("ul", *map(_item, block.lines), class_=kind)
        case Table():
            box = {"class_": "scroll", "tabindex": "0", "role": "region", "aria_label": block.name}
            yield element("div", Html(block.to_html()), **box)
        case Picture() if block.name in drawn:
            names = [f"{block.name}.{kind}" for kind in ("svg", "png")]
            files = [
                element("a", kind, href=name, aria_label=f"{block.title}: {kind}")
                for kind, name in zip(("SVG", "PNG"), names, strict=True)
            ]
            formats = element("span", files[0], html(" "), files[1], class_="formats")
            caption = element("figcaption", block.caption, html(" "), formats)
            card = element("div", Html(drawn[block.name]), class_="card")
            yield element("figure", card, caption)


def _fact(block: Facts, name: str) -> Html:
    link = block.links.get(name)
    term = html(name) if link is None else element("a", name, href=link)
    return element("div", element("dt", term), element("dd", block.lines[name]))


def _item(note: Note | str) -> Html:
    one = _note(note)
    name = [element("b", one.name), html(": ")] if one.name else []
    return element("li", *name, html(one.text), class_=one.kind or None)


def _note(line: Note | str) -> Note:
    return Note(line) if isinstance(line, str) else line
