"""Tables, figures and documents: declared once, shown in every medium. Only this package draws.

A domain declares columns and hands over its rows, of any type:

>>> from subsetopt.report import Column, Table
>>> from subsetopt.report._number_format import duration
>>> columns = [
...     Column("solver", "name"),
...     Column("time", "seconds", duration, meaning="the median of all calls"),
...     Column("gap", lambda row: row["gap"], ".2f", unit="%", rank=1),
... ]
>>> table = Table(columns, [{"name": "swap", "seconds": 0.0012, "gap": None}])
>>> print(table.to_terminal(80))
  solver     time  gap %
 ───────────────────────
  swap    1.20 ms      -
<BLANKLINE>

`Table`
    Rows under `Column` s (a heading, an attribute or function, a format, an alignment):
    ``to_terminal(width)``, or ``console().print(table)``, ``to_markdown()``, ``to_html()``,
    ``to_records()``, ``to_json()``, ``to_frame()``, ``to_parquet(path)``, ``to_csv(path)``.
    `Table.in_sections` leaves gaps between groups of rows, `Table.of_records` takes mappings as
    they are, which `show(rows, title)` prints.
`Document`
    A title and `Section` s of text, `Facts`, `Notes`, tables and `Picture` s: on the terminal
    (print it), ``to_markdown(links)``, ``to_html(drawn)``; ``write(folder, names)`` with pictures.
`Figure`
    A declaration that ``draw()``, ``save(path)`` (.svg, .png, .pdf) and ``to_svg()`` render by
    matplotlib in one style: `Chart` (`Series` on two `Axis`, a `Strip` below), `Forest`
    (`Interval` s), `Bars`, `Matrix` (`Shade` s). `styles(names)` gives each thing
    compared its looks, for all figures.
`plain`
    Anything as what JSON can hold.
`console`, `print_lines`, `facts`
    Lines and facts on a terminal, which obeys nothing in them.

None, NaN, units, and what a terminal or a page would obey in other people's text are seen to here
and nowhere else. Rich, matplotlib, pandas and pyarrow are imported when they are used.
"""

from typing import TYPE_CHECKING

from subsetopt._registry import loader

if TYPE_CHECKING:
    from ._document import Document, Facts, Note, Notes, Picture, Section
    from ._figure import Figure, Style, styles
    from ._figure_axes import Axis
    from ._terminal import console, facts, print_lines
    from ._values import plain
    from .charts import Chart, Panels, Series, Strip
    from .row_charts import Bars, Forest, Interval, Matrix, Shade
    from .table import Column, Table, show

__all__ = [
    "Axis",
    "Bars",
    "Chart",
    "Column",
    "Document",
    "Facts",
    "Figure",
    "Forest",
    "Interval",
    "Matrix",
    "Note",
    "Notes",
    "Panels",
    "Picture",
    "Section",
    "Series",
    "Shade",
    "Strip",
    "Style",
    "Table",
    "console",
    "facts",
    "plain",
    "print_lines",
    "show",
    "styles",
]

__getattr__ = loader(
    __name__,
    {
        "_document": ("Document", "Facts", "Note", "Notes", "Picture", "Section"),
        "_figure": ("Figure", "Style", "styles"),
        "_figure_axes": ("Axis",),
        "_terminal": ("console", "facts", "print_lines"),
        "_values": ("plain",),
        "charts": ("Chart", "Panels", "Series", "Strip"),
        "row_charts": ("Bars", "Forest", "Interval", "Matrix", "Shade"),
        "table": ("Column", "Table", "show"),
    },
)
