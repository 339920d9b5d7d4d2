"""Experiments by name."""

from functools import cache
from pathlib import Path

from subsetopt.errors import InvalidOption

from .experiment import Experiment
from .reading import read_experiment

EXPERIMENTS = (
    "obftf-fig1",
    "obftf-fig2",
    "obftf-table3",
    "budgeted-table1",
    "budgeted-table2",
    "budgeted-table3",
    "budgeted-table4",
    "budgeted-table5",
    "budgeted-table6",
    "budgeted-fig1",
    "mmd-table1",
    "mmd-fig2",
    "mmd-fig3",
    "mmd-fig4",
    "mmd-fig5",
    "mmd-fig6",
)
"""PAPER-ITEM is said by the file ITEM.yaml in the folder PAPER."""


@cache
def experiment(name: str) -> Experiment:
    """Return an experiment.

    Raises
    ------
    InvalidOption
        If none is called so.
    """
    if name not in EXPERIMENTS:
        raise InvalidOption(f"experiment is {name!r}; one of {', '.join(EXPERIMENTS)} is needed")
    folder, _, item = name.partition("-")
    return read_experiment(Path(__file__).with_name(folder) / f"{item}.yaml", name)
