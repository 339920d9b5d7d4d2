"""Verification of an answer against its problem, and of a proof against both."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ._failure import failed, fraction, indices, whole
from ._feasible import require_feasible
from ._proof_lines import FORMAT, VERSIONS, proof_lines
from ._proof_nodes import NodeBounds
from ._proof_trees import TreeCheck
from ._statements import Line, MeanStatement, QuadraticStatement, digest, read
from ._stating import statement_of
from ._sum_proofs import closed_bound, require_bound

Statement = MeanStatement | QuadraticStatement
_ROUNDING = Fraction(1, 10**9)  # of the magnitudes of an objective that is a sum of floats
_LARGEST = 2000  # candidates whose pairs are sorted for a bound in closed form
_NO_PROOF = "that nothing is better than the bound: there is no proof file"


@dataclass(frozen=True)
class VerificationReport:
    """What was checked and holds, and what was not checked.

    Parameters
    ----------
    checked, unchecked : tuple of str
        One sentence each.
    objective : Fraction or None
        Of the selection, without rounding.
    bound : Fraction or None
        A lower bound on all selections, as far as it was proven here.
    optimal : bool
        Whether the selection was proven to be optimal here.
    """

    checked: tuple[str, ...]
    unchecked: tuple[str, ...]
    objective: Fraction | None
    bound: Fraction | None
    optimal: bool

    def __str__(self) -> str:
        lines = [f"verified: {line}" for line in self.checked]
        return "\n".join([*lines, *(f"not verified: {line}" for line in self.unchecked)])


@dataclass(frozen=True)
class _Proof:
    """The first lines of a proof, and an iterator over the others."""

    statement: Statement
    digest: str
    selection: list[int]
    objective: Fraction
    bound: Fraction
    method: str
    lines: Iterator[Line]


def verify_proof(proof: str | os.PathLike[str]) -> VerificationReport:
    """Check a proof file on its own: that what it claims holds for the problem that it states.

    Parameters
    ----------
    proof : str or path

    Raises
    ------
    VerificationFailed
        Naming the line or the node, and what is wrong.
    """
    return _checked_proof(_opened(proof))


def _opened(proof: str | os.PathLike[str]) -> _Proof:
    lines = proof_lines(proof)
    head = next(lines, None)
    names = {"format", "version", "problem", "digest", "selection", "objective", "bound", "method"}
    if head is None or set(head) != names or head["format"] != FORMAT:
        failed(f"the first line is not that of a {FORMAT} file")
    if whole("version", head["version"]) not in VERSIONS:
        failed(f"the proof has version {head['version']}; this reads versions 1 and 2")
    statement = read(head["problem"], lines)
    if digest(statement) != head["digest"]:
        failed("the digest is not that of the problem in the file")
    selection = indices("selection", head["selection"], statement.n)
    objective, bound = (fraction(name, head[name]) for name in ("objective", "bound"))
    return _Proof(statement, head["digest"], selection, objective, bound, head["method"], lines)


def _checked_proof(proof: _Proof) -> VerificationReport:
    statement, chosen = proof.statement, proof.selection
    statement.require(chosen)
    if statement.objective(chosen) != proof.objective:
        failed(
            f"the objective of the selection is {statement.objective(chosen)}, not "
            f"{proof.objective}"
        )
    if proof.bound > proof.objective:
        failed(f"the bound {proof.bound} is above the objective {proof.objective}")
    if isinstance(statement, MeanStatement):
        require_bound(statement, proof.bound, proof.method)
        how, nodes = f"recomputed by {proof.method!r}", 0
    else:
        if proof.method != "tree":
            failed(f"the method of a quadratic must be 'tree'; got {proof.method!r}")
        tree = TreeCheck(statement, proof.bound).run(proof.lines)
        nodes = tree.nodes
        how = f"{nodes} nodes, {tree.bounded} combinatorial and {tree.dual} semidefinite leaves"
        if tree.cuts:
            how += f", {tree.cut} closed by {tree.cuts} cuts"
    _require_end(proof.lines, nodes)
    error = getattr(statement, "error", Fraction(0))
    optimal = proof.bound == proof.objective and not error
    checked = [
        f"a selection of {len(chosen)} of {statement.n} candidates",
        f"its objective, {_shown(proof.objective)}, in exact arithmetic",
        f"no selection is below {_shown(proof.bound)} ({how})",
    ]
    checked += ["the selection is optimal"] if optimal else []
    return VerificationReport(tuple(checked), (), proof.objective, proof.bound, optimal)


def _require_end(lines: Iterator[Line], nodes: int) -> None:
    line = next(lines, None)
    if line != {"end": nodes}:
        failed(f"after the proof there must be a line that ends it, with {nodes} nodes")
    if next(lines, None) is not None:
        failed("there are lines after the end")


def _shown(number: Fraction) -> str:
    """Return a number for people: as it is if it is short, else as a float."""
    text = str(number)
    try:
        return text if len(text) <= 24 else repr(float(number))
    except OverflowError:
        return f"{text[:20]}... (of {len(text)} characters)"


# -- an answer -------------------------------------------------------------------------------------


def verify_answer(
    problem: Any, solution: Any, proof: str | os.PathLike[str] | None = None
) -> VerificationReport:
    """Check a solution of a problem: feasible, its objective, its bound; see `verify`."""
    if solution.indices is None:
        failed("the solution holds no selection: there is nothing to verify")
    chosen = indices("the selection", sorted(int(i) for i in solution.indices), int(problem.n))
    require_feasible(problem, chosen)
    if getattr(problem, "constraints", None) is not None:
        kept = "a selection that keeps its constraints"
    else:
        kept = f"a selection of {len(chosen)} of {problem.n} candidates"
    ranged = problem.family != "mean-matching" and int(problem.smallest_count) < int(problem.k)
    if ranged and problem.family != "quadratic":
        if proof is not None:
            failed(f"there are no proofs of {problem.family} with a range of sizes")
        return VerificationReport((kept,), ("its objective", _NO_PROOF), None, None, False)
    whole = proof is not None or problem.family == "mean-matching" or int(problem.n) <= _LARGEST
    statement = statement_of(problem, None if whole else chosen)
    places = chosen if whole else list(range(len(chosen)))
    objective = statement.objective(places)
    _require_objective(statement, places, objective, float(solution.objective))
    checked = [kept, f"its objective, {_shown(objective)}, in exact arithmetic"]
    if proof is None:
        known = statement if whole else None
        return _without_proof(known, solution, objective, checked)
    return _with_proof(_opened(proof), statement, solution, objective, chosen)


def _require_objective(
    statement: Statement, chosen: list[int], objective: Fraction, claimed: float
) -> None:
    if not math.isfinite(claimed):
        failed(f"the objective must be a finite number; got {claimed}")
    allowed = abs(objective) * Fraction(1, 2**51)
    if isinstance(statement, QuadraticStatement):
        sizes = sum(abs(statement.pairs[i][j]) for i in chosen for j in chosen) // 2
        sizes += sum(abs(statement.linear[i]) for i in chosen)
        magnitude = statement.scale * statement.unit * sizes + abs(statement.constant)
        allowed = magnitude * _ROUNDING + statement.error
    if abs(Fraction(claimed) - objective) > allowed:
        failed(f"the objective of the selection is {_shown(objective)}, not {claimed!r}")


def _without_proof(
    statement: Statement | None, solution: Any, objective: Fraction, checked: list[str]
) -> VerificationReport:
    bound = None if statement is None else _closed(statement)
    if bound is None:
        return VerificationReport(tuple(checked), (_NO_PROOF,), objective, None, False)
    bound = min(bound, objective)
    checked.append(f"no selection is below {_shown(bound)} (closed form)")
    error = getattr(statement, "error", Fraction(0))
    optimal = bound == objective and not error
    unchecked = []
    if optimal:
        checked.append("the selection is optimal")
    elif solution.bound is not None and Fraction(float(solution.bound)) > bound:
        unchecked.append(f"its bound, {float(solution.bound)!r}: there is no proof file")
    else:
        unchecked.append(_NO_PROOF)
    return VerificationReport(tuple(checked), tuple(unchecked), objective, bound, optimal)


def _closed(statement: Statement) -> Fraction | None:
    """Return a bound that needs no search; None where there is none, or it takes minutes."""
    if isinstance(statement, MeanStatement):
        return closed_bound(statement)
    bounds = NodeBounds(statement)
    return statement.lifted(Fraction(bounds.bound(bounds.root()), 2)) - statement.error


def _with_proof(
    proof: _Proof, statement: Statement, solution: Any, objective: Fraction, chosen: list[int]
) -> VerificationReport:
    if digest(statement) != proof.digest:
        failed("the proof is of another problem: the digests differ")
    report = _checked_proof(proof)
    if objective != proof.objective and chosen != proof.selection:
        failed(
            f"the proof is of a selection with the objective {_shown(proof.objective)}, the "
            f"solution's is {_shown(objective)}"
        )
    claimed = solution.bound
    if claimed is not None and Fraction(float(claimed)) > proof.bound:
        note = f"its bound, {float(claimed)!r}: the proof goes up to {_shown(proof.bound)}"
        return VerificationReport(
            report.checked, (note,), report.objective, report.bound, report.optimal
        )
    return report
