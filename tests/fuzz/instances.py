"""Random small problems with difficult numbers, one per seed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_N = 9
"""Candidates at most, so that the judge can enumerate every selection."""


@dataclass(frozen=True, eq=False)
class Instance:
    """The data of one problem, before any of the library has seen them.

    Parameters
    ----------
    kind : {"mean", "mmd", "quadratic"}
    data : ndarray
        Values (n,) or (n, d), candidates (n, d) or a kernel matrix, or Q (n, n).
    k : int
    options : dict
        The remaining arguments of the problem's constructor; a kernel is ``(name, parameters)``.
    rules : dict
        The arguments of `Constraints`; a quota is ``(labels, at least, at most)``, by group.
    least : int or None
        The lower end of a range of sizes.
    """

    kind: str
    data: NDArray[Any]
    k: int
    options: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=dict)
    least: int | None = None

    @property
    def n(self) -> int:
        """The number of candidates, those selected before included where they are rows of it."""
        return len(self.data)

    def describe(self) -> str:
        """Return the data as Python text, to be pasted into a test."""
        data = np.array2string(self.data, separator=", ", floatmode="unique", threshold=10_000)
        options = {name: _shown(value) for name, value in self.options.items()}
        size = self.k if self.least is None else (self.least, self.k)
        rules = f" {self.rules}" if self.rules else ""
        return f"{self.kind} {self.data.dtype} k={size} {options}{rules}\n{data}"


def _shown(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def instance(seed: int) -> Instance:
    """Return the problem of a seed."""
    rng = np.random.default_rng([17, seed])
    kind = rng.choice(["scalar", "vector", "quadratic", "mmd"])
    found = {"scalar": _scalar, "vector": _vector, "quadratic": _quadratic, "mmd": _mmd}[kind](rng)
    rng = np.random.default_rng([19, seed])
    least = int(rng.integers(found.k)) if kind == "quadratic" and rng.random() < 0.2 else None
    rules = _rules(rng, found.n) if rng.random() < 0.4 else {}
    return replace(found, rules=rules, least=least)


# -- numbers ---------------------------------------------------------------------------------------


def _numbers(rng: np.random.Generator, shape: tuple[int, ...], squares: bool) -> NDArray[Any]:
    """Return an array in one of many styles; with `squares`, squares of it stay in range."""
    styles: list[Callable[[], Any]] = [
        lambda: rng.normal(size=shape),
        lambda: rng.exponential(size=shape).astype(np.float32),
        lambda: rng.integers(-9, 10, shape),
        lambda: rng.integers(-(2**52), 2**52, shape),
        lambda: rng.choice([0.5, 1.0, 2.0], shape),
        lambda: np.full(shape, float(rng.choice([0.7, -1.0, 3e-9]))),
        lambda: np.zeros(shape),
        lambda: 10.0 ** rng.integers(3, 15) + rng.normal(size=shape),
        lambda: (10.0 ** rng.integers(2, 6) + rng.normal(size=shape)).astype(np.float32),
        lambda: rng.integers(0, 30, shape) * 5e-324,
        lambda: rng.normal(size=shape) * 10.0 ** rng.integers(-300, -100),
        lambda: rng.normal(size=shape) * 10.0 ** rng.integers(100, 140 if squares else 300),
        lambda: rng.normal(size=shape) * 10.0 ** rng.uniform(-9, 9, shape),
        lambda: rng.normal(size=shape) * 10.0 ** rng.uniform(-140, 140, shape),
        lambda: rng.normal(size=shape).astype(np.float16),
        lambda: rng.random(shape) < 0.5,
        lambda: rng.choice(3, shape) + 1e-12 * rng.normal(size=shape),
        lambda: -rng.exponential(size=shape),
        lambda: rng.normal(size=shape).astype(np.float32) * np.float32(1e-38),
    ]
    return np.asarray(styles[rng.integers(len(styles))]())


def _size(rng: np.random.Generator, least: int = 1) -> int:
    return int(rng.integers(least, MAX_N + 1))


def _scalar(rng: np.random.Generator) -> Instance:
    n = _size(rng)
    values = _numbers(rng, (n,), squares=False)
    return Instance("mean", values, int(rng.integers(1, n + 1)), _matching(rng, values))


def _vector(rng: np.random.Generator) -> Instance:
    n = _size(rng)
    values = _numbers(rng, (n, int(rng.integers(1, 4))), squares=True)
    return Instance("mean", values, int(rng.integers(1, n + 1)), _matching(rng, values))


def _matching(rng: np.random.Generator, values: NDArray[Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if rng.random() < 0.3:
        options["cardinality"] = "at_most"
    if rng.random() < 0.4:
        rows = np.atleast_1d(values).astype(np.float64)
        low, high = rows.min(axis=0), rows.max(axis=0)
        target = low + (high - low) * rng.uniform(-0.3, 1.3, low.shape)
        options["target"] = target if values.ndim == 2 else float(target)
    return options


def _quadratic(rng: np.random.Generator) -> Instance:
    n = _size(rng)
    Q = _numbers(rng, (n, n), squares=False)
    match rng.integers(5):
        case 0:
            Q = np.triu(Q)
        case 1 | 2:
            Q = np.triu(Q) + np.triu(Q, 1).T
        case 3:
            half = rng.normal(size=(n, int(rng.integers(1, 4))))
            Q = half @ half.T
    options: dict[str, Any] = {"sense": str(rng.choice(["minimise", "maximise"]))}
    if rng.random() < 0.5:
        options["c"] = _numbers(rng, (n,), squares=False)
    if rng.random() < 0.2:
        options["constant"] = float(rng.normal() * 10.0 ** rng.integers(-3, 7))
    return Instance("quadratic", Q, int(rng.integers(1, n + 1)), options)


def _mmd(rng: np.random.Generator) -> Instance:
    n = _size(rng, least=3)
    options: dict[str, Any] = {"formulation": str(rng.choice(["true", "true", "published"]))}
    selected = int(rng.integers(1, n - 1)) if rng.random() < 0.4 else 0
    if rng.random() < 0.2:
        half = rng.normal(size=(n, int(rng.integers(1, 5))))
        K = half @ half.T
        K = np.triu(K) + np.triu(K, 1).T
        options["kernel"] = ("precomputed", {})
        if selected:
            options["selected"] = rng.choice(n, selected, replace=False)
        return Instance("mmd", K, int(rng.integers(1, n - selected)), options)
    X = _numbers(rng, (n, int(rng.integers(1, 4))), squares=True)
    options["kernel"] = _kernel(rng, X)
    if selected:
        options["selected"], X = X[:selected], X[selected:]
    return Instance("mmd", X, int(rng.integers(1, len(X))), options)


def _kernel(rng: np.random.Generator, X: NDArray[Any]) -> tuple[str, dict[str, Any]]:
    spread = float(np.ptp(X.astype(np.float64), axis=0).max()) or 1.0
    match rng.choice(["gaussian", "laplace", "linear", "polynomial"]):
        case "linear":
            return "linear", {}
        case "polynomial" if np.abs(X.astype(np.float64)).max() < 1e6:
            degree = int(rng.integers(1, 4))
            return "polynomial", {"degree": degree, "gamma": 0.5, "coef0": float(rng.integers(3))}
        case "laplace":
            return "laplace", {"scale": spread * float(rng.uniform(0.1, 3))}
        case _:
            return "gaussian", {"scale": spread * float(rng.uniform(0.1, 3))}


# -- constraints -----------------------------------------------------------------------------------


def _rules(rng: np.random.Generator, n: int) -> dict[str, Any]:
    """Return constraints of some kinds, which may contradict each other."""
    rules: dict[str, Any] = {}
    if rng.random() < 0.5:
        fixed = rng.permutation(n)[: rng.integers(0, 1 + n // 2)].tolist()
        cut = int(rng.integers(0, len(fixed) + 1))
        rules |= {"include": fixed[:cut], "exclude": fixed[cut:]}
    if rng.random() < 0.5:
        rules["quotas"] = [_quota(rng, n) for _ in range(rng.integers(1, 3))]
    if rng.random() < 0.4:
        styles: list[Callable[[], Any]] = [
            lambda: rng.integers(0, 20, n),
            lambda: rng.integers(0, 100, n) / 10,
            lambda: rng.random(n),
            lambda: rng.random(n) * 10.0 ** rng.integers(-9, 9, n),
        ]
        costs = styles[rng.integers(len(styles))]()
        chosen = rng.permutation(n)[: rng.integers(1, n + 1)]
        # As a sum of floats: at the end of what is allowed, or beside it.
        rules |= {"costs": costs.tolist(), "budget": float(sum(costs[chosen].tolist()))}
    if rng.random() < 0.4:
        pairs = rng.integers(0, n, (rng.integers(1, 6), 2))
        rules["conflicts"] = pairs[pairs[:, 0] != pairs[:, 1]].tolist()
    return rules


def _quota(rng: np.random.Generator, n: int) -> tuple[list[str], dict[str, int], dict[str, int]]:
    labels = rng.choice(list("abc"), n).tolist()
    sizes = {group: labels.count(group) for group in sorted(set(labels))}
    least = {group: int(rng.integers(0, min(2, size) + 1)) for group, size in sizes.items()}
    return labels, least, {g: int(rng.integers(least[g], size + 1)) for g, size in sizes.items()}
