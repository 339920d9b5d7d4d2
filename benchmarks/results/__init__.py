"""What a comparison is and what it has measured: plain data, and the folder that holds it."""

from subsetopt.benchmarks.suite_options import MeasurementOptions

from .plan import Bound, CaseInfo, Entrant, Plan, Results, Session
from .rows import SCHEMA, Key, Row

__all__ = [
    "SCHEMA",
    "Bound",
    "CaseInfo",
    "Entrant",
    "Key",
    "MeasurementOptions",
    "Plan",
    "Results",
    "Row",
    "Session",
]
