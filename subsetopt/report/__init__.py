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
    (`Interval` s), `Bars`, `Matrix` (`Shade` s), `Scatter`, `PairedBars`; `Panels` of them.
    `styles(names)` gives each thing compared its looks, for all figures.
`plain`
    Anything as what JSON can hold.
`console`, `print_lines`, `facts`
    Lines and facts on a terminal, which obeys nothing in them.

None, NaN, units, and what a terminal or a page would obey in other people's text are seen to here
and nowhere else. Rich, matplotlib, pandas and pyarrow are imported when they are used.
"""

from typing import TYPE_CHECKING

from subsetopt._registry import exports

if TYPE_CHECKING:  # the same names once more, for type checkers and editors
    from ._document import Document as Document
    from ._figure import Figure as Figure
    from ._figure import Style as Style
    from ._figure import styles as styles
    from ._figure_axes import Axis as Axis
    from ._sections import Facts as Facts
    from ._sections import Note as Note
    from ._sections import Notes as Notes
    from ._sections import Picture as Picture
    from ._sections import Section as Section
    from ._terminal import console as console
    from ._terminal import facts as facts
    from ._terminal import print_lines as print_lines
    from ._values import plain as plain
    from .charts import Chart as Chart
    from .charts import Panels as Panels
    from .charts import Series as Series
    from .charts import Strip as Strip
    from .row_charts import Bars as Bars
    from .row_charts import Forest as Forest
    from .row_charts import Interval as Interval
    from .row_charts import Matrix as Matrix
    from .row_charts import Shade as Shade
    from .sample_charts import PairedBars as PairedBars
    from .sample_charts import Scatter as Scatter
    from .table import Column as Column
    from .table import Table as Table
    from .table import show as show

__all__, __getattr__, __dir__ = exports(
    __name__,
    {
        "charts": "Chart Panels Series Strip",
        "_document": "Document",
        "_sections": "Facts Note Notes Picture Section",
        "_figure": "Figure Style styles",
        "_figure_axes": "Axis",
        "row_charts": "Bars Forest Interval Matrix Shade",
        "sample_charts": "Scatter PairedBars",
        "table": "Column Table show",
        "_terminal": "console facts print_lines",
        "_values": "plain",
    },
)
