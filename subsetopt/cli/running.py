"""How the commands of ``subsetopt solve`` run: the options that all take, and what they report."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import exits, inputs
from .streams import say

if TYPE_CHECKING:
    from subsetopt._marginals import Marginal
    from subsetopt.solution import Solution

    from .yardstick import Yardstick


@dataclass(frozen=True)
class Report:
    """What a command says beside what all say.

    Parameters
    ----------
    keys : dict
        What ``--json`` adds.
    lines : dict of str to str
        For people: lines of its own, or in place of those that all have; an empty text is left
        out.
    marginals : sequence of Marginal
        For people: how the columns of chosen and of all rows compare.
    """

    keys: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    marginals: "Sequence[Marginal]" = ()


@dataclass(frozen=True, kw_only=True)
class Run:
    """The solver, its limits, and where its answer goes; bad ones are refused at once."""

    solver: Annotated[
        str, typer.Option(metavar="NAME", help="One of those that 'subsetopt solvers' lists.")
    ] = "auto"
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="An option of the solver's own; repeatable."),
    ] = None
    bound: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="A bound beside the solver's own, for quadratic problems: fw, qp, rlt, sdp or "
            "none; it may take the time limit once more.",
        ),
    ] = "none"
    time_limit: Annotated[float | None, typer.Option(metavar="S", help="Wall-clock seconds.")] = (
        None
    )
    gap: Annotated[
        float | None, typer.Option(metavar="G", help="Relative gap that is good enough.")
    ] = None
    absolute_gap: Annotated[
        float | None, typer.Option(metavar="G", help="Gap in units of the objective.")
    ] = None
    threads: Annotated[int | None, typer.Option(metavar="T", help="Number of threads.")] = None
    seed: inputs.Seed = 0
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the indices: .npy, .csv or .txt."),
    ] = None
    log: Annotated[bool, typer.Option("--log", help="The solver's log, on stderr.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead.")] = False

    def __post_init__(self) -> None:
        from subsetopt._files import require_writable, suffix_of
        from subsetopt.formats.indices import SUFFIXES
        from subsetopt.limits import Limits

        Limits(**self._limits())
        if self.out is not None:
            suffix_of(self.out, SUFFIXES)
            require_writable(self.out)

    def _limits(self) -> dict[str, Any]:
        return {
            "time_limit": self.time_limit,
            "gap": self.gap,
            "absolute_gap": self.absolute_gap,
            "threads": self.threads,
            "seed": self.seed,
            "log": self.log,
        }

    def answer(
        self,
        problem: Any,
        report: "Callable[[Solution, Yardstick], Report]" = lambda *_: Report(),
        tables: inputs.Tables | None = None,
    ) -> None:
        """Solve, write and print; ends the command with the code that fits.

        `tables` are those that the problem was read from: how, and the ids of the chosen, is said.
        """
        from subsetopt._clock import CLOCK
        from subsetopt.formats.indices import write_indices
        from subsetopt.report.progress import clock
        from subsetopt.solving import solve

        from .options import configured
        from .streams import output_to_error
        from .yardstick import Yardstick

        ready = configured(problem, self.solver, self.option or ())
        bounded, hidden = self.bound != "none", self.as_json or self.log
        watched = clock(self.time_limit, CLOCK.now, bound=bounded, hidden=hidden)
        with output_to_error(), watched as begins:
            solution = solve(problem, ready, bound=self.bound, begins=begins, **self._limits())
        if self.out is not None and solution.indices is not None:
            write_indices(solution.indices, self.out)
        yardstick = Yardstick.of(problem, solution, self.seed)
        self._print(solution, yardstick, report(solution, yardstick), tables or {})
        raise typer.Exit(exits.of_solution(solution))

    def _print(
        self, solution: "Solution", yardstick: "Yardstick", report: Report, tables: inputs.Tables
    ) -> None:
        ids = next(iter(tables.values())).ids_of(solution.indices) if tables else None
        if self.as_json:
            document = {**solution.to_dict(), **yardstick.to_dict(), **report.keys}
            document |= {**inputs.plain_tables(tables), "ids": ids} if tables else {}
            say(json.dumps(document, allow_nan=False))
            return
        from .display import show_marginals, show_solution

        show_solution(solution, yardstick, {**inputs.table_lines(tables), **report.lines}, ids)
        if report.marginals:
            show_marginals(report.marginals)
