"""The bilevel framework of One Backward from Ten Forward (Eq. 5), where it can be computed.

``python -m benchmarks.scripts.bilevel --json > docs/figures/bilevel.jsonl`` chooses k of n samples
by every rule, trains ridge or logistic regression on them to the optimum, and takes the distance
of the risk on a test set to that of training on all n: the *discrepancy*. Of 20 candidates all
subsets of k are trained on, so that the least discrepancy there is, and the place of each rule
among all subsets, are known; of 200 it is compared with random subsets and with a search.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import subsetopt
from subsetopt import MeanMatching
from subsetopt._dependencies import OptionalDependency
from subsetopt._significance import t_test

from .bilevel_learners import Floats, Learner, Logistic, Ridge
from .script import Row, parser, report, report_machine

Subset = NDArray[np.int64]
SIZES = ((20, 5), (200, 20))
"""Candidates, and how many are chosen."""
LOSS_RULES = (
    "obftf",
    "stride",
    "frank_wolfe",
    "prob",
    "selective_backprop",
    "max_loss",
    "mink",
)
"""Rules by losses; the others do as one of these here: ordered_sgd chooses as max_loss does."""
_ENUMERATED = 50_000
_RANDOM = 400
_TEST = 400
_SEARCH = 4_000


class BilevelCase(NamedTuple):
    """One instance: candidates with their learner, and a test set."""

    learner: Learner
    x: Floats
    y: Floats

    def outcome(self, subsets: Subset) -> tuple[Floats, Floats]:
        """Return the discrepancy of subsets (S, k), and by how much their risk is higher."""
        found = self.learner.risks(self.learner.fit(subsets), self.x, self.y)
        more = found - self.learner.risks(self.learner.whole()[None], self.x, self.y)[0]
        return np.abs(more), more


def made(kind: type[Learner], n: int, seed: int) -> BilevelCase:
    """Return a generated instance: 4 features of unequal scale and a constant, noisy answers."""
    drawn = np.random.default_rng([seed, n, kind is Ridge])
    x = drawn.normal(size=(n + _TEST, 4)) * [2.0, 1.0, 1.0, 0.5]
    x = np.hstack([x, np.ones((len(x), 1))])
    truth = drawn.normal(size=5)
    return _case(kind, x, _answers(kind, x @ truth, drawn), n)


def measured(kind: type[Learner], n: int, seed: int) -> BilevelCase:
    """Return rows of a data set that scikit-learn holds: diabetes, or breast cancer.

    Of standardised columns the first 4 principal components, and a constant.
    """
    z, y = _table(kind is Ridge)
    rows = np.random.default_rng([seed, n, 7]).permutation(len(z))
    return _case(kind, z[rows], y[rows], n)


@cache
def _table(numbers: bool) -> tuple[Floats, Floats]:
    sets = OptionalDependency("scikit-learn", "sklearn", extra="sklearn").load("datasets")
    x, y = (sets.load_diabetes if numbers else sets.load_breast_cancer)(return_X_y=True)
    z = (x - x.mean(0)) / x.std(0)
    z = z @ np.linalg.svd(z, full_matrices=False)[2][:4].T
    y = (y - y.mean()) / y.std() if numbers else y.astype(float)
    columns: Floats = np.hstack([z / z.std(), np.ones((len(z), 1))])
    return columns, y


TASKS: Mapping[str, tuple[Callable[[type[Learner], int, int], BilevelCase], type[Learner]]] = {
    "ridge, generated": (made, Ridge),
    "ridge, diabetes": (measured, Ridge),
    "logistic, generated": (made, Logistic),
    "logistic, breast cancer": (measured, Logistic),
}


def _answers(kind: type[Learner], z: Floats, drawn: np.random.Generator) -> Floats:
    if kind is Ridge:
        noise: Floats = z + drawn.normal(size=len(z)) * drawn.choice([0.5, 2.0], len(z))
        return noise
    return (drawn.random(len(z)) < 1.0 / (1.0 + np.exp(-z))).astype(float)


def _case(kind: type[Learner], x: Floats, y: Floats, n: int) -> BilevelCase:
    test = slice(n, n + _TEST)
    return BilevelCase(kind(x[:n], y[:n]), x[test], y[test])


# -- what chooses ---------------------------------------------------------------------------------


def choices(case: BilevelCase, k: int, seed: int) -> Iterator[tuple[str, str, Subset]]:
    """Yield rule or solver, which model's losses it looks at, and what it chooses."""
    from subsetopt.torch.rules import rule

    torch: Any = OptionalDependency("torch", "torch", extra="torch").load()
    learner = case.learner
    inputs = np.column_stack([learner.x[:, :-1], learner.y])
    for at, theta in (("untrained", np.zeros(inputs.shape[1])), ("trained", learner.whole())):
        losses = learner.losses(theta[None], learner.x, learner.y)[0]
        losses = losses + 1e-9 * np.arange(len(losses))  # no ties, of which rules take the first
        gradients = learner.slopes(theta)[:, None] * learner.x
        for name in LOSS_RULES:
            yield name, at, rule(name, seed=seed)(torch.from_numpy(losses), k).numpy()
        for solver in ("cbc", "swap", "exact")[: 3 if len(losses) <= 40 else 2]:
            yield f"Eq. 6 by {solver}", at, _solved(MeanMatching(losses, k), solver, seed)
        yield "vector on gradients", at, _matched(gradients, k, seed)
        for solver in ("herding", "tabu"):
            problem = MeanMatching(_scaled(gradients), k)
            yield f"gradients by {solver}", at, _solved(problem, solver, seed)
    yield "uniform", "", rule("uniform", seed=seed)(n=len(losses), k=k).numpy()
    yield "vector on inputs and labels", "", _matched(inputs, k, seed)
    yield "inputs and labels by tabu", "", _solved(MeanMatching(_scaled(inputs), k), "tabu", seed)
    if isinstance(learner, Logistic):
        labels = torch.from_numpy(learner.y.astype(np.int64))
        stratified = rule("uniform", seed=seed, quotas="proportional")
        yield "uniform by class", "", stratified(k=k, labels=labels).numpy()


def _matched(features: Floats, k: int, seed: int) -> Subset:
    from subsetopt.torch.rules import rule

    torch: Any = OptionalDependency("torch", "torch", extra="torch").load()
    found: Subset = rule("vector", seed=seed)(features=torch.from_numpy(features), k=k).numpy()
    return found


def _scaled(features: Floats) -> Floats:
    spread = features.std(0)
    scaled: Floats = (features - features.mean(0)) / np.where(spread > 0, spread, 1.0)
    return scaled


def _solved(problem: Any, solver: str, seed: int) -> Subset:
    options: dict[str, Any] = {"iterations": 2000} if solver == "tabu" else {}
    ready = subsetopt.solver(solver, **options)
    chosen = subsetopt.solve(problem, ready, seed=seed).indices
    assert chosen is not None
    return np.sort(chosen)


# -- the framework's own answer -------------------------------------------------------------------


def references(case: BilevelCase, k: int, seed: int) -> tuple[Floats, Floats]:
    """Return discrepancies of all subsets or of random ones, and by how much risks are higher."""
    n = len(case.learner.y)
    if comb(n, k) <= _ENUMERATED:
        return case.outcome(np.array(list(combinations(range(n), k))))
    drawn = np.random.default_rng([seed, 1])
    return case.outcome(np.stack([drawn.permutation(n)[:k] for _ in range(_RANDOM)]))


def searched(case: BilevelCase, k: int, seed: int) -> float:
    """Return the least discrepancy that exchanges lead to, which try 200 at a time."""
    n, drawn = len(case.learner.y), np.random.default_rng([seed, 2])
    best = drawn.permutation(n)[:k]
    least = float(case.outcome(best[None])[0][0])
    for _ in range(_SEARCH // 200):
        tried = np.repeat(best[None], 200, axis=0)
        free = np.setdiff1d(np.arange(n), best)
        tried[np.arange(200), drawn.integers(k, size=200)] = drawn.choice(free, 200)
        found = case.outcome(tried)[0]
        if found.min() < least:
            least, best = float(found.min()), tried[found.argmin()]
    return least


def measure(task: str, n: int, k: int, seeds: int) -> list[Row]:
    """Return a row for each rule: how its discrepancies compare with those of random subsets."""
    make, kind = TASKS[task]
    rows: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    optima = []
    for seed in range(seeds):
        case = make(kind, n, seed)
        others, more = references(case, k, seed)
        enumerated = len(others) == comb(n, k)
        least = float(others.min()) if enumerated else searched(case, k, seed)
        optima.append(least / others.mean())
        for name, at, chosen in choices(case, k, seed):
            (own,), (risk,) = case.outcome(chosen[None])
            place = (np.sum(others < own) + 0.5 * np.sum(others == own)) / len(others)
            rows.setdefault((name, at), []).append(
                (own / others.mean(), risk / more.mean(), float(place))
            )
    return [
        {"task": task, "n": n, "k": k, "rule": name, "at": at, "seeds": seeds}
        | _summary(np.array(found))
        | {"optimum": float(np.median(optima)), "enumerated": enumerated}
        for (name, at), found in rows.items()
    ]


def _summary(found: Floats) -> Row:
    """Return means, and the p-value of places among random subsets that are 0.5 on average."""
    places = found[:, 2]
    error = places.std(ddof=1) / len(places) ** 0.5
    p = t_test((places.mean() - 0.5) / error, len(places) - 1) if error > 0 else 0.0
    return {
        "discrepancy": float(found[:, 0].mean()),
        "excess": float(found[:, 1].mean()),
        "place": float(places.mean()),
        "place_error": float(error),
        "p": float(p),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was measured."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=40, help="instances of each task and size")
    options.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    given = options.parse_args(arguments)
    report_machine(given)
    for n, k in SIZES:
        for task in given.tasks:
            report(given, measure(task, n, k, given.seeds), "bilevel")


if __name__ == "__main__":
    main()
