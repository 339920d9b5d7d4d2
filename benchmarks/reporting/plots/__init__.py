"""Figures of analyses: each function returns a matplotlib figure, and no window ever opens."""

from subsetopt.report.figure_files import save, to_svg
from subsetopt.report.figure_style import MATPLOTLIB, Style, styles

from .curves import anytime, performance_profile, time_to_target
from .growth import scaling
from .matrices import comparison, heat_map

__all__ = [
    "MATPLOTLIB",
    "Style",
    "anytime",
    "comparison",
    "heat_map",
    "performance_profile",
    "save",
    "scaling",
    "styles",
    "time_to_target",
    "to_svg",
]
