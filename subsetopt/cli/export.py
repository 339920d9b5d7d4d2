"""``subsetopt export``: a problem as a file that other solvers read."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from subsetopt.errors import InvalidOption

from . import inputs
from .bundles import command
from .streams import say

if TYPE_CHECKING:
    from subsetopt.forms import LinearModel, QuadraticModel

_QUADRATIC = ("iqp", "iqp-folded")


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where the model goes; a bad one is refused at once."""

    out: Annotated[Path, typer.Option(metavar="FILE", help="The model: .mps or .lp.")]

    def __post_init__(self) -> None:
        from subsetopt._files import require_writable, suffix_of
        from subsetopt.formats.models import WRITERS

        suffix_of(self.out, tuple(WRITERS))
        require_writable(self.out)

    def write(self, model: "LinearModel | QuadraticModel") -> None:
        """Write the model and say how large it is."""
        from subsetopt.formats.models import write_model
        from subsetopt.forms import LinearModel

        write_model(model, self.out)
        linear = model if isinstance(model, LinearModel) else model.linear
        kind = "linear" if model is linear else "quadratic"
        size = f"{linear.variables} variables, {len(linear.rows)} rows"
        say(f"{self.out}: {kind}, {size}")


@dataclass(frozen=True, kw_only=True)
class Model:
    """Which model a quadratic problem is written as."""

    model: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="iqp: quadratic; iqp-folded: with the linear term in the diagonal; published: "
            "Eq. 10 of the mini-batch paper; mccormick; rlt: the tightest relaxation.",
        ),
    ] = "iqp"

    def __post_init__(self) -> None:
        from subsetopt.forms import LINEARISATIONS

        known = (*_QUADRATIC, *LINEARISATIONS)
        if self.model not in known:
            raise InvalidOption(f"--model is {self.model!r}; it is one of {', '.join(known)}")

    def of(self, problem: Any) -> "LinearModel | QuadraticModel":
        """Build the model of a problem that has a quadratic form."""
        from subsetopt.forms import LINEARISATIONS, iqp_model

        form = problem.quadratic_form()
        if self.model in _QUADRATIC:
            return iqp_model(form, folded=self.model == "iqp-folded")
        return LINEARISATIONS[self.model](form)


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    group = typer.Typer()
    group.callback(help="Write a problem as a model for other solvers.")(lambda: None)
    group.command("mean-matching")(command(mean_matching))
    group.command("quadratic")(command(quadratic))
    group.command("mmd")(command(mmd))
    app.add_typer(group, name="export")


def mean_matching(
    problem: inputs.MeanMatchingInput,
    table: inputs.TableInput,
    destination: Destination,
    seed: inputs.Seed = 0,
) -> None:
    """Write mean matching as MPS or LP: linear for scalars, convex quadratic for vectors.

    Example: subsetopt export mean-matching losses.npy --k 13 --out model.mps
    """
    from subsetopt.limits import Limits

    Limits(seed=seed)
    read, tables = problem.read(seed, table)
    scalars = read.family == "mean-matching"
    destination.write(read.linear_model() if scalars else read.quadratic_model())
    _say(tables)


def quadratic(
    problem: inputs.QuadraticInput,
    table: inputs.TableInput,
    model: Model,
    destination: Destination,
) -> None:
    """Write quadratic selection as MPS or LP; a value to be maximised is written as minus it.

    Example: subsetopt export quadratic graph.dat --model rlt --out model.lp
    """
    read = problem.read(table)
    _write(read.problem, model, destination)
    if read.problem.sense == "maximise":
        say("value = -objective")
    _say(read.tables)


def mmd(
    problem: inputs.MMDInput, table: inputs.TableInput, model: Model, destination: Destination
) -> None:
    """Write MMD selection as MPS or LP.

    Example: subsetopt export mmd features.npy --k 8 --out model.mps
    """
    read, tables = problem.read(table)
    _write(read, model, destination)
    _say(tables)


def _say(tables: inputs.Tables) -> None:
    """Say how the tables were read."""
    for label, sentence in inputs.table_lines(tables).items():
        say(f"{label}: {sentence}")


def _write(problem: Any, model: Model, destination: Destination) -> None:
    destination.write(model.of(problem))
    form = problem.quadratic_form()
    if (form.scale, form.constant) != (1.0, 0.0):
        # Readers of the file would miss it: neither format has a scale, and not all a constant.
        say(f"objective = {form.scale!r} * (value of the model) + {form.constant!r}")
