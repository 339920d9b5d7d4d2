"""What runs have shown: rules beside the baseline of the same budget, seed by seed."""

from .courses import Axis, Course, courses
from .groups import Group, grouped
from .matching import at_equal_cost, baselines_at_equal_cost
from .measures import FINAL, Measure, after_cost, after_seconds
from .pairing import FEWEST, LEVEL, Comparison, Verdict, compared, holm, judged_together
from .report import Analysis, Family, Judged, analyse, at_cost, at_seconds
from .summary import Spread, Summary

__all__ = [
    "FEWEST",
    "FINAL",
    "LEVEL",
    "Analysis",
    "Axis",
    "Comparison",
    "Course",
    "Family",
    "Group",
    "Judged",
    "Measure",
    "Spread",
    "Summary",
    "Verdict",
    "after_cost",
    "after_seconds",
    "analyse",
    "at_cost",
    "at_equal_cost",
    "at_seconds",
    "baselines_at_equal_cost",
    "compared",
    "courses",
    "grouped",
    "holm",
    "judged_together",
]
