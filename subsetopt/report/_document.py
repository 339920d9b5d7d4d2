"""Documents: sections of text, facts, notes, tables and pictures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subsetopt._files import replacing

from . import _terminal
from ._figure import MATPLOTLIB, figure_svg, save_figure
from ._markup import escaped
from ._page import page
from ._sections import Block, Facts, Note, Notes, Picture, Section, note_of
from .table import Table

if TYPE_CHECKING:
    from rich.console import RenderableType


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
