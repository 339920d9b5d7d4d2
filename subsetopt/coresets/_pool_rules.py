"""Constraints on very many rows, and what they are on the few of a pool."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from subsetopt._registry import require_options
from subsetopt.errors import InvalidOption
from subsetopt.formats._constraint_documents import stated_options
from subsetopt.formats._constraint_options import ConstraintOptions
from subsetopt.formats._constraint_words import (
    COMMAND_LINE,
    Wording,
)
from subsetopt.problems import Constraints

from ._asked_rows import (
    AskedOfRows,
)
from ._row_blocks import Source
from ._stated_rules import StatedRules
from ._surveying import Survey
from ._worded_rules import WordedRules


class Rules(Protocol):
    """Constraints on all rows."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of labels and costs."""

    def asked(self, source: Source) -> AskedOfRows:
        """Return what is to be known of each row."""

    def of_pool(self, seen: Survey, rows: NDArray[np.int64]) -> Constraints:
        """Return the constraints on some of the rows that are held."""

    def counts(self, seen: Survey, rows: NDArray[np.int64]) -> dict[str, dict[str, int]]:
        """Return how many of some rows each group has, by columns; nothing where they have none."""


def rules_of(given: Any, k: int) -> Rules | None:
    """Return the constraints that are given as `coreset` takes them; None where there are none.

    Raises
    ------
    InvalidOption
        For what is none.
    """
    if given is None:
        return None
    if isinstance(given, Constraints):
        return None if given == Constraints() else StatedRules(given, k)
    wording = COMMAND_LINE
    if isinstance(given, Mapping):
        words = [field.name for field in fields(ConstraintOptions)]
        require_options("constraints", given, words)
        given, wording = stated_options(given), Wording()
    if not isinstance(given, ConstraintOptions):
        raise InvalidOption(
            "constraints must be Constraints, or a mapping such as {'at_least': {'region': 20}}; "
            f"got {type(given).__name__}"
        )
    return None if given == type(given)() else WordedRules(given, k, wording)
