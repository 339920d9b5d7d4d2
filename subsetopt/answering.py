"""Asking a solver: what it may hand back, and what it may not do while it runs."""

import math
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from subsetopt._clock import CLOCK
from subsetopt.errors import InvalidAnswer, SubsetOptError
from subsetopt.limits import Limits
from subsetopt.problems import Problem
from subsetopt.problems.identity import fingerprint
from subsetopt.solution import Termination

if TYPE_CHECKING:
    from subsetopt.solvers.base import Answer, Solver


def answer_of(problem: Problem, solver: "Solver", limits: Limits) -> "Answer":
    """Let a solver answer, and check that what it returns is an answer at all.

    The problem must be the same afterwards: its sizes are compared, and for solvers from elsewhere
    a digest of its arrays too, at about one second per GiB.

    Raises
    ------
    InvalidAnswer
        If a solver from elsewhere raises anything but a `SubsetOptError`, KeyboardInterrupt or
        MemoryError; if any changes the problem, or returns what is no `Answer` or has parts that
        cannot be. The message names it.
    SubsetOptError
        What the solver raises of these.
    """
    own = type(solver).__module__.startswith("subsetopt.")
    look = _sizes if own else _state
    before = look(problem)
    try:
        with CLOCK.standing():
            solver.prepare(problem, limits)
        answer = solver.answer(problem, limits)
    except (SubsetOptError, MemoryError):
        raise
    except Exception as error:
        if own:
            raise  # a bug of this package, whose traceback is wanted
        raise InvalidAnswer(
            f"solver {solver.name!r} failed with {type(error).__name__}: {error}"
        ) from error
    if look(problem) != before:
        raise InvalidAnswer(
            f"solver {solver.name!r} changed the problem that it was given; build the problem anew"
        )
    return _checked(answer, solver.name)


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


def _checked(answer: Any, name: str) -> "Answer":
    """Return the answer with plain Python numbers, or raise InvalidAnswer."""
    from subsetopt.solvers.base import Answer

    if not isinstance(answer, Answer):
        raise InvalidAnswer(f"solver {name!r} returned {answer!r}; an Answer is needed")
    if not isinstance(answer.termination, Termination):
        raise InvalidAnswer(
            f"solver {name!r} gave the termination {answer.termination!r}; a Termination is needed"
        )
    if type(answer.proven) is not bool:
        raise InvalidAnswer(
            f"solver {name!r} gave proven={answer.proven!r}; True or False is needed"
        )
    if not isinstance(answer.message, str):
        raise InvalidAnswer(f"solver {name!r} gave the message {answer.message!r}; a str is needed")
    return replace(answer, **_numbers(answer, name))


def _numbers(answer: "Answer", name: str) -> dict[str, Any]:
    """Return the parts that are numbers, as Python has them."""
    plain: dict[str, Any] = {}
    if answer.bound is not None:
        plain["bound"] = _number(name, "bound", answer.bound, -math.inf)
    if answer.eps is not None:
        plain["eps"] = _number(name, "eps", answer.eps, 0.0)
    for part in ("build_seconds", "solve_seconds"):
        plain[part] = _number(name, part, getattr(answer, part), 0.0)
        if plain[part] == math.inf:
            raise InvalidAnswer(f"solver {name!r} gave {part}=inf; a finite number is needed")
    count = answer.iterations
    if count is not None:
        if isinstance(count, bool) or not isinstance(count, Integral) or count < 0:
            raise InvalidAnswer(
                f"solver {name!r} gave iterations={count!r}; an integer >= 0 or None is needed"
            )
        plain["iterations"] = int(count)
    return plain


def _number(name: str, part: str, value: Any, least: float) -> float | Fraction:
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not real or math.isnan(value) or value < least:
        domain = "a number" if least == -math.inf else f"a number >= {least:g}"
        raise InvalidAnswer(f"solver {name!r} gave {part}={value!r}; {domain} is needed")
    return value if isinstance(value, Fraction) else float(value)
