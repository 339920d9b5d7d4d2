"""`solve`, `solve_many` and `solver`: the choice of a solver, its call, and certification."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from subsetopt._clock import CLOCK
from subsetopt._files import require_writable
from subsetopt._processes import processors
from subsetopt._registry import require_options
from subsetopt.certification import Begun, certify
from subsetopt.errors import (
    InvalidOption,
    InvalidProblem,
    InvalidResult,
    MissingDependency,
    SubsetOptError,
    UnsupportedProblem,
)
from subsetopt.limits import Limits
from subsetopt.models._side_constraints import side_of
from subsetopt.problems import Problem
from subsetopt.problems._identity import fingerprint
from subsetopt.problems._parallel import no_callback
from subsetopt.solution import Solution, Termination

if TYPE_CHECKING:
    from subsetopt.solvers.base import RawResult, Solver

__all__ = ["solve", "solve_many", "solver"]

AUTO: dict[str, str] = {
    "mean-matching": "swap",
    "vector-mean-matching": "swap",
    "quadratic": "tabu",
    "mmd": "tabu",
}
"""The solver that ``"auto"`` stands for, by family of problems."""

AUTO_PROVING = {"quadratic": "branch-and-bound", "mmd": "branch-and-bound"}
"""What it stands for where the gap is to be 0, up to `_PROVABLE` candidates."""

_PROVABLE = 200

AUTO_CONSTRAINED = ("swap", "tabu", "scip", "highs", "random")
"""What it stands for, the first that can, where that solver does not take the constraints."""


def solver(name: str, **options: Any) -> "Solver":
    """Return a solver with options of its own, to be handed to `solve`.

    Raises
    ------
    UnknownSolver
        If none is called so.
    InvalidOption
        If it has no such option, or the value is outside its domain.

    Examples
    --------
    >>> solver("swap", tolerance=1e-6).name
    'swap'
    """
    from subsetopt.solvers import catalogue

    return catalogue.create(name, **options)


def solve(
    problem: Problem,
    solver: "str | Solver" = "auto",
    *,
    time_limit: float | None = None,
    gap: float | None = None,
    absolute_gap: float | None = None,
    threads: int | None = None,
    seed: int = 0,
    log: bool = False,
    bound: str = "none",
    start: ArrayLike | None = None,
    begins: Callable[[str], object] | None = None,
    proof: str | os.PathLike[str] | None = None,
) -> Solution:
    """Solve a problem and certify the answer.

    Parameters
    ----------
    problem : Problem
        For instance a `MeanMatching`.
    solver : str or Solver
        A name, ``"auto"``, or an object from `subsetopt.solver`. With ``gap=0`` the optimum of a
        quadratic problem of up to 200 candidates is to be proven, and ``"auto"`` is
        ``"branch-and-bound"``.
    time_limit, gap, absolute_gap, threads, seed, log
        See `Limits`. The time limit begins when all that is needed is loaded and compiled:
        `Stats.warmup_seconds` says how long that took.
    bound : {"none", "degrees", "fw", "qp", "rlt", "sdp"}
        A lower bound to be worked out in addition to the solver's own, for quadratic problems;
        it may take `time_limit` once more, also in wall-clock time. Ctrl-C meanwhile keeps the
        selection. See `subsetopt.solvers.bounds`.
    start : array_like of int, optional
        Candidates to begin with, such as an earlier selection. Where they are no selection of the
        problem, the one that has most in common with them is taken, and `Solution.message` says so.
        The answer is never worse.
    begins : callable, optional
        Called with what begins, "solve", "bound ..." and "proof", for people who wait.
    proof : str or path, optional
        A file (``.jsonl.gz``) for a proof of the bound, which `subsetopt.verify` checks without
        this package. It is of the optimum where that was proven; else of the best bound that there
        is a proof for, which `Solution.message` names. It is made after the search, and may take
        `time_limit` once more. Where that is too little, or a tree has more than some million
        nodes, there is no file, and the message says so.

    Raises
    ------
    UnknownSolver, InvalidOption
        Bad usage.
    UnsupportedProblem
        The solver does not take this family, or these constraints; the message names those that do.
        Or there are no proofs of such problems.
    InvalidSelection
        The start holds what is no candidate, or one twice.
    MissingDependency
        What the solver stands on is missing; the message says how to install it.
    TooLarge
        An exact method refused, with its estimate of time and memory.
    InvalidResult
        A solver from elsewhere failed, or any solver changed the problem or returned no valid
        result: no selection of the problem, a bound above its own objective, a negative `eps`.
    """
    begun = Begun()
    limits = Limits(
        time_limit=time_limit,
        gap=gap,
        absolute_gap=absolute_gap,
        threads=threads,
        seed=seed,
        log=log,
    )
    say = begins or no_callback
    if proof is None:
        return _solved(problem, solver, limits, bound, start, say, begun)
    from subsetopt.solvers import _proof_log

    require_writable(proof)
    _family(problem)
    taken, rest = _proof_log.begun(problem, limits)
    solution = _solved(problem, solver, rest, bound, start, say, begun)
    if solution.indices is None or solution.termination is Termination.INTERRUPTED:
        return solution
    say("proof")
    try:
        note = _proof_log.finished(taken, proof, solution, limits)
    except KeyboardInterrupt:
        note = "no proof file: interrupted"
        solution = replace(solution, termination=Termination.INTERRUPTED)
    return _noted(solution, note)


def _noted(solution: Solution, note: str) -> Solution:
    return replace(solution, message="; ".join(filter(None, (solution.message, note))))


def _solved(
    problem: Problem,
    solver: "str | Solver",
    limits: Limits,
    bound: str,
    start: ArrayLike | None,
    say: Callable[[str], object],
    begun: Begun,
) -> Solution:
    with CLOCK.standing():
        ready = _ready(problem, solver, limits.gap)
        if bound != "none":
            from subsetopt.solvers import bounds

            bounds.require(problem, bound)
    say("solve")
    if start is None and side_of(problem) is None:
        raw = _ask(problem, ready, limits)
    else:
        from subsetopt.solvers import _constrained

        raw = _constrained.solved(problem, ready, limits, start, _ask)
    if bound == "none" or raw.termination is Termination.INTERRUPTED:
        return certify(problem, ready, raw, begun)
    say(f"bound {bound}")
    further = bounds.bounded(problem, bound, limits)
    solution = certify(problem, ready, raw, begun, further.value)
    solution = _noted(solution, further.note)
    if further.interrupted:  # what is known of the selection stays
        solution = replace(solution, termination=Termination.INTERRUPTED)
    return solution


def _ask(problem: Problem, solver: "Solver", limits: Limits) -> "RawResult":
    """Return what a solver says of a problem, which must be the same afterwards.

    The problem's sizes are compared, and for solvers from elsewhere a digest of its arrays too, at
    about one second per GiB.

    Raises
    ------
    InvalidResult
        If a solver from elsewhere raises anything but a `SubsetOptError`, KeyboardInterrupt or
        MemoryError; if any changes the problem, or returns no valid `RawResult`.
    SubsetOptError
        What else the solver raises of these.
    """
    from subsetopt.solvers.base import RawResult

    own = type(solver).__module__.startswith("subsetopt.")
    look = _sizes if own else _state
    before = look(problem)
    try:
        with CLOCK.standing():
            solver.prepare(problem, limits)
        raw: object = solver._solve(problem, limits)
    except InvalidResult as error:
        raise InvalidResult(f"solver {solver.name!r} returned no result: {error}") from error
    except (SubsetOptError, MemoryError):
        raise
    except Exception as error:
        if own:
            raise  # a bug of this package, whose traceback is wanted
        raise InvalidResult(
            f"solver {solver.name!r} failed with {type(error).__name__}: {error}"
        ) from error
    if look(problem) != before:
        raise InvalidResult(
            f"solver {solver.name!r} changed the problem that it was given; build the problem anew"
        )
    if not isinstance(raw, RawResult):
        raise InvalidResult(f"solver {solver.name!r} must return a RawResult; got {raw!r}")
    return raw


def _sizes(problem: Problem) -> tuple[object, ...]:
    return problem.family, problem.n, problem.k, problem.smallest_count


def _state(problem: Problem) -> tuple[object, ...]:
    """Return what stays equal as long as nothing of the problem is changed."""
    return *_sizes(problem), _digest(problem)


def _digest(part: Any) -> object:
    if isinstance(part, np.ndarray):
        return fingerprint(part)
    if is_dataclass(part) and not isinstance(part, type):
        return tuple(_digest(getattr(part, field.name)) for field in fields(part))
    return part if isinstance(part, str | Real | None) else id(part)


def solve_many(
    problems: Iterable[Problem],
    solver: "str | Solver" = "auto",
    *,
    threads: int | None = None,
    **limits: Any,
) -> list[Solution]:
    """Solve problems one by one, in parallel where the solver allows it.

    Solvers that are compiled here and release the interpreter lock run on `threads` problems at
    once; the others, the backends, one problem after another with `threads` threads each.

    Parameters
    ----------
    problems : iterable of Problem
        Of any families; all are checked before the first one is solved.
    solver : str or Solver
        As for `solve`; ``"auto"`` is chosen for each problem alone.
    threads : int, optional
        How many problems at once; None is the number of processors.
    **limits
        The other limits of `solve`, for each problem alone.

    Returns
    -------
    list of Solution
        In the order of the problems; the same whatever the number of threads.
    """
    from concurrent.futures import ThreadPoolExecutor

    require_options("solve_many", limits, Limits.names())
    Limits(threads=threads, **limits)  # bad limits fail before any work
    waiting = [(problem, _ready(problem, solver, limits.get("gap"))) for problem in problems]
    together = [each for each in waiting if each[1].concurrent]
    solved: Iterator[Solution] = iter(())
    if together:
        with ThreadPoolExecutor(max_workers=threads or processors()) as pool:
            solved = iter(list(pool.map(lambda each: solve(*each, threads=1, **limits), together)))
    return [
        next(solved) if ready.concurrent else solve(problem, ready, threads=threads, **limits)
        for problem, ready in waiting
    ]


def _kind(value: object) -> str:
    """Return what a value is, in a few words: its type, and its shape where it has one."""
    shape = getattr(value, "shape", None)
    return type(value).__name__ + (f" of shape {tuple(shape)}" if shape is not None else "")


def _able(family: str, kinds: frozenset[str]) -> list[str]:
    """Return the solvers that take a family of problems with these constraints."""
    from subsetopt.solvers.catalogue import available_solvers

    rows = available_solvers()
    return [row.name for row in rows if family in row.handles and kinds <= set(row.takes)]


def automatic(problem: Any, gap: float | None, kinds: frozenset[str] = frozenset()) -> str:
    """Return the solver that "auto" stands for, with constraints of these kinds."""
    family = problem.family
    usual = AUTO.get(family, "auto")
    if gap == 0 and problem.n <= _PROVABLE:
        usual = AUTO_PROVING.get(family, usual)
    if not kinds:
        return usual
    able = _able(family, kinds)
    preferred = (usual, *AUTO_CONSTRAINED)
    return next((name for name in preferred if name in able), usual)


def _family(problem: object) -> str:
    """Return the family of a problem; InvalidProblem for what is none."""
    family = getattr(problem, "family", None)
    if not isinstance(family, str):
        raise InvalidProblem(
            f"problem must be a problem such as MeanMatching(values, k); got {_kind(problem)}"
        )
    return family


def _ready(problem: Problem, chosen: "str | Solver", gap: float | None = None) -> "Solver":
    """Return the solver object, able to take the problem here and now."""
    family = _family(problem)
    kinds: frozenset[str] = frozenset()
    if side_of(problem) is not None:
        from subsetopt.solvers import _constrained

        kinds = _constrained.kinds(problem)
    if isinstance(chosen, str):
        chosen = solver(automatic(problem, gap, kinds) if chosen == "auto" else chosen)
    if not hasattr(chosen, "handles"):
        raise InvalidOption(
            f"solver must be a name or an object of subsetopt.solver(); got {chosen!r}"
        )
    if problem.family not in chosen.handles:
        able = _able(family, frozenset())
        raise UnsupportedProblem(
            f"solver {chosen.name!r} does not take {problem.family} problems "
            f"(it takes {', '.join(chosen.handles)}); these do: {', '.join(able)}"
        )
    if kinds and not kinds <= chosen.takes:
        raise UnsupportedProblem(
            f"solver {chosen.name!r} does not take {', '.join(sorted(kinds - chosen.takes))}; "
            f"these do: {', '.join(_able(family, kinds)) or 'none'}"
        )
    availability = chosen.availability()
    if not availability:
        raise MissingDependency(f"solver {chosen.name!r} cannot run: {availability.reason}")
    return chosen
