"""Documents: sections of text, facts, notes, tables and pictures."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subsetopt._files import replacing

from . import _terminal
from ._figure import MATPLOTLIB, figure_svg, save_figure
from ._markup import escaped
from .table import Table

if TYPE_CHECKING:
    from rich.console import RenderableType

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


@dataclass(frozen=True)
class Document:
    """Sections under a title.

    Parameters
    ----------
    title : str
    sections : sequence of Section
    kind : str
        What it is, in front of the title.
    lede : sequence of str
        What it is about, on a page in a line below the title.
    badge : str
        What has to be known of all of it, on a page set off behind that.
    footer : str
        Of the page.
    """

    title: str
    sections: Sequence[Section]
    _: KW_ONLY
    kind: str = ""
    lede: Sequence[str] = ()
    badge: str = ""
    footer: str = ""

    @property
    def pictures(self) -> list[Picture]:
        """All pictures, in their order."""
        blocks = chain.from_iterable(section.blocks for section in self.sections)
        return [block for block in blocks if isinstance(block, Picture)]

    def shown_in(self, medium: str) -> list[Section]:
        """Return the sections that are shown there."""
        return [section for section in self.sections if medium in section.media]

    def __rich_console__(self, console: Any, options: Any) -> "Iterator[RenderableType]":
        """Yield it without its title."""
        for number, section in enumerate(self.shown_in("terminal")):
            title = ": ".join(filter(None, (section.title, section.lead)))
            items = [item for block in section.blocks for item in _printed(block)]
            if title and "terminal" in section.titled:
                items.insert(0, _terminal.line(title, "strong"))
            yield from ["", *items] if number and items else items

    def to_terminal(self, width: int = 80) -> str:
        """Return what a terminal of so many columns would show."""
        return _terminal.to_text([self], width)

    def to_markdown(self, links: str | Mapping[str, str] | None = None) -> str:
        """Return it as GitHub Markdown.

        Parameters
        ----------
        links : str or mapping of str to str, optional
            Where pictures are, by their names, or a pattern such as ``"{}.png"``. Others are left
            out.
        """
        if isinstance(links, str):
            links = {picture.name: links.format(picture.name) for picture in self.pictures}
        parts = [f"# {escaped(': '.join(filter(None, (self.kind, self.title))))}"]
        for section in self.shown_in("markdown"):
            if section.title and "markdown" in section.titled:
                parts.append(f"## {escaped(section.title)}")
            parts += [escaped(section.lead)] if section.lead else []
            for block in section.blocks:
                parts += _in_markdown(block, links or {})
        return "\n\n".join(parts) + "\n"

    def to_html(self, drawn: Mapping[str, str] | None = None) -> str:
        """Return it as one page that needs nothing else, not even a network.

        Parameters
        ----------
        drawn : mapping of str to str, optional
            Pictures as SVG elements, by their names; others are left out.
        """
        from ._page import page

        return page(self, drawn or {})

    def write(
        self,
        folder: Path,
        names: Sequence[str],
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Path:
        """Write files called so, ``.html`` or ``.md``, and each picture as SVG and PNG.

        Parameters
        ----------
        folder : Path
            Made if it is not there.
        names : sequence of str
        progress : callable
            Called with the pictures drawn and all of them.

        Returns
        -------
        Path
            Of the first file.

        Raises
        ------
        MissingDependency
            Without matplotlib.
        OSError
            If something cannot be written.
        """
        MATPLOTLIB.load()
        folder.mkdir(parents=True, exist_ok=True)
        drawn = {}
        for number, picture in enumerate(self.pictures):
            progress(number, len(self.pictures))
            figure = picture.figure().draw()
            for suffix in ("svg", "png"):
                save_figure(figure, folder / f"{picture.name}.{suffix}")
            drawn[picture.name] = figure_svg(figure)
        for name in names:
            is_page = name.endswith(".html")
            write_text(
                folder / name, self.to_html(drawn) if is_page else self.to_markdown("{}.svg")
            )
        return folder / names[0]


def write_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    with replacing(path) as stream:
        stream.write(text.encode())


# -- a block in each medium -----------------------------------------------------------------------


def _printed(block: Block) -> "Iterator[RenderableType]":
    """Yield what Rich draws."""
    match block:
        case str():
            yield _terminal.line(block)
        case Facts():
            yield _terminal.facts(block.lines)
        case Notes():
            yield from (_terminal.line(str(one), note_of(one).kind) for one in block.lines)
        case Table():
            yield block


def _in_markdown(block: Block, links: Mapping[str, str]) -> Iterator[str]:
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
    note = note_of(line)
    name = f"**{escaped(note.name)}:** " if note.name else ""
    return f"- {name}{escaped(note.text)}"


def note_of(line: Note | str) -> Note:
    return Note(line) if isinstance(line, str) else line
