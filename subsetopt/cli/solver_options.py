"""Options and output that all commands of ``subsetopt solve`` share."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import subsetopt
from subsetopt import formats
from subsetopt._clock import CLOCK
from subsetopt._options import option
from subsetopt._spec import Spec
from subsetopt.formats._declared import fitted
from subsetopt.limits import Limits
from subsetopt.report._progress import clock

from . import exits
from .derived_options import assignments, json_flag, output_file, picture_file
from .display import show_marginals, show_solution
from .problem_options import Tables, plain_tables, table_lines
from .standard_streams import output_to_error, say_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from subsetopt._baseline import UniformBaseline
    from subsetopt._marginals import Marginal
    from subsetopt.problems import Constraints, Problem
    from subsetopt.solution import Solution
    from subsetopt.solvers.base import Solver


@dataclass(frozen=True)
class SolveReport:
    """What a command says in addition to what all say.

    Parameters
    ----------
    keys : dict
        What ``--json`` adds.
    lines : dict of str to str
        For people: lines of its own, or in place of those that all have; an empty text is left
        out.
    marginals : sequence of Marginal
        For people: how the columns of chosen and of other rows compare.
    others : str
        What the other rows are: "all", or "target".
    """

    keys: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    marginals: "Sequence[Marginal]" = ()
    others: str = "all"


@dataclass(frozen=True, kw_only=True)
class SolverOptions:
    """The solver, and what is done with its result."""

    solver: str = option(
        "Solver, one of those that 'subsetopt solvers' lists; also with its options, as in "
        "tabu:iterations=1000.",
        "auto",
    )
    options: tuple[str, ...] = assignments()
    bound: str = option(
        "Bound worked out in addition to the solver's own, for quadratic problems: degrees, "
        "fw, qp, rlt, sdp or none; it may take as long as the time limit once more.",
        "none",
    )
    out: Path | None = output_file("File for the indices", ".npy", ".csv", ".txt")
    plot: Path | None = picture_file(
        "File for a picture of chosen and other candidates, with random selections as baseline"
    )
    proof: Path | None = output_file("File for a proof that 'subsetopt verify' checks", ".gz")
    as_json: bool = json_flag("Print one JSON object.")

    def configured(self, problem: "Problem", gap: float | None) -> "Solver":
        """Return the solver with its options, the one that "auto" stands for at such a gap.

        Raises
        ------
        UnknownSolver
            If none is called so.
        InvalidOption
            For an option that it lacks, or a value of the wrong type.
        """
        from subsetopt.solvers import catalogue

        spec = Spec.parse(self.solver, self.options)
        name = subsetopt.solving.automatic(problem, gap) if spec.name == "auto" else spec.name
        options = fitted(catalogue.solver_class(name), spec.options, f"solver {name!r}")
        return catalogue.create(name, **options)

    def answer(
        self,
        problem: Any,
        limits: Limits,
        report: "Callable[[Solution, UniformBaseline], SolveReport]" = lambda *_: SolveReport(),
        tables: Tables | None = None,
    ) -> None:
        """Solve, write and print; ends the command with the code that fits.

        `tables` are those that the problem was read from: how, and the ids of the chosen, is said.
        """
        ready = self.configured(problem, limits.gap)
        bounded, hidden = self.bound != "none", self.as_json or limits.log
        watched = clock(limits.time_limit, CLOCK.shown, bound=bounded, hidden=hidden)
        with output_to_error(), watched as begins:
            given = {**asdict(limits), "proof": self.proof}
            solution = subsetopt.solve(problem, ready, bound=self.bound, begins=begins, **given)
        if self.out is not None and solution.indices is not None:
            formats.write_indices(solution.indices, self.out)
        if self.plot is not None and solution.indices is not None:
            solution.plot(problem, self.plot, seed=limits.seed)
        baseline = subsetopt._baseline.UniformBaseline.of(problem, solution.objective, limits.seed)
        said = report(solution, baseline)
        lines, keys = _kept(problem.constraints, solution.indices)
        said = replace(said, lines={**lines, **said.lines}, keys={**keys, **said.keys})
        self._print(solution, baseline, said, tables or {})
        raise typer.Exit(exits.of_solution(solution))

    def _print(
        self,
        solution: "Solution",
        baseline: "UniformBaseline",
        report: SolveReport,
        tables: Tables,
    ) -> None:
        ids = next(iter(tables.values())).ids_of(solution.indices) if tables else None
        if self.as_json:
            document = {**solution.to_dict(), **baseline.to_dict(), **report.keys}
            document |= {**plain_tables(tables), "ids": ids} if tables else {}
            say_json(document)
            return
        show_solution(solution, baseline, {**table_lines(tables), **report.lines}, ids)
        if report.marginals:
            show_marginals(report.marginals, report.others)


def _kept(
    constraints: "Constraints | None", indices: "NDArray[Any] | None"
) -> tuple[dict[str, str], dict[str, Any]]:
    """Return how a selection keeps its constraints: lines for people, and keys for ``--json``."""
    if constraints is None or indices is None:
        return {}, {}
    lines: dict[str, str] = {}
    keys: dict[str, Any] = {}
    groups = [
        {str(g): int(c) for g, c in zip(quota.groups, quota.counts(indices), strict=True)}
        for quota in constraints.quotas
    ]
    if groups:
        keys["quotas"] = groups
        shown = [", ".join(f"{group} {c}" for group, c in list(one.items())[:12]) for one in groups]
        lines["chosen of groups"] = "; ".join(dict.fromkeys(shown))
    if constraints.priced is not None:
        keys |= {"cost": constraints.priced.total(indices), "budget": constraints.budget}
        lines["cost"] = f"{keys['cost']!r} of {constraints.budget!r}"
    return lines, keys
