"""Recording and writing of proofs.

Handed to solvers as `Limits.proof`. A combinatorial branch and bound leaves the order in which it
decides candidates: its tree is grown again here, with the bound of the checker in exact integers. A
tree whose leaves need more than that bound is left as it is. Of mean matching nothing is needed.
"""

import gzip
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._files import replacing
from subsetopt.errors import TooLarge, UnsupportedProblem
from subsetopt.limits import Limits
from subsetopt.models import QuadraticForm
from subsetopt.problems import Problem
from subsetopt.problems._parallel import no_callback
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
    written,
)
from subsetopt.verify._stating import statement_of
from subsetopt.verify._sum_proofs import closed_bound, plan

from ._deadline import Deadline, OutOfTime
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

    def __init__(self, problem: Problem, check: Callable[[], None] = no_callback) -> None:
        self._statement = _statement(problem, check)
        self._order: list[int] = []
        self._free: list[int] | None = None
        self._taken: list[int] = []
        self._factor = Fraction(1)
        self._tree: RecordedTree | None = None
        self._cuts: RecordedCuts | None = None
        self._grown: list[int] | None = None

    def among(self, free: NDArray[np.int64], taken: NDArray[np.int64], factor: Fraction) -> None:
        """Say which candidates those of the problem are that the solver is handed.

        And which others are in every selection, and that the objective of the whole is that of this
        problem times `factor`.
        """
        self._free, self._taken, self._factor = free.tolist(), taken.tolist(), factor

    def order(self, form: QuadraticForm, rows: Sequence[int] | NDArray[np.integer[Any]]) -> None:
        """Say in which order rows of a form were decided; what is not named comes last."""
        candidates = self._candidates(form)
        if candidates is not None:
            self._order = [candidates[row] for row in rows]

    def grown(self, form: QuadraticForm, codes: NDArray[np.int64]) -> None:
        """Give the whole tree in preorder: rows of the form, and -1 where the bound ends a part."""
        candidates = self._candidates(form)
        if candidates is None or self._fixed:
            return
        inner = codes >= 0
        placed = codes.copy()
        placed[inner] = np.array(candidates)[codes[inner]]
        self._grown = placed.tolist()

    def _candidates(self, form: QuadraticForm) -> list[int] | None:
        """Return which item of the statement each row of a form is; None if that is not known."""
        statement = self._statement
        if isinstance(statement, MeanStatement):
            return None
        real = statement.free if self._free is None else self._free
        real = [v for v in real if v < statement.n]
        every = [*real, *range(statement.n, statement.n + statement.k - statement.smallest)]
        return every if len(every) == form.n else None

    @property
    def _fixed(self) -> bool:
        """Whether constraints fix more than they include and exclude."""
        free, taken = self._free, self._taken
        statement = self._statement
        real = [v for v in statement.free if v < statement.n]
        return free is not None and (len(free) != len(real) or len(taken) != len(statement.include))

    def root(self, form: QuadraticForm) -> ProofRecord | None:
        """Return the record of all selections, of a form without constraints."""
        statement, candidates = self._statement, self._candidates(form)
        if isinstance(statement, MeanStatement) or candidates is None:
            return None
        with suppress(KeyError):
            taken = self._taken or statement.include
            self._tree = RecordedTree(statement, form, self._factor, candidates, taken)
            into = [v for v in taken if v not in statement.include]
            kept = {*candidates, *into}
            self._tree.root.rule((v for v in statement.free if v not in kept), into)
            return self._tree.root
        return None

    def cuts(
        self, form: QuadraticForm, taken: NDArray[np.float64], check: Callable[[], None]
    ) -> RecordedCuts | None:
        """Return the records of a convex tree; None where there can be none, see `RecordedCuts`."""
        statement, candidates = self._statement, self._candidates(form)
        if isinstance(statement, MeanStatement) or candidates is None or self._fixed:
            return None
        with suppress(VerificationFailed):
            self._cuts = RecordedCuts(statement, form, self._factor, candidates, taken, check)
        return self._cuts

    def completed(self, enough: float) -> None:
        """Say that no part of the recorded tree is open, and all are above an inner value."""
        if self._tree is not None:
            self._tree.finish(enough)

    def write(
        self,
        path: str | os.PathLike[str],
        solution: Solution,
        check: Callable[[], None] = no_callback,
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


def begun(problem: Problem, limits: Limits) -> tuple[ProofLog | None, Limits]:
    """Return what takes a proof, and limits that hold it, with the time that is left of them.

    To state the problem in integers may take half of the time; None where that is too little.
    """
    deadline = Deadline.of(limits)
    half = 0.5 * deadline.remaining if deadline.limited else 0.0
    try:
        log = ProofLog(problem, deadline.sooner(half).check)
    except OutOfTime:
        return None, deadline.rest(limits)
    return log, replace(deadline.rest(limits), proof=log)


def finished(
    log: ProofLog | None, path: str | os.PathLike[str], solution: Solution, limits: Limits
) -> str:
    """Write a proof, in the time of the limits once more; says what came of it."""
    if log is None:
        return "no proof file: stating the problem takes half of the time limit"
    try:
        return log.write(path, solution, Deadline.of(limits).check)
    except TooLarge as error:  # the answer stays one
        return f"no proof file: {error}"
    except OutOfTime:
        return f"no proof file: it takes more than the time limit of {limits.time_limit} s"


def _statement(problem: Any, check: Callable[[], None]) -> MeanStatement | QuadraticStatement:
    rules = problem.constraints
    ruled = rules is not None and (rules.quotas or rules.costs is not None or len(rules.conflicts))
    if ruled and problem.family == "mean-matching":
        raise UnsupportedProblem(
            "proof files of mean matching cover include and exclude, not quotas, budgets and "
            "conflicts; solve without proof"
        )
    try:
        return statement_of(problem, None, check)
    except VerificationFailed as error:
        raise UnsupportedProblem(
            f"there are no proof files of it: {error}; solve without"
        ) from None


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
