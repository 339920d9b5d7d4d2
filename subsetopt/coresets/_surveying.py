"""The first pass: number of rows, scales, and a uniform sample."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidOption, InvalidProblem

from ._asked_rows import EXCLUDED, INCLUDED, NOTHING, AskedOfRows, SeenGroups
from ._reading_engines import Done, ReadingEngine
from ._row_blocks import RowBlock, Source


class KeysOfRows(Protocol):
    """A number for each row; a sample are the rows of the least."""

    def among(self, X: NDArray[Any], first: int) -> NDArray[np.float64]:
        """Return the keys of rows, of which the first has this number."""

    def limit(self, n: int, size: int) -> float:
        """Return what the keys of `size` of n rows, or some more, are below."""


_SLACK = 1.25  # rows that are held for each that is needed, at most
_WIDE, _TALL = 1024, 64  # a piece of rows side by side that stays in the cache
_PARTS = ("keys", "rows", "X", "ids", "flags", "costs", "codes")

Told = Callable[[str, int, int | None], None]
"""Takes the phase, the rows done in it and all rows, where that is known."""


@dataclass(frozen=True, eq=False)
class Survey:
    """What the first pass has seen.

    Parameters
    ----------
    n : int
        Rows.
    mean, std, lowest, highest : ndarray of float64 (d,)
        Of each column.
    rows : ndarray of int64 (m,)
        Where the rows that are held stand, ascending.
    X : ndarray (m, d)
        Their features.
    ids : ndarray (m,) or None
    keys : ndarray of float64 (m,)
    sampled : ndarray of bool (m,)
        Which are a uniform sample without replacement; the others are held for constraints.
    flags : ndarray of int8 (m,)
        Which are to be included or excluded.
    costs : ndarray of float64 (m,)
    codes : ndarray of int64 (m, groupings)
        The group of each.
    groups : tuple of SeenGroups
    """

    n: int
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    rows: NDArray[np.int64]
    X: NDArray[Any]
    ids: NDArray[Any] | None
    keys: NDArray[np.float64]
    sampled: NDArray[np.bool_]
    flags: NDArray[np.int8]
    costs: NDArray[np.float64]
    codes: NDArray[np.int64]
    groups: tuple[SeenGroups, ...]


def survey(
    source: Source,
    size: int,
    keys: KeysOfRows,
    told: Told,
    engine: ReadingEngine,
    asked: AskedOfRows = NOTHING,
) -> "SeenRows":
    """Read all rows once; O(n d).

    The sample are the rows of the least keys, whatever the blocks and parts they are read in. Of
    each group that constraints ask for those of its least keys are held as well.
    """
    n = engine.count(source)
    limit = np.inf if n is None else keys.limit(n, size)
    known = source.n if n is None else n
    look = partial(seen_of, size=size, keys=keys, limit=limit, asked=asked)
    seen = SeenRows(size, limit, asked)
    told("survey", 0, known)
    for part in engine.over(source, look, lambda done: told("survey", done, known)):
        seen.join(part)
    if not seen.moments.n:
        raise InvalidProblem(f"{source.name} has no rows")
    return seen


def seen_of(
    source: Source, done: Done, *, size: int, keys: KeysOfRows, limit: float, asked: AskedOfRows
) -> "SeenRows":
    """Return what the rows of a part show: moments, and those whose keys are least."""
    seen = SeenRows(size, limit, asked)
    for block in source.blocks():
        seen.add(block, source.first + seen.moments.n, keys)
        done(seen.moments.n)
    return seen


class SeenRows:
    """Moments, and rows: a sample of the least keys so far, and those that constraints need."""

    def __init__(self, size: int, limit: float, asked: AskedOfRows = NOTHING) -> None:
        self.moments = _Moments()
        self._groups = tuple(SeenGroups(grouping) for grouping in asked.groupings)
        self._matched = np.zeros(2, np.int64)
        self._size, self._limit, self._held, self._enough = size, limit, 0, size
        self._parts: list[tuple[NDArray[Any], ...]] = []
        self._named = False
        self._asked = asked

    def add(self, block: RowBlock, first: int, keys: KeysOfRows) -> None:
        """Look at rows, of which the first has this number."""
        self.moments.join(_Moments.of(block.X))
        own = keys.among(block.X, first)
        held = own < self._limit
        flags = self._asked.flags(block, first)
        held |= (flags & INCLUDED) > 0
        self._matched += [((flags & flag) > 0).sum() for flag in (INCLUDED, EXCLUDED)]
        codes = np.empty((len(own), len(self._groups)), np.int64)
        for number, seen in enumerate(self._groups):
            codes[:, number] = seen.add(block, first)
            held |= own < seen.limits[codes[:, number]]
        few = np.flatnonzero(held)
        ids = np.empty(len(few)) if block.ids is None else block.ids[few]
        self._named = block.ids is not None
        costs = self._asked.costs_of(block, first)
        self._hold(own[few], first + few, block.X[few], ids, flags[few], costs[few], codes[few])

    def join(self, other: "SeenRows") -> None:
        """Look at what was seen elsewhere, below these rows."""
        if other.moments.n:
            self.moments.join(other.moments)
            self._named = other._named
            self._matched += other._matched
            called = [own.join(seen) for own, seen in zip(self._groups, other._groups, strict=True)]
            for *part, codes in other._parts:
                columns = [names[codes[:, number]] for number, names in enumerate(called)]
                self._hold(*part, np.stack(columns, axis=1) if columns else codes)

    def _hold(self, *part: NDArray[Any]) -> None:
        if len(part[0]):
            self._parts.append(part)
            self._held += len(part[0])
        if self._held > _SLACK * self._enough:
            self._shrink()

    def _shrink(self) -> NDArray[np.bool_]:
        """Leave out what nothing needs; return which rows are of the sample."""
        keys, *others = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        sampled = np.ones(len(keys), np.bool_)
        if len(keys) > self._size:
            least = np.argpartition(keys, self._size - 1)[: self._size]
            sampled[:] = False
            sampled[least] = True
            self._limit = min(self._limit, float(keys[least].max()))
        sampled &= keys <= self._limit
        kept = sampled | ((others[3] & INCLUDED) > 0)
        for number, seen in enumerate(self._groups):
            kept |= seen.kept(others[5][:, number], keys)
        self._parts = [(keys[kept], *(part[kept] for part in others))]
        self._held = int(kept.sum())
        self._enough = max(self._size, self._held)
        return np.asarray(sampled[kept])

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what has been seen, as arrays."""
        self._shrink()
        state = dict(zip(_PARTS, self._parts[0], strict=True))
        state["objects"] = np.array(state["ids"].dtype.kind == "O")
        if state["objects"]:
            if not all(isinstance(one, str) for one in state["ids"].tolist()):
                raise InvalidOption(
                    "checkpoint keeps ids that are numbers, texts or dates; leave it out, or "
                    "choose others"
                )
            state["ids"] = state["ids"].astype(np.str_)
        state |= {name: np.asarray(value) for name, value in vars(self.moments).items()}
        state |= {"matched": self._matched, "named": np.array(self._named)}
        for number, group in enumerate(self._groups):
            state |= {f"{number} {name}": value for name, value in group.state().items()}
        return state

    @classmethod
    def restored(cls, state: Mapping[str, Any], size: int, asked: AskedOfRows) -> "SeenRows":
        """Return what had been seen."""
        seen = cls(size, np.inf, asked)
        moments = {name: state[name] for name in vars(seen.moments)}
        seen.moments = _Moments(**{**moments, "n": int(moments["n"])})
        kept = {name: state[name] for name in _PARTS}
        if state["objects"]:
            kept["ids"] = kept["ids"].astype(np.object_)
        seen._parts = [tuple(kept.values())]
        seen._held = len(state["keys"])
        seen._matched, seen._named = state["matched"], bool(state["named"])
        for number, group in enumerate(seen._groups):
            group.restore({name: state[f"{number} {name}"] for name in ("groups", "counts")})
        return seen

    def result(self) -> Survey:
        """Return what has been seen; there must have been rows."""
        sampled = self._shrink()
        keys, rows, X, ids, flags, costs, codes = self._parts[0]
        order = np.argsort(rows)
        asked, n = self._asked, self.moments.n
        for names, seen in zip((asked.include, asked.exclude), self._matched.tolist(), strict=True):
            if names is not None:
                names.require(n, seen, self._named)
        mean, std, low, high = self.moments.result()
        return Survey(
            n,
            mean,
            std,
            low,
            high,
            rows=rows[order].astype(np.int64),
            X=X[order],
            ids=ids[order] if self._named else None,
            keys=keys[order],
            sampled=sampled[order],
            flags=flags[order],
            costs=costs[order],
            codes=codes[order],
            groups=self._groups,
        )


@dataclass(eq=False)
class _Moments:
    """Means and squared distances from them, so that little cancels, joined as parts of a sum.

    Source: Chan, Golub & LeVeque, The American Statistician 37(3), 1983.
    """

    n: int = 0
    mean: Any = 0.0
    squares: Any = 0.0
    low: Any = np.inf
    high: Any = -np.inf

    @classmethod
    def of(cls, X: NDArray[Any]) -> "_Moments":
        """Return those of rows, many side by side: NumPy is slow along the first of short rows."""
        n, d = X.shape
        side = max(1, min(n, _WIDE // d))
        wide = X[: n // side * side].reshape(-1, side * d)
        mean = wide.sum(axis=0, dtype=np.float64).reshape(side, d).sum(axis=0) / (len(wide) * side)
        centre, squares = np.tile(mean, side), np.zeros(side * d)
        for first in range(0, len(wide), _TALL):
            away = wide[first : first + _TALL] - centre
            away *= away
            squares += away.sum(axis=0)
        low, high = (f(axis=0).reshape(side, d) for f in (wide.min, wide.max))
        squares = squares.reshape(side, d).sum(axis=0)
        moments = cls(len(wide) * side, mean, squares, low.min(axis=0), high.max(axis=0))
        if moments.n < n:
            moments.join(cls.of(X[moments.n :]))
        return moments

    def join(self, other: "_Moments") -> None:
        n = self.n + other.n
        between = other.mean - self.mean
        self.mean = self.mean + between * (other.n / n)
        with np.errstate(over="ignore", invalid="ignore"):  # of values that no kernel takes
            self.squares = self.squares + other.squares + between**2 * (self.n / n * other.n)
        self.low, self.high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        self.n = n

    def result(self) -> tuple[NDArray[np.float64], ...]:
        low, high = self.low.astype(np.float64), self.high.astype(np.float64)
        std = np.where(low == high, 0.0, np.sqrt(self.squares / self.n))
        return self.mean, std, low, high
