"""How to choose: one solver per file, loaded by name when it is asked for.

``subsetopt.solvers`` is both this package and the call that lists the solvers: importing a
submodule puts the package in the place of the function, so the package can be called as well.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subsetopt.solving import SolverInfo


class _CallableModule(ModuleType):
    def __call__(self) -> "tuple[SolverInfo, ...]":
        from subsetopt.solving import solvers

        return solvers()


sys.modules[__name__].__class__ = _CallableModule
