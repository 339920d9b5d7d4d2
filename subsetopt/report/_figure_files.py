"""Figures as files and as parts of pages."""

import os
import re
from hashlib import sha256
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

from subsetopt._files import replacing, suffix_of

from ._figure_style import DPI, plain_rc

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".png", ".pdf")
_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def save(figure: "Figure", path: str | os.PathLike[str]) -> None:
    """Write a figure to a ``.svg``, ``.png`` or ``.pdf`` file, whole or not at all.

    Equal figures make equal files. Raises as `subsetopt._files.suffix_of` and `replacing`
    do.
    """
    if (suffix := suffix_of(path, SUFFIXES)) == ".svg":
        text = to_svg(figure)
        content = f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()
    else:
        content = _drawn(figure, suffix[1:])
    with replacing(path) as stream:
        stream.write(content)


def to_svg(figure: "Figure") -> str:
    """Return a figure as an ``<svg>`` element, of which many may stand in one page.

    Its names are its own and its rules of style reach nothing else; text stays text, in the fonts
    of the system.
    """
    svg = _drawn(figure, "svg").decode()
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


def _drawn(figure: "Figure", suffix: str) -> bytes:
    stream = BytesIO()
    # Nothing of the moment: neither date nor version.
    nothing = {"svg": ("Date", "Creator"), "png": ("Software",), "pdf": ("CreationDate",)}[suffix]
    with plain_rc():
        figure.savefig(stream, format=suffix, metadata=dict.fromkeys(nothing), dpi=DPI)
    return stream.getvalue()
