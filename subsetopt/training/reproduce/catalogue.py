"""Experiments by name."""

from importlib import import_module

from subsetopt.errors import InvalidOption

from .experiment import Experiment

EXPERIMENTS = {
    "obftf-fig1": "obftf.fig1",
    "obftf-fig2": "obftf.fig2",
    "obftf-table3": "obftf.table3",
    "budgeted-table1": "budgeted.table1",
    "budgeted-table2": "budgeted.table2",
    "budgeted-table3": "budgeted.table3",
    "budgeted-table4": "budgeted.table4",
    "budgeted-table5": "budgeted.table5",
    "budgeted-table6": "budgeted.table6",
    "budgeted-fig1": "budgeted.fig1",
    "mmd-table1": "mmd.table1",
    "mmd-fig2": "mmd.fig2",
    "mmd-fig3": "mmd.fig3",
    "mmd-fig4": "mmd.fig4",
    "mmd-fig5": "mmd.fig5",
    "mmd-fig6": "mmd.fig6",
}
"""Where each is declared: a module of this package, in which it is called EXPERIMENT."""


def experiment(name: str) -> Experiment:
    """Return an experiment.

    Raises
    ------
    InvalidOption
        If none is called so.
    """
    if name not in EXPERIMENTS:
        raise InvalidOption(f"experiment is {name!r}; one of {', '.join(EXPERIMENTS)} is needed")
    found: Experiment = import_module(f"{__package__}.{EXPERIMENTS[name]}").EXPERIMENT
    return found
