"""Base of all figures: style, frame and files."""

import os
import re
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from html import escape
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subsetopt._dependencies import OptionalDependency
from subsetopt._files import replacing, suffix_of
from subsetopt.errors import InvalidOption

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

MATPLOTLIB = OptionalDependency("matplotlib", "matplotlib", extra="bench")

WIDTH = 900
"""Of every figure; a length here is a pixel at 100 dots per inch."""
DPI = 100
INK, GREY, LIGHT, PAPER = "#22262b", "#6b727c", "#e3e5e8", "#ffffff"
SLOW, FAST = "#c2410c", "#0f6cb0"

# Okabe and Ito's colours (2008, Color Universal Design) without yellow, which is too pale on
# white, and with a wine red; neighbours differ in lightness too.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#882255", "#e69f00", "#56b4e9", "#444a52")
_DASHES: tuple[tuple[float, ...], ...] = ((), (5.0, 1.6), (1.2, 1.3), (6.0, 1.5, 1.2, 1.5))
_MARKERS = "os^DvPX"

SUFFIXES = (".svg", ".png", ".pdf")
_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_RC = Path(__file__).with_name("figures.mplstyle")


@dataclass(frozen=True)
class Style:
    """How one solver or rule is drawn, in every figure."""

    colour: str
    dash: tuple[float, ...]
    marker: str

    @property
    def line(self) -> Any:
        """The dash as matplotlib wants it."""
        return (0, self.dash) if self.dash else "solid"


def styles(solvers: Iterable[str]) -> dict[str, Style]:
    """Give each solver its style: colours first, then dashes and other markers.

    28 are distinct by colour and dash, and by colour and marker.

    Give all solvers of a report at once, so that one looks alike in all its figures.
    """
    found = {}
    for i, solver in enumerate(dict.fromkeys(solvers)):
        round_, i = divmod(i, len(_COLOURS))
        marker = _MARKERS[(i + round_) % len(_MARKERS)]
        found[solver] = Style(_COLOURS[i], _DASHES[round_ % len(_DASHES)], marker)
    return found


def plain_rc() -> AbstractContextManager[Any]:
    """Return a context in which figures look like this, whatever a user has set."""
    from matplotlib import style

    return style.context(["default", _RC])


@lru_cache(maxsize=2000)
def text_width(text: str, points: float, bold: bool = False) -> float:
    """Return the width of a text in pixels."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text.strip():
        return 0.0
    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    path = TextPath((0, 0), text, size=points, prop=font, usetex=False)
    return 1.04 * float(path.get_extents().width) * DPI / 72  # hinting widens


def fitting(text: str, points: float, width: float, *, ends: bool = False) -> str:
    """Return the text, shortened with an ellipsis where it is wider than `width` pixels.

    It stands for the end, or with `ends` for the middle, where names begin alike.
    """
    if text_width(text, points) <= width:
        return text

    def shortened(n: int) -> str:
        tail = n // 2 if ends else 0
        return text[: n - tail].rstrip() + "…" + text[len(text) - tail :].lstrip()

    kept = bisect_right(range(len(text)), width, key=lambda n: text_width(shortened(n), points))
    return shortened(max(0, kept - 1))


def write(
    axes: "Axes",
    x: float,
    y: float,
    text: str,
    points: float = 9,
    colour: str = INK,
    ha: str = "center",
    **options: Any,
) -> None:
    """Write text, its middle at a height; `options` are those of matplotlib."""
    axes.text(x, y, text, fontsize=points, color=colour, ha=ha, va="center", **options)


def frame(
    title: str,
    subtitle: str = "",
    *,
    height: float = 460,
    left: float = 78,
    right: float = 200,
    top: float = 74,
    bottom: float = 56,
    width: float = WIDTH,
) -> "tuple[Drawn, Axes]":
    """Return a figure with a title and one pair of axes; margins in pixels."""
    from matplotlib.figure import Figure as Drawing

    figure = Drawing(figsize=(width / DPI, height / DPI), dpi=DPI)
    figure.set_label(title)
    box = (left / width, bottom / height)
    axes = figure.add_axes((*box, (width - left - right) / width, (height - top - bottom) / height))
    edge, room = 14 / width, width - 28
    head = fitting(title, 12.5, room * 0.93)
    figure.text(edge, 1 - 26 / height, head, fontsize=12.5, weight="bold")
    figure.text(edge, 1 - 46 / height, fitting(subtitle, 9, room), fontsize=9, color=GREY)
    axes.tick_params(length=3, width=0.8, pad=4)
    return figure, axes


def size(axes: "Axes") -> tuple[float, float]:
    """Return the width and height of axes in pixels."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    box, (width, height) = axes.get_position(), figure.get_size_inches() * DPI
    return float(box.width * width), float(box.height * height)


@dataclass(frozen=True)
class Figure(ABC):
    """What every kind of figure has: a title, and a line on how to read it.

    Parameters
    ----------
    title : str
    about : str
    empty : str
        What is said in place of the data where there are none.
    """

    title: str
    about: str = ""
    empty: str = ""

    def draw(self) -> "Drawn":
        """Return a figure of matplotlib, whatever style a user has set.

        Raises MissingDependency if matplotlib is not installed.
        """
        MATPLOTLIB.load()
        with plain_rc():
            axes = self._drawn()
            if self.empty:
                axes.tick_params(labelbottom=False, labelleft=False, length=0)
                axes.grid(visible=False)
                write(axes, 0.5, 0.5, self.empty, 9, GREY, transform=axes.transAxes)
        figure = axes.get_figure(root=True)
        assert figure is not None
        return figure

    @abstractmethod
    def _drawn(self) -> "Axes":
        """Return the axes of a new figure, with everything on them."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, whole or not at all; see `save_figure`."""
        save_figure(self.draw(), path)

    def shown(self, path: str | os.PathLike[str] | None) -> "Drawn | None":
        """Write it to a file if there is one, else return it as a figure of matplotlib."""
        if path is None:
            return self.draw()
        self.save(path)
        return None

    def to_svg(self) -> str:
        """Return it as an ``<svg>`` element."""
        return figure_svg(self.draw())

    _repr_html_ = to_svg


class OneAxes(Figure):
    """A figure with one pair of axes, which may be anybody's."""

    def on(self, axes: "Axes", path: object = None) -> "Axes":
        """Draw it on axes of a figure that is not ours, and return them.

        Raises
        ------
        InvalidOption
            If there is a path too: whoever made the axes writes their figure.
        """
        if path is not None:
            raise InvalidOption(f"a plot takes a path or axes, not both; got {path!r} with axes")
        MATPLOTLIB.load()
        with plain_rc():
            self._fill(axes)
        axes.set_title(self.title)
        return axes

    @abstractmethod
    def _fill(self, axes: "Axes") -> None:
        """Draw all but the title."""


class Plotted(ABC):
    """What is drawn as a figure of one pair of axes."""

    @abstractmethod
    def _figure(self) -> OneAxes:
        """Return the figure."""

    def plot(self, path: str | os.PathLike[str] | None = None, *, axes: Any = None) -> Any:
        """Draw it.

        Parameters
        ----------
        path : path, optional
            The file to write: .svg, .pdf or .png; None returns the figure.
        axes : matplotlib Axes, optional
            Draw on these, and return them.

        Raises
        ------
        InvalidOption
            For another suffix, or a path with axes.
        MissingDependency
            If matplotlib is not installed.
        """
        figure = self._figure()
        return figure.shown(path) if axes is None else figure.on(axes, path)


# -- files ----------------------------------------------------------------------------------------


def save_figure(figure: "Drawn", path: str | os.PathLike[str]) -> None:
    """Write a figure to a ``.svg``, ``.png`` or ``.pdf`` file, whole or not at all.

    Equal figures make equal files. Raises as `subsetopt._files.suffix_of` and `replacing`
    do.
    """
    if (suffix := suffix_of(path, SUFFIXES)) == ".svg":
        text = figure_svg(figure)
        content = f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()
    else:
        content = _rendered(figure, suffix[1:])
    with replacing(path) as stream:
        stream.write(content)


def figure_svg(figure: "Drawn") -> str:
    """Return a figure as an ``<svg>`` element, of which many may stand in one page.

    Its names are its own and its rules of style reach nothing else; text stays text, in the fonts
    of the system.
    """
    svg = _rendered(figure, "svg").decode()
    svg = svg[svg.index("<svg") :].rstrip()
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font:([^;\"]*?)'DejaVu Sans'", rf"font:\1{_FONTS}", svg)
    svg = re.sub(r"font-family: ?'DejaVu Sans'", f"font-family: {_FONTS}", svg)
    prefix = "f" + sha256(svg.encode()).hexdigest()[:8]
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r'href="#', f'href="#{prefix}-', svg)
    svg = re.sub(r"url\(#", f"url(#{prefix}-", svg)
    svg = re.sub(r"(<style[^>]*>)\s*\*", rf"\1#{prefix} *", svg)
    width, height = figure.get_size_inches() * DPI
    head, rest = svg.split(">", 1)
    head = re.sub(r'\s(?:width|height)="[^"]*"', "", head)
    title = escape(str(figure.get_label()))
    head += f' id="{prefix}" width="{width:.0f}" height="{height:.0f}" role="img"'
    head += f' aria-label="{title}" style="max-width: 100%; height: auto"'
    return f"{head}>{rest}"


def _rendered(figure: "Drawn", suffix: str) -> bytes:
    stream = BytesIO()
    # Nothing of the moment: neither date nor version.
    nothing = {"svg": ("Date", "Creator"), "png": ("Software",), "pdf": ("CreationDate",)}[suffix]
    # Narrow figures get more dots, so that pixels are never fewer than those of wide ones.
    dots = ceil(WIDTH / (figure.get_size_inches()[0] * DPI)) if suffix == "png" else 1
    with plain_rc():
        figure.savefig(stream, format=suffix, metadata=dict.fromkeys(nothing), dpi=dots * DPI)
    return stream.getvalue()
