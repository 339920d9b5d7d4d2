"""``--option key=value``: from text to the fields of a solver."""

import types
import typing
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from subsetopt.errors import InvalidOption

if TYPE_CHECKING:
    from subsetopt.problems import Problem
    from subsetopt.solvers.base import Solver

_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def configured(problem: "Problem", name: str, assignments: Iterable[str]) -> "Solver":
    """Return the solver of that name with the options that ``key=value`` texts give it.

    Raises
    ------
    UnknownSolver
        If none is called so.
    InvalidOption
        For text without ``=``, a key that the solver lacks, or a value of the wrong type.
    """
    from subsetopt.solvers import catalogue
    from subsetopt.solving import AUTO

    if name == "auto":
        name = AUTO.get(problem.family, name)
    hints = typing.get_type_hints(catalogue.solver_class(name))
    options: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise InvalidOption(f"--option {assignment!r} is not of the form key=value")
        field = key.strip().replace("-", "_")
        options[field] = _converted(field, value.strip(), hints.get(field, str))
    return catalogue.create(name, **options)


def _converted(field: str, text: str, hint: Any) -> Any:
    """Return `text` as the first of the annotated types that can hold it."""
    wanted = _alternatives(hint)
    if type(None) in wanted and text.lower() == "none":
        return None
    if bool in wanted and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    for number in (int, float):
        if number in wanted:
            try:
                return number(text)
            except ValueError:
                continue
    if str in wanted:
        return text
    names = " or ".join(kind.__name__ for kind in wanted)
    raise InvalidOption(f"option {field} is {text!r}; {names} is needed")


def _alternatives(hint: Any) -> list[type]:
    """Return the plain types of an annotation: the parts of a union, str for a Literal."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [kind for part in typing.get_args(hint) for kind in _alternatives(part)]
    return [hint] if hint in (bool, int, float, str, type(None)) else [str]
