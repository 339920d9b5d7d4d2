"""The stages of a coreset: two passes, the pool, the search, and the evaluation."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._marginals import Marginal, marginals
from subsetopt.errors import InvalidProblem
from subsetopt.problems import Kernel, Linear
from subsetopt.problems._kernel_choice import Custom
from subsetopt.problems._memory import require_memory
from subsetopt.problems.scaling import GIVE_SCALE, Method, Scaling, warn_unscaled

from ._aiming import AimedKeys, joined
from ._asked_rows import NOTHING, AskedOfRows
from ._coreset_checkpoint import CoresetCheckpoint
from ._coreset_result import Coreset
from ._judging import Judge, MeanJudge
from ._kernel_means import kernel_means
from ._pool import Pool, PoolSize
from ._pool_candidates import candidates_of
from ._pool_rules import Rules
from ._reading_engines import LOCAL, ReadingEngine
from ._row_blocks import Source
from ._row_keys import ALL_ROWS, RememberedShare, RowKeys, RowShare
from ._row_sources import ArrayRows
from ._surveying import Survey, Told, survey
from ._weighing import simplex_weights

_DRAWS = 10
_MANY, _FEW_DRAWS = 4000, 2  # k from which random selections are few
_MOST_COLUMNS = 64
_OF_LIMIT = 32  # of what may be held, rows that are kept for the second pass have this part


@dataclass
class CoresetJob:
    """One choice, step by step."""

    source: Source
    aim: Source | None
    k: int
    kernel: Kernel
    scale: Method | None
    size: PoolSize
    compared: int | None
    seed: int
    threads: int | None
    told: Told
    engine: ReadingEngine
    rules: Rules | None
    asked: AskedOfRows
    saved: CoresetCheckpoint
    time_limit: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    remembered: RememberedShare | None = None

    def run(self, weighted: bool) -> Coreset:
        with self._timed("survey"):
            size = self.size.total + self.size.witnesses
            seen = self._survey(self.source, size, 0, self.told, self.asked)
            aimed = seen
            if self.aim is not None:
                aimed = self._survey(self.aim, self.size.witnesses, 1, self._target_progress)
            self._require(seen, aimed)
            scaling, X, T = self._scaled(seen, aimed)
            kernel = self.kernel.fitted(X, T) if self.aim else self.kernel.fitted(X)
        near = np.empty(0, np.int64)
        if self.aim is not None and self.rules is None and seen.n > self.size.total:
            with self._timed("aiming"):
                seen, near = self._with_rows_near(seen, scaling, X, T)
                X = scaling.applied(seen.X)
        candidates, uniform, witnesses = self._divided(seen, near)
        points = X if self.aim is None else np.concatenate([X[candidates], T])
        with self._timed("means"):
            share = self._share(aimed.n, len(aimed.X))
            means = self._means(kernel, points, scaling, aimed, share)
        if self.aim is None:
            pool_means, T, aim_means = means[candidates], X[witnesses], means[witnesses]
        else:
            pool_means, aim_means = means[: len(candidates)], means[len(candidates) :]
        pool, witness_rows = X[candidates], T
        with self._timed("choosing"):
            part = self.size.part_of(pool.itemsize)
            rules = None if self.rules is None else self.rules.of_pool(seen, candidates)
            chosen_from = Pool(
                pool,
                pool_means,
                kernel,
                part,
                self.seed,
                self.threads,
                rules,
                self.time_limit,
                keeps_best=self.saved.path is None,  # else the next call goes on
            )
            at, ended = chosen_from.choose(self.k, self._choosing_progress)
        self.told("judging", 0, None)
        with self._timed("judging"):
            judge: Judge | MeanJudge
            if isinstance(kernel, Linear):
                judge = MeanJudge(self._mean(scaling, aimed), aimed.std / scaling.scale)
            else:
                judge = Judge(kernel, witness_rows, aim_means, share.count(aimed.n), self.threads)
            estimate = judge.mmd_squared(pool[at], pool_means[at])
            w, gap, with_weights = self._weighed(judge, kernel, pool[at], pool_means[at], weighted)
            random = judge.of_random(self.k, seen.n)
            if self.aim is not None:
                draws = self._random(np.flatnonzero(np.isin(candidates, uniform)))
                squares = [judge.mmd_squared(pool[few], pool_means[few]).square for few in draws]
                random = max(float(np.mean(squares)), 0.0)
            rows = candidates[at]
            target = aimed.X if self.aim else seen.X[witnesses]
            table = self._columns(seen, rows, uniform, target, aimed)
        return Coreset(
            indices=seen.rows[rows],
            ids=None if seen.ids is None else seen.ids[rows],
            weights=w,
            mmd=estimate.root,
            mmd_error=estimate.root_error,
            weighted_mmd=with_weights,
            weights_gap=gap,
            random_mmd=float(np.sqrt(random)),
            n=seen.n,
            pool=len(pool),
            kernel=kernel.function if isinstance(kernel, Custom) else kernel,
            columns=table,
            groups={} if self.rules is None else self.rules.counts(seen, rows),
            seconds=self.seconds,
            message=judge.of_sample(aimed.n),
            termination=ended,
            sample=len(target) if len(target) < aimed.n else None,
        )

    def _with_rows_near(
        self, seen: Survey, scaling: Scaling, X: NDArray[Any], T: NDArray[Any]
    ) -> tuple[Survey, NDArray[np.int64]]:
        """Return what was seen with rows near the target, and where these stand; O(n d)."""
        threads = self.engine.threads(self.threads)
        keys = AimedKeys.of(RowKeys(self.seed, 4), X, T, scaling, threads)
        if keys is None:
            return seen, np.empty(0, np.int64)
        size = self.size.total // 2

        def told(phase: str, done: int, total: int | None) -> None:
            self.told("aiming", done, seen.n)

        more = self.saved.surveyed(
            "near", size, NOTHING, lambda: survey(self.source, size, keys, told, self.engine)
        )
        return joined(seen, more.result())

    def _means(
        self,
        kernel: Kernel,
        points: NDArray[Any],
        scaling: Scaling,
        aimed: Survey,
        share: RowShare,
    ) -> NDArray[np.float64]:
        """Return the mean kernel of points with all rows; of products the mean row is enough."""
        if isinstance(kernel, Linear):
            return np.asarray(points @ self._mean(scaling, aimed), np.float64)
        source, n = self.aim or self.source, aimed.n
        if self.remembered is not None and self.remembered.share == share:
            kept, self.remembered = self.remembered.kept, None
            if kept is not None:
                source, n, share = ArrayRows(kept, source.name), len(kept), ALL_ROWS
        return kernel_means(
            kernel,
            points,
            source,
            scaling,
            self.threads,
            self.told,
            n,
            self.engine,
            self.saved.sums(len(points)),
            share,
        )

    def _share(self, n: int, held: int) -> RowShare:
        """Return which of n rows candidates are compared with; so many of them are held."""
        count = n if self.compared is None else max(self.compared, 2 * held)
        return RowShare(RowKeys(self.seed, 0 if self.aim is None else 1), count / n)

    def _mean(self, scaling: Scaling, aimed: Survey) -> NDArray[np.float64]:
        return np.asarray(scaling.applied(aimed.mean[None])[0], np.float64)

    def _choosing_progress(self, done: int, total: int) -> None:
        self.told("choosing", done, total)

    def _target_progress(self, phase: str, done: int, total: int | None) -> None:
        self.told("target", done, total)

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self.seconds[phase] = perf_counter() - start

    def _require(self, seen: Survey, aimed: Survey) -> None:
        if 2 * self.k > seen.n and self.k != seen.n:
            raise InvalidProblem(
                f"k must be at most half the {seen.n} rows of {self.source.name}; got {self.k}: "
                "solve(MMDSelection(...)) chooses any number of few rows"
            )
        if seen.X.shape[1] != aimed.X.shape[1]:
            raise InvalidProblem(
                f"target has {aimed.X.shape[1]} features and data has {seen.X.shape[1]}; give both "
                "the same"
            )

    def _scaled(self, seen: Survey, aimed: Survey) -> tuple[Scaling, NDArray[Any], NDArray[Any]]:
        """Return how rows are scaled, and both samples scaled, in the wider of their dtypes."""
        together = seen.X if aimed is seen else np.concatenate([seen.X, aimed.X])
        if self.scale is None and not isinstance(self.kernel, Custom):
            warn_unscaled(together, GIVE_SCALE, stacklevel=5)
        method = self.scale or "none"
        if method == "std" and aimed is seen:
            scaling = Scaling("std", seen.mean, np.where(seen.std > 0, seen.std, 1.0))
        elif method == "none" and isinstance(self.kernel, Linear):
            # The MMD is the same about any origin, and less cancels about the mean.
            scaling = Scaling("std", aimed.mean, np.ones(len(aimed.mean)))
        else:
            scaling = Scaling.of(together, method)
        return scaling, scaling.applied(seen.X), scaling.applied(aimed.X)

    def _survey(
        self, source: Source, size: int, stream: int, told: Told, asked: AskedOfRows = NOTHING
    ) -> Survey:
        source = self._remembering(source, size, stream)
        seen = self.saved.surveyed(
            "target" if stream else "data",
            size,
            asked,
            lambda: survey(source, size, RowKeys(self.seed, stream), told, self.engine, asked),
        )
        return seen.result()

    def _remembering(self, source: Source, size: int, stream: int) -> Source:
        """Return a source that keeps the rows compared with, where these are known and few."""
        n, is_compared = source.n, stream == (0 if self.aim is None else 1)
        if self.compared is None or n is None or not is_compared:
            return source
        if self.engine is not LOCAL or self.saved.path is not None:
            return source
        share = self._share(n, min(n, size))
        if share.share >= 1.0:
            return source
        self.remembered = RememberedShare(source, share, self.size.limit // _OF_LIMIT)
        return self.remembered

    def _divided(self, seen: Survey, near: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """Return the candidates, those of a uniform sample, and the witnesses."""
        sample, total = np.flatnonzero(seen.sampled), self.size.total
        order = sample[np.random.default_rng(self.seed).permutation(len(sample))]
        uniform = np.sort(order[:total])
        others = order[~np.isin(order, near)]
        candidates = np.sort(np.concatenate([near, others[: total - len(near)]]))
        if self.rules is not None:
            candidates = candidates_of(seen, order[:total], total, self.k)
        if len(sample) == seen.n:  # all rows are there
            return candidates, uniform, sample
        if self.aim is not None:
            return candidates, uniform, np.empty(0, np.int64)
        return candidates, uniform, np.sort(order[total:])

    def _weighed(
        self,
        judge: Judge | MeanJudge,
        kernel: Kernel,
        S: NDArray[Any],
        means: NDArray[np.float64],
        wanted: bool,
    ) -> tuple[NDArray[np.float64] | None, float | None, float | None]:
        """Return the weights of the chosen, by how much others may be better, and their MMD."""
        if not wanted:
            return None, None, None
        require_memory("the kernel matrix of the chosen", 16 * len(S) ** 2, "do without weights")
        weights, gap = simplex_weights(np.asarray(kernel(S, S), np.float64), means)
        return weights, gap, judge.mmd_squared(S, means, weights).root

    def _random(self, uniform: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        generator = np.random.default_rng([self.seed, 1])
        for _ in range(_DRAWS if self.k <= _MANY else _FEW_DRAWS):
            yield generator.choice(uniform, self.k, replace=len(uniform) < self.k)

    def _columns(
        self,
        seen: Survey,
        chosen: NDArray[np.int64],
        uniform: NDArray[np.int64],
        target: NDArray[Any],
        aimed: Survey,
    ) -> tuple[Marginal, ...]:
        """Compare the chosen with random ones of all rows, as the uniform sample has them."""
        d = seen.X.shape[1]
        if d > _MOST_COLUMNS:
            return ()
        names = self.source.names if len(self.source.names or ()) == d else None
        rows = np.union1d(chosen, uniform)
        return marginals(
            seen.X[rows],
            np.searchsorted(rows, chosen),
            names=names,
            target=target,
            seed=self.seed,
            draws=_DRAWS,
            moments=(aimed.mean, aimed.std),
            among=np.searchsorted(rows, uniform),
        )
