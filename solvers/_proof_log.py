"""What a search leaves for a proof file, and the file that is made of it.

Handed to solvers as `Limits.proof`. A combinatorial branch and bound leaves the order in which it
decides candidates: its tree is grown again here, with the bound of the checker in exact integers. A
tree whose leaves need more than that bound is left as it is. Of mean matching nothing is needed.
"""

import gzip
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._files import replacing
from subsetopt.errors import UnsupportedProblem
from subsetopt.models import QuadraticForm
from subsetopt.problems import Problem
from subsetopt.problems._parallel import unheard
from subsetopt.solution import CertificateKind, Solution
from subsetopt.verify._failure import VerificationFailed
from subsetopt.verify._proof_lines import FORMAT, VERSIONS
from subsetopt.verify._proof_nodes import NodeBounds
from subsetopt.verify._proof_trees import DUAL, threshold
from subsetopt.verify._statements import (
    Line,
    MeanStatement,
    QuadraticStatement,
    digest,
    statement_of,
    written,
)
from subsetopt.verify._sum_proofs import closed_bound, plan

from ._proof_cuts import RecordedCuts
from ._proof_records import ProofRecord, RecordedTree, regrown

__all__: list[str] = []

_AT_ONCE = 10_000  # nodes of a line


class ProofLog:
    """Takes what a solver knows of its search; `write` makes the file.

    Parameters
    ----------
    problem : Problem
    check : callable
        Called now and then while the problem is stated in integers, O(n^2); may raise.
    """

    def __init__(self, problem: Problem, check: Callable[[], None] = unheard) -> None:
        self._statement = _statement(problem, check)
        self._order: list[int] = []
        self._free: NDArray[np.int64] | None = None
        self._factor = Fraction(1)
        self._tree: RecordedTree | None = None
        self._cuts: RecordedCuts | None = None
        self._grown: list[int] | None = None

    def among(self, free: NDArray[np.int64], factor: Fraction) -> None:
        """Say which candidates those of the problem are that the solver is handed.

        And that the objective of the whole is that of this problem times `factor`.
        """
        self._free, self._factor = free, factor

    def order(self, form: QuadraticForm, rows: Sequence[int] | NDArray[np.integer[Any]]) -> None:
        """Say in which order rows of a form were decided; what is not named comes last."""
        items = np.asarray(rows, np.int64)
        items = items if form.positions is None else form.positions[items]
        self._order = self._candidates(items[items >= 0])

    def grown(self, form: QuadraticForm, codes: NDArray[np.int64]) -> None:
        """Give the whole tree in preorder: rows of the form, and -1 where the bound ends a part."""
        if form.positions is not None:
            return
        inner = codes >= 0
        placed = codes.copy()
        placed[inner] = self._candidates(codes[inner])
        self._grown = placed.tolist()

    def _candidates(self, items: NDArray[np.int64]) -> list[int]:
        candidates: list[int] = (items if self._free is None else self._free[items]).tolist()
        return candidates

    def root(self, form: QuadraticForm) -> ProofRecord | None:
        """Return the record of all selections, of a form without constraints."""
        statement = self._statement
        if isinstance(statement, MeanStatement) or form.positions is not None or form.side:
            return None
        self._tree = RecordedTree(statement, form, self._factor)
        return self._tree.root

    def cuts(
        self, form: QuadraticForm, taken: NDArray[np.float64], check: Callable[[], None]
    ) -> RecordedCuts | None:
        """Return the records of a convex tree; None where there can be none, see `RecordedCuts`."""
        statement = self._statement
        if isinstance(statement, MeanStatement) or form.positions is not None or form.side:
            return None
        with suppress(VerificationFailed):
            self._cuts = RecordedCuts(statement, form, self._factor, taken, check)
        return self._cuts

    def completed(self, enough: float) -> None:
        """Say that no part of the recorded tree is open, and all are above an inner value."""
        if self._tree is not None:
            self._tree.finish(enough)

    def write(
        self,
        path: str | os.PathLike[str],
        solution: Solution,
        check: Callable[[], None] = unheard,
    ) -> str:
        """Write a proof of the best bound that there is one for; says what it is of.

        Raises
        ------
        TooLarge
            If the tree has more than some million nodes.
        OutOfTime
            If `check` does, which is called now and then. No file is written then.
        """
        statement = self._statement
        assert solution.indices is not None
        chosen = solution.indices.tolist()
        objective = statement.objective(chosen)
        if isinstance(statement, MeanStatement):
            bound, method = _of_values(statement, solution, objective)
            body: Iterator[Line] = iter([{"end": 0}])
        else:
            bound, body = self._searched(statement, solution, objective, check)
            method = "tree"
        first, *stated = statement.lines()
        head = {
            "format": FORMAT,
            "version": VERSIONS[-1],
            "problem": first,
            "digest": digest(statement),
            "selection": chosen,
            "objective": str(objective),
            "bound": str(bound),
            "method": method,
        }
        with replacing(path) as file, gzip.GzipFile("", "wb", 9, file, 0) as packed:
            for line in chain((head, *stated), body):
                check()
                packed.write(written(line).encode())
        return (
            "proof of the optimum" if bound == objective else f"proof of a bound, {float(bound)!r}"
        )

    def _searched(
        self,
        statement: QuadraticStatement,
        solution: Solution,
        objective: Fraction,
        check: Callable[[], None],
    ) -> tuple[Fraction, Iterator[Line]]:
        bounds = NodeBounds(statement)
        root = bounds.root()
        closed = statement.lifted(Fraction(bounds.bound(root), 2)) - statement.error
        wanted = objective - statement.error
        if solution.certificate.kind is not CertificateKind.EXACT:
            known = closed if solution.bound is None else Fraction(solution.bound)
            wanted = min(wanted, max(known, closed))
        least = threshold(statement, wanted)
        # What lies above that threshold lies a step above it.
        next_value = statement.lifted(least // 2 + statement.grid) - statement.error
        wanted = min(objective - statement.error, max(wanted, next_value))
        for tree in (self._cuts, self._tree):
            if tree is not None and tree.below is not None:
                reached = statement.lifted(tree.below + (statement.grid or 1)) - statement.error
                wanted = min(wanted, reached)
                return wanted, _tree_lines(tree.walked(threshold(statement, wanted), check))
        if self._grown is not None:
            return wanted, _tree_lines(iter(self._grown))
        codes = regrown(bounds, root, least, self._placed(statement), check)
        return wanted, _tree_lines(codes)

    def _placed(self, statement: QuadraticStatement) -> list[int]:
        """Return all free candidates: as the solver decided them, else the most promising first."""
        free, named = statement.free, {*self._order}
        half = max(1, (statement.k - len(statement.include)) // 2)
        promise = {
            v: 2 * statement.linear[v] + sum(sorted(statement.pairs[v][u] for u in free)[:half])
            for v in free
            if v not in named
        }
        return [*self._order, *sorted(promise, key=promise.__getitem__)]


def _statement(problem: Any, check: Callable[[], None]) -> MeanStatement | QuadraticStatement:
    rules = problem.constraints
    if rules is not None and (rules.quotas or rules.costs is not None or len(rules.conflicts)):
        raise UnsupportedProblem(
            "proof files cover include and exclude, not quotas, budgets and conflicts; solve "
            "without proof"
        )
    if problem.family != "mean-matching" and problem.smallest_count < problem.k:
        raise UnsupportedProblem(
            "proof files cover problems of one k, not a range of sizes; solve without proof"
        )
    return statement_of(problem, None, check)


def _of_values(
    statement: MeanStatement, solution: Solution, objective: Fraction
) -> tuple[Fraction, str]:
    """Return the bound on the objective, and the method that checks it."""
    closed = min(objective, closed_bound(statement))
    if solution.certificate.kind is not CertificateKind.EXACT:
        return closed, "closed"
    method = plan(statement, objective)
    return (closed, "closed") if method is None else (objective, method)


def _tree_lines(codes: Iterator[int | Line]) -> Iterator[Line]:
    nodes = 0
    part: list[int] = []
    for code in codes:
        if isinstance(code, dict):
            if part:
                yield {"tree": part}
            yield code
            part = []
            continue
        part.append(code)
        nodes += 1
        if len(part) == _AT_ONCE and code != DUAL:
            yield {"tree": part}
            part = []
    if part:
        yield {"tree": part}
    yield {"end": nodes}
