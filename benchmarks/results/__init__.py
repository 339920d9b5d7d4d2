"""Results: the plan of a comparison, its rows, and the folder that keeps them."""

from subsetopt.benchmarks._suite_options import MeasurementOptions

from ._plan import Bound, CaseInfo, Contender, Plan, Results, Session, SkippedCase
from ._results_folder import load_results
from ._rows import SCHEMA, Key, Row

__all__ = [
    "SCHEMA",
    "Bound",
    "CaseInfo",
    "Contender",
    "Key",
    "MeasurementOptions",
    "Plan",
    "Results",
    "Row",
    "Session",
    "SkippedCase",
    "load_results",
]
