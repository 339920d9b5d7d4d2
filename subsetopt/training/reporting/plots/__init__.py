"""Figures of analyses: each function returns a matplotlib figure, and no window ever opens."""

from subsetopt.report.figure_files import save, to_svg
from subsetopt.report.figure_style import Style, styles

from .budgets import against_budget, against_entropy
from .costs import where_seconds_go
from .courses import against_time
from .forest import differences

__all__ = [
    "Style",
    "against_budget",
    "against_entropy",
    "against_time",
    "differences",
    "save",
    "styles",
    "to_svg",
    "where_seconds_go",
]
