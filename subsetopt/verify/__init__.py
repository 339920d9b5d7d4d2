"""Independent verification of solutions: ``subsetopt.verify(problem, solution)``.

The package can be called. Nothing in it imports anything of subsetopt outside its folder, it needs
nothing but the standard library, and no arithmetic rounds unless its error is counted.

Parameters
----------
problem : MeanMatching, MMDSelection or QuadraticSelection
    Read by its attributes.
solution : Solution
    Or anything with `indices`, `objective` and `bound`.
proof : str or path, optional
    The file that ``solve(..., proof=...)`` has written.

Returns
-------
VerificationReport
    What was checked, and what was not: without a proof a bound is only checked as far as one in
    closed form reaches.

Raises
------
VerificationFailed
    If the selection is not feasible, its objective is another one, or the proof does not prove what
    it claims, or is of another problem.
"""

import os
import sys
from importlib import import_module
from types import ModuleType
from typing import Any, cast

from ._failure import VerificationFailed
from ._verifying import VerificationReport, verify_answer, verify_proof

__all__ = ["VerificationFailed", "VerificationReport", "verify", "verify_proof"]


class _CallableModule(ModuleType):
    """The package, which is the function of its name too: ``subsetopt.verify`` is either."""

    def __call__(
        self, problem: Any, solution: Any, proof: str | os.PathLike[str] | None = None
    ) -> VerificationReport:
        return verify_answer(problem, solution, proof)

    def __reduce__(self) -> tuple[Any, ...]:
        return import_module, (__name__,)


verify = cast("_CallableModule", sys.modules[__name__])
verify.__class__ = _CallableModule
