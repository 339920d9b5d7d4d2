"""Portfolio of the branch-and-bound trees: one after another or in turns, sharing the incumbent.

Called by `branch_and_bound`. Which tree gets how much is counted in nodes, not in seconds, so that
one answer is given whatever else the machine does.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from fractions import Fraction
from functools import partial
from threading import Event

import numpy as np
from numpy.typing import NDArray

from subsetopt.limits import Limits
from subsetopt.models import QuadraticForm
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import Deadline, OutOfTime

from ._branching import Tree, doubt, explore, rules_of
from ._combinatorial import CombinatorialTree, WholeForm, grid_of
from ._convex_tree import ConvexTree

ITERATION = 4e-10
"""Seconds times n^3: what an iteration of the relaxation, and the bound after it, take."""

_MOVES = 150  # of tabu for each candidate, for a selection to begin with
_FEWER = 20  # of them before the combinatorial tree gets its share
_UNAIDED = 1.2e6  # n^3 a node: so long, some second, a proof goes without, and needs no such kernel
_TOLERANCE = 1e-9  # of the magnitude of the value: closer selections are not told apart
_FEW = 1024  # candidates: a grid is looked for, and the combinatorial tree tried, which sorts rows
_QUICK = 1000  # nodes of the combinatorial tree that no better selection is looked for before
_SHARE = 100  # times n^2 / k: so many of its nodes take what the other's root takes
_MORE = 16  # times that where its bound has come down meanwhile
_PROMISE = 1 / 64  # of the way that it has to come in its share to get more
_BEFORE = 5e7  # nodes times items times chosen of the combinatorial tree before the convex one
SEMIDEFINITE_LARGEST = 600
"""Candidates that a semidefinite relaxation is made of, at most."""

_STAGES = ((64, 0.4), (512, 0.75), (4096, 0.9), (32_768, 1.0))
"""Nodes of the convex tree, and how much of its way it has to have come there to get more."""

_CHECKED = 7e-7
"""Seconds times n: what checking takes for a node of the combinatorial tree."""

_CHECKED_DUAL = 3e-6  # times n^2: the same of the semidefinite tree
_RELAXED = 3e-8  # times n^3: what a node of that takes
_CHEAP = 2.0  # seconds that may be spent on checking without a shorter proof being looked for
_TOGETHER = 4  # nodes of a tree to be proven that are looked at at once, by however many threads
_TURN = 32  # share of that for each node of the other


class Portfolio:
    """The state of the search: the open nodes of either tree and the best selection.

    Parameters
    ----------
    form : QuadraticForm
    own : bool
        The form states the problem's own numbers, which may be multiples of one.
    bounds : {"auto", "combinatorial", "convex", "semidefinite"}
    limits : Limits
    deadline : Deadline
    """

    def __init__(
        self, form: QuadraticForm, own: bool, bounds: str, limits: Limits, deadline: Deadline
    ) -> None:
        self._form, self._limits, self._deadline = form, limits, deadline
        self._grid = grid_of(form) if own and form.n <= _FEW else None
        self._early = deadline.sooner(ITERATION * form.n**3)
        self._interrupted = Event()
        self._rules = rules_of(form)
        self._bounds = bounds
        self.tree = Tree(form, limits.proof)
        self.combinatorial: CombinatorialTree | None = None
        self.convex: ConvexTree | None = None
        self.best = np.empty(0, np.int64)
        self.value = math.inf
        self._nodes = 0
        self._promising = False  # whether the combinatorial tree comes on
        if limits.start is not None:
            self._offer(form.rows(limits.start))
        self._doubt = 0.0 if self._grid is not None else 2 * doubt(form)
        self._discarded = math.inf  # the least bound of the nodes that were not divided

    @property
    def explored(self) -> int:
        """How many nodes have been looked at, of both trees."""
        others = (tree for tree in (self.combinatorial, self.convex) if tree is not None)
        return self._nodes + sum(tree.explored for tree in others)

    @property
    def _counted(self) -> bool:
        """Whether the combinatorial tree has come to its end."""
        return self.combinatorial is not None and not self.combinatorial.open

    @property
    def message(self) -> str:
        """What either tree has come to."""
        said = []
        for kind, tree in (("combinatorial", self.combinatorial), ("convex", self.convex)):
            if tree is not None:
                said.append(_said(kind, tree.explored, tree.open))
        if self._nodes or not said:
            said.append(_said("semidefinite", self._nodes, len(self.tree)))
        return "; ".join(said)

    @property
    def exact(self) -> bool:
        """Whether nothing but the objective's own grid was used to discard what is left."""
        if self.combinatorial is not None and self._counted:
            return self.combinatorial.exact
        own = self._grid is not None and self._allowed() == 0.0
        return own and self._least_discarded >= self._enough()

    @property
    def _least_discarded(self) -> float:
        return min(self._discarded, math.inf if self.convex is None else self.convex.discarded)

    @property
    def bound(self) -> float | Fraction:
        """A lower bound on the objective; a Fraction where its rounding has been seen to."""
        known: list[float | Fraction] = [self._form.lower_bound(self._relaxed)]
        whole = None if self.combinatorial is None else self.combinatorial.bound
        if whole is not None:
            lifted = self._form.lower_bound(whole)
            known += [Fraction(lifted)] if math.isfinite(lifted) else []
        return max(known)

    @property
    def _relaxed(self) -> float:
        """A lower bound on the inner value: nothing below was discarded, and nothing is open.

        Less what rounding may have put nodes, or the best selection, too high; on a grid all sums
        are exact.
        """
        # With a relative gap above 1 `_enough` rises while the value falls towards zero: bounds of
        # nodes that were discarded before may then be below it.
        exact = not self._counted and self.exact
        kept = self.value if exact else min(self._least_discarded, self._enough())
        still = self.tree.bound
        if self.convex is not None:
            still = max(still, self.convex.bound)
        return min(still, kept) - self._doubt

    def all_of_it(self, most: float) -> Termination:
        """Search; a proof that takes long is helped by a better selection to compare with."""
        # Tabu first in any case was tried: short proofs then wait for a kernel that they do not
        # need.
        moves, unaided = _MOVES * self._form.n, min(_UNAIDED // self._form.n**3, most)
        relaxing = self._rules is not None or self._bounds == "semidefinite"
        termination = self._walk(moves if relaxing and not unaided else 0)
        with ExitStack() as stack:
            threads = self._limits.threads or 1
            pool = stack.enter_context(ThreadPoolExecutor(threads)) if threads > 1 else None
            if termination is not Termination.INTERRUPTED and not relaxing:
                ended = self._before_relaxing(most, pool)
                if ended is not None:
                    return ended
                termination = self._walk(moves)
            elif unaided and termination is not Termination.INTERRUPTED:
                termination = self._run(unaided, pool)
                if termination is Termination.ITERATION_LIMIT and unaided < most:
                    termination = self._walk(moves)
            if len(self.tree) and termination is not Termination.INTERRUPTED:
                termination = self._run(most, pool)
        return termination

    def leave_proof(self) -> None:
        """Hand over the combinatorial tree, where it has proven the optimum and a proof is wanted.

        It is searched once more, in one piece: about as long as the search took. Where it would
        take long to check, the semidefinite tree is searched too, for a shorter proof.
        """
        proof, tree = self._limits.proof, self.combinatorial
        if proof is None or tree is None or tree.open or tree.allowed:
            return
        with suppress(OutOfTime, KeyboardInterrupt):  # the file is then grown otherwise
            codes = tree.preorder(self._deadline.check)
            proof.grown(self._form, codes)
            seconds = _CHECKED * len(codes) * tree.whole.n
            if seconds > _CHEAP and self._bounds == "auto":
                self._shorter(seconds)

    def _shorter(self, seconds: float) -> None:
        """Search the semidefinite tree, as far as that pays for a check of so many seconds."""
        n = self._form.n
        if n <= SEMIDEFINITE_LARGEST:
            self._promising = False
            self._run(self._nodes + seconds / (_RELAXED * n**3 + _CHECKED_DUAL * n**2), None)

    def _walk(self, moves: int) -> Termination:
        """Take what tabu search finds in so many moves, after a descent."""
        from subsetopt.solvers.heuristics.tabu import Tabu

        begin = self._limits.start
        start = None if begin is None else self._form.rows(begin)
        found = Tabu().walk(self._form, moves, self._limits.seed, self._deadline, start)
        assert found.indices is not None
        self._offer(self._form.rows(found.indices))
        return found.termination

    def _offer(self, rows: NDArray[np.int64] | None) -> None:
        """Take a selection for the best if it is."""
        if rows is None:
            return
        value = self._form.value(rows)
        if value < self.value:
            self.best, self.value = rows, value
        if self.combinatorial is not None:
            self.combinatorial.offer(rows)

    def _allowed(self) -> float:
        """Return the gap at which the caller lets the search stop, in units of the inner value."""
        limits, form = self._limits, self._form
        # The gap is of the objective, the search runs on the inner value: s v + b.
        relative = (limits.gap or 0.0) * abs(form.lift(self.value))
        return max(limits.absolute_gap or 0.0, relative) / form.scale

    def _enough(self) -> float:
        """Return the bound above which a node holds nothing that is wanted."""
        apart = _TOLERANCE * abs(self.value) if self._grid is None else self._step(self._grid)
        return self.value - max(apart, self._allowed())

    def _step(self, grid: float) -> float:
        """Return how far below the best there is nothing but the best.

        On a grid the next better value is a whole step away; a little of it goes to the rounding
        of a node's bound, whose offset is added to it. Sums below 2**48 steps cost half at most.
        """
        return max(0.5 * grid, grid * (1 - 1e-6) - doubt(self._form))

    def _late(self) -> bool:
        return self._interrupted.is_set() or self._early.passed

    def _before_relaxing(self, most: float, pool: ThreadPoolExecutor | None) -> Termination | None:
        """Search the other trees; None where the semidefinite one is to be searched as well."""
        tree, ended = None, None
        few = self._bounds == "combinatorial" or self._form.n <= _FEW
        if few and self._bounds != "convex" and (whole := WholeForm.of(self._form, self._grid)):
            try:
                tree = CombinatorialTree(whole, self.best, self._deadline.check)
            except OutOfTime:
                return Termination.TIME_LIMIT
            except KeyboardInterrupt:
                return Termination.INTERRUPTED
            self.combinatorial = tree
            ended = self._count(min(_QUICK, most), pool)
        if ended is None and self._walk(_FEWER * self._form.n) is Termination.INTERRUPTED:
            ended = Termination.INTERRUPTED
        if ended is None and tree is not None:
            if self._bounds == "combinatorial":
                return self._count(most, pool) or Termination.ITERATION_LIMIT
            begun = tree.progress
            first = min(self._share / 2, _BEFORE / (tree.whole.n * (tree.whole.size + 2)))
            ended = self._count(min(first, most), pool)
        ended = ended or self._convexly(most)
        if ended is None and tree is not None:
            ended = self._count(min(self._share, most), pool)
            self._promising = tree.progress - begun >= _PROMISE
            if ended is None and self._promising:
                ended = self._count(min(_MORE * self._share, most), pool)
        return ended

    def _convexly(self, most: float) -> Termination | None:
        """Search the convex tree as long as it comes on; None where it does not."""
        alone = self._bounds == "convex" or self._form.n > SEMIDEFINITE_LARGEST
        try:
            tree = self.convex = ConvexTree(self._form, self._deadline, self._limits.proof)
        except OutOfTime:
            return Termination.TIME_LIMIT
        except KeyboardInterrupt:
            return Termination.INTERRUPTED
        stages = iter(_STAGES)
        goal, share = next(stages, (math.inf, 0.0))
        while tree.open and tree.bound <= tree.beyond(self._enough()):
            if tree.explored >= most:
                return Termination.ITERATION_LIMIT if alone else None
            if self._deadline.passed:
                return Termination.TIME_LIMIT
            if tree.explored >= goal and not alone:
                if tree.progress(self.value) < share:
                    return None
                goal, share = next(stages, (math.inf, 0.0))
            try:
                self._offer(tree.look(self._enough()))
            except OutOfTime:
                return Termination.TIME_LIMIT
            except KeyboardInterrupt:
                return Termination.INTERRUPTED
        tree.clear(self._enough())
        return Termination.OPTIMAL

    @property
    def _share(self) -> int:
        """Nodes of the combinatorial tree that take about as long as the other's root."""
        assert self.combinatorial is not None
        return int(_SHARE * self._form.n**2 // (self.combinatorial.whole.size + 2))

    def _count(self, goal: float, pool: ThreadPoolExecutor | None) -> Termination | None:
        """Search the combinatorial tree up to its `goal`-th node; None where more are open."""
        tree = self.combinatorial
        assert tree is not None
        while tree.open and tree.explored < goal:
            if self._deadline.passed:
                return Termination.TIME_LIMIT
            before, allowed = tree.value, Fraction(self._allowed()) / tree.whole.unit
            try:
                tree.run(pool, min(math.floor(allowed), 2**52), goal - tree.explored)
            except KeyboardInterrupt:
                return Termination.INTERRUPTED
            finally:
                if tree.value > before:
                    self._offer(tree.rows)
        return None if tree.open else Termination.OPTIMAL

    def _run(self, most: float, pool: ThreadPoolExecutor | None) -> Termination:
        """Look at nodes until none is open that could hold anything better."""
        while len(self.tree) and self.tree.bound <= self._enough():
            if self._nodes >= most:
                return Termination.ITERATION_LIMIT
            if self._early.passed:
                return Termination.TIME_LIMIT
            # Best bound first: no node is looked at that could have been discarded, but for
            # those that threads take along.
            most_at_once = _TOGETHER if self._limits.proof else self._limits.threads or 1
            batch = [self.tree.pop() for _ in range(min(most_at_once, len(self.tree)))]
            work = partial(explore, self._form, self._rules, enough=self._enough(), late=self._late)
            try:
                outcomes = list(map(work, batch) if pool is None else pool.map(work, batch))
            except KeyboardInterrupt:
                self._interrupted.set()  # for the threads
                for node in batch:
                    self.tree.push(node)
                return Termination.INTERRUPTED
            self._nodes += len(batch)
            for outcome in outcomes:
                self._offer(outcome.selection)
                if not outcome.children:
                    self._discarded = min(self._discarded, outcome.bound)
                for child in outcome.children:
                    self.tree.push(child)
            if self._promising and self.combinatorial is not None:
                turn = self.combinatorial.explored + len(batch) * self._share / _TURN
                ended = self._count(min(turn, most), pool)
                if ended is not None:
                    return ended
        self.tree.clear(self._enough(), self._late)
        return Termination.OPTIMAL


def _said(kind: str, nodes: int, still: int) -> str:
    return f"{kind} bounds: {nodes} nodes, {still} open"
