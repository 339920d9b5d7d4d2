"""Comparison of solvers: suites, measurements, reports.

>>> from subsetopt.benchmarks import SuiteOptions, find_suite, make_plan, measure
>>> cases = find_suite("mmd").build(SuiteOptions(source="synthetic", sizes=(30,), ks=(5,)))
>>> plan = make_plan("mmd", cases, ["herding", "swap"])
>>> results = measure(plan, cases).results  # doctest: +SKIP
"""

from typing import TYPE_CHECKING

from subsetopt._registry import exports

if TYPE_CHECKING:  # the same names once more, for type checkers and editors
    from ._contenders import make_plan as make_plan
    from ._suite_file import read_suite as read_suite
    from ._suite_options import MeasurementOptions as MeasurementOptions
    from ._suite_options import SuiteOptions as SuiteOptions
    from ._suites import find_suite as find_suite
    from .analysis._comparison import Comparison as Comparison
    from .analysis._comparison import compare as compare
    from .analysis._summary import summarise as summarise
    from .analysis._target_curves import performance_profiles as performance_profiles
    from .analysis._target_curves import times_to_target as times_to_target
    from .measuring._runner import joblib_backend as joblib_backend
    from .measuring._runner import measure as measure
    from .reporting._comparison_report import ComparisonReport as ComparisonReport
    from .results import Contender as Contender
    from .results import Plan as Plan
    from .results import Results as Results
    from .results import Row as Row
    from .results import load_results as load_results

__all__, __getattr__, __dir__ = exports(
    __name__,
    {
        "_contenders": "make_plan",
        "_suite_file": "read_suite",
        "_suite_options": "MeasurementOptions SuiteOptions",
        "_suites": "find_suite",
        "analysis._comparison": "Comparison compare",
        "analysis._summary": "summarise",
        "analysis._target_curves": "performance_profiles times_to_target",
        "measuring._runner": "joblib_backend measure",
        "reporting._comparison_report": "ComparisonReport",
        "results": "Contender Plan Results Row load_results",
    },
)
