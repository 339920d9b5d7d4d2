"""SCIP's exact mode: a build that has it, and the model handed over in decimals."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import numpy as np

from subsetopt.errors import InvalidOption, MissingDependency
from subsetopt.formats.model_files import write_model
from subsetopt.models import LinearModel

from . import _formulations

_SWITCH = "exact/enable"  # a parameter of those builds only

_EPS = float(np.finfo(np.float64).eps)


def require_linear(formulation: str) -> None:
    """Raise InvalidOption for a formulation that is not linear."""
    known = get_args(_formulations.Linear)
    if formulation not in known:
        raise InvalidOption(
            f"exact_arithmetic=True takes linear models: formulation must be one of "
            f"{', '.join(known)}; got {formulation!r}"
        )


def enable(solver: Any) -> None:
    """Switch exact mode on, before there is a model.

    Raises
    ------
    MissingDependency
        If this SCIP was built without it.
    """
    try:
        solver.getParam(_SWITCH)
    except KeyError as error:
        raise MissingDependency(
            "exact_arithmetic=True needs a SCIP with exact solving; that of PySCIPOpt here, "
            f"{solver.version()}, is built without it, as wheels are. Build SCIP >= 10 with GMP, "
            "Boost, MPFR and SoPlex (see scipopt.org/doc/html/EXACT.php), then PySCIPOpt on it: "
            "SCIPOPTDIR=... pip install --no-binary pyscipopt pyscipopt"
        ) from error
    solver.setParam(_SWITCH, True)


def read(solver: Any, model: LinearModel) -> list[Any]:
    """Have SCIP read the model from a file, which it takes for rationals; return its variables."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.lp"
        write_model(model, path)
        solver.readProblem(str(path))
    named = {variable.name: variable for variable in solver.getVars()}
    return [named[name] for name in model.variable_names]


def tolerance(task: _formulations.BackendModel, bound: float) -> float:
    """Return what is lost between floats and rationals: of the coefficients and of the bound."""
    return _EPS * (task.terms * task.magnitude + 2 * min(abs(bound), 1e20))
