"""``subsetopt export``: a problem as a model file for other solvers."""

from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import subsetopt
from subsetopt import formats
from subsetopt._checks import require_one_of
from subsetopt._options import option
from subsetopt.formats import TableOptions
from subsetopt.formats._constraint_options import ConstraintOptions
from subsetopt.limits import Limits

from .derived_options import Given, Values, output_file
from .kernel_options import KernelOptions
from .mean_matching_options import MeanMatchingOptions
from .mmd_options import MMDOptions
from .problem_options import Tables, ids_of, table_lines
from .quadratic_options import QuadraticOptions
from .standard_streams import say

if TYPE_CHECKING:
    from subsetopt.models import LinearModel, QuadraticModel

_QUADRATIC = ("iqp", "iqp-folded")


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """Where the model goes; a bad one is refused at once."""

    out: Path = output_file("File for the model", ".mps", ".lp", default=MISSING)

    def write(self, model: "LinearModel | QuadraticModel") -> None:
        """Write the model and say how large it is."""
        formats.write_model(model, self.out)
        linear = model if isinstance(model, subsetopt.models.LinearModel) else model.linear
        kind = "linear" if model is linear else "quadratic"
        size = f"{linear.variables} variables, {len(linear.rows)} rows"
        say(f"{self.out}: {kind}, {size}")


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Which model a quadratic problem is written as."""

    model: str = option(
        "Model: iqp (quadratic), iqp-folded (with the linear term in the diagonal), published (Eq. "
        "10 of the mini-batch paper), mccormick, compact, or rlt (the tightest relaxation).",
        "iqp",
    )

    def __post_init__(self) -> None:
        known = (*_QUADRATIC, *subsetopt.models.LINEARISATIONS)
        require_one_of("--model", self.model, known)

    def of(self, problem: Any) -> "LinearModel | QuadraticModel":
        """Build the model of a problem that has a quadratic form."""
        form = problem.quadratic_form()
        if self.model in _QUADRATIC:
            return subsetopt.models.iqp_model(form, folded=self.model == "iqp-folded")
        return subsetopt.models.LINEARISATIONS[self.model](form)


def mean_matching(
    problem: MeanMatchingOptions,
    table: TableOptions,
    rules: ConstraintOptions,
    destination: ModelFile,
    seeded: Annotated[Values, Given(Limits, ("seed",), panel="Model")],
) -> None:
    """Write mean matching as MPS or LP: linear for scalars, convex quadratic for vectors.

    Example: subsetopt export mean-matching losses.npy --k 13 --out model.mps
    """
    read, tables = problem.read(seeded["seed"], rules.features(problem.file, table))
    read, _ = rules.kept(read, problem.file, ids_of(tables))
    scalars = read.family == "mean-matching"
    destination.write(read.linear_model() if scalars else read.quadratic_model())
    _say(tables)


def quadratic(
    problem: QuadraticOptions,
    table: TableOptions,
    rules: ConstraintOptions,
    model: ModelOptions,
    destination: ModelFile,
) -> None:
    """Write quadratic selection as MPS or LP; maximisation is written as minimising the negative.

    Example: subsetopt export quadratic graph.dat --model rlt --out model.lp
    """
    read = problem.read(table)
    kept, _ = rules.kept(read.problem, problem.file, ids_of(read.tables))
    _write(kept, model, destination)
    if read.problem.sense == "maximise":
        say("value = -objective")
    _say(read.tables)


def mmd(
    problem: MMDOptions,
    kernel: KernelOptions,
    table: TableOptions,
    rules: ConstraintOptions,
    model: ModelOptions,
    destination: ModelFile,
) -> None:
    """Write MMD selection as MPS or LP.

    Example: subsetopt export mmd features.npy --k 8 --out model.mps
    """
    read, tables = problem.read(kernel, rules.features(problem.file, table))
    read, _ = rules.kept(read, problem.file, ids_of(tables))
    _write(read, model, destination)
    _say(tables)


def _say(tables: Tables) -> None:
    """Say how the tables were read."""
    for label, sentence in table_lines(tables).items():
        say(f"{label}: {sentence}")


def _write(problem: Any, model: ModelOptions, destination: ModelFile) -> None:
    destination.write(model.of(problem))
    form = problem.quadratic_form()
    if (form.scale, form.constant) != (1.0, 0.0):
        # Readers of the file would miss it: neither format has a scale, and not all a constant.
        say(f"objective = {form.scale!r} * (value of the model) + {form.constant!r}")


SUBCOMMANDS = {"mean-matching": mean_matching, "quadratic": quadratic, "mmd": mmd}
