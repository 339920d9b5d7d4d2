"""``subsetopt export``: a problem as a file that other solvers read."""

from pathlib import Path
from typing import Annotated

import typer

from . import inputs


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    group = typer.Typer()
    group.callback(help="Write a problem as a model for other solvers.")(lambda: None)
    group.command("mean-matching")(mean_matching)
    app.add_typer(group, name="export")


def mean_matching(
    file: inputs.File,
    k: inputs.K,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The model: .mps or .lp.")],
    target: inputs.Target = "mean",
    at_most: inputs.AtMost = False,
    seed: inputs.Seed = 0,
) -> None:
    """Write mean matching as MPS or LP: linear for scalars, convex quadratic for vectors.

    Example: subsetopt export mean-matching losses.npy --k 13 --out model.mps
    """
    from subsetopt.formats.atomic import suffix_of
    from subsetopt.formats.models import WRITERS, write_model
    from subsetopt.limits import Limits

    Limits(seed=seed)
    suffix_of(out, tuple(WRITERS))
    problem = inputs.mean_matching(file, k, target, at_most, seed)
    if problem.family == "mean-matching":
        kind, linear = "linear", problem.linear_model()
        write_model(linear, out)
    else:
        quadratic = problem.quadratic_model()
        kind, linear = "quadratic", quadratic.linear
        write_model(quadratic, out)
    typer.echo(f"{out}: {kind}, {linear.variables} variables, {len(linear.rows)} rows")
