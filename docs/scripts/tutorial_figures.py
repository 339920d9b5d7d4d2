"""Figures of tutorials that pyplot does not know: results draw on figures of their own."""

from typing import Any

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

_SHOWN = "shown on a page"


def scrape(block: Any, variables: dict[str, Any], conf: dict[str, Any]) -> str:
    """Save the figure that a block ends with, and return the text that shows it."""
    figure = variables["example_globals"].get("___")
    if not isinstance(figure, Figure) or hasattr(figure, "number"):  # pyplot numbers its own
        return ""
    if figure.get_gid() == _SHOWN:  # it stays the last result until another block has one
        return ""
    figure.set_gid(_SHOWN)
    path = next(variables["image_path_iterator"])
    figure.savefig(path, dpi=200)
    return str(figure_rst([path], conf["src_dir"]))
