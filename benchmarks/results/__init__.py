"""What a comparison is and what it has measured: plain data, and the folder that holds it."""

from subsetopt.benchmarks._suite_options import MeasurementOptions

from ._plan import Bound, CaseInfo, Contender, Plan, Results, Session
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
    "load_results",
]
