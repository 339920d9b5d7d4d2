"""Matching the mean of features: the chosen stand for the batch in every feature at once."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Generator, Tensor

from subsetopt._options import documented, option
from subsetopt.torch.features import standardised
from subsetopt.torch.search._class_counts import ClassCounts
from subsetopt.torch.search._compiled import Search, match_vectors_compiled
from subsetopt.torch.search._vector_swaps import frank_wolfe, match_vectors, random_start

from ._candidates import Candidates, by_numpy
from ._class_quotas import ClassQuota, choose_by_counts
from .base import Needs, Rule


@dataclass(kw_only=True, eq=False)
class _OnFeatures(Rule):
    """Base of both rules: the scale of the features, and exchanges at the end."""

    needs: ClassVar[Needs] = "features"

    rounds: int | None = option(
        "Maximum number of exchanges, the best first; on the CPU of sweeps, each of them a look at "
        "every exchange. 0: the start as it is. None: on the CPU as many as `thorough` says, else "
        "``12 + min(k, d) // 3``, after which hardly any exchange helps.",
        None,
        ge=0,
    )
    thorough: bool = option(
        "On the CPU, go on until no exchange helps. False: stop as well within a thousandth of the "
        "distance that k at random have, and after about ``2**22 / d`` exchanges looked at: all "
        "there are up to n = 1000 or so; at n = 4096 and d = 10 that ends 1.3 times as far from "
        "the mean, in a tenth of the time.",
        False,
    )
    scale: Literal["standardise", "none"] = option(
        "standardise: divide each feature by its standard deviation over the batch. none: take the "
        "features as they are, the larger ones counting for more.",
        "standardise",
        choices=("standardise", "none"),
    )

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        features = given.features
        assert features is not None
        own = generator or self._own_generator(given.device)
        if by_numpy(features):
            search = self._search()
            # A greedy start draws nothing, and neither does the order of what follows it.
            seeds = [0] * len(features)
            if search.start != "greedy":
                seeds = torch.randint(2**62, (len(features),), generator=own).tolist()
            return match_vectors_compiled(features, k, seeds, search)
        noise = torch.rand(given.shape, generator=own, device=given.device)
        with torch.autocast(given.device.type, enabled=False):
            vectors = standardised(features) if self.scale == "standardise" else features
            start = self._start(vectors, k, noise)
            enough = 12 + min(k, vectors.shape[2]) // 3
            rounds = enough if self.rounds is None else self.rounds
            return match_vectors(vectors, k, rounds=rounds, start=start)

    def _choose_by_quota(
        self, one: Candidates, quota: ClassQuota, k: int, generator: Generator
    ) -> Tensor:
        """Match the mean of all under exact counts, which minima become where they are missed."""
        features = one.features
        assert features is not None

        def match(within: ClassCounts) -> Tensor:
            seeds = torch.randint(2**62, (1,), generator=generator).tolist()
            return match_vectors_compiled(features, k, seeds, self._search(), within)[0]

        return choose_by_counts(self, one, quota, k, generator, match)

    def _search(self) -> Search:
        """Return what the compiled search is told."""
        raise NotImplementedError

    def _options(self) -> dict[str, Any]:
        return {
            "rounds": self.rounds,
            "thorough": self.thorough,
            "standardise": self.scale == "standardise",
        }

    def _start(self, vectors: Tensor, k: int, noise: Tensor) -> Tensor | None:
        raise NotImplementedError


@documented
@dataclass(kw_only=True, eq=False)
class VectorMatching(_OnFeatures):
    """Choose k of n whose mean is close to the mean of all, in every feature.

    Exchanges lead from the start to a selection that few exchanges improve. On the CPU compiled
    loops do it, in single precision: see `thorough`. Where at most 128 rows of features are
    distinct, as labels are, they choose how many of each, and go on until no exchange helps. The
    batched search in torch runs on every other device and under torch.compile.

    """

    name: ClassVar[str] = "vector"

    start: Literal["uniform", "greedy"] = option(
        "uniform: samples in unusual places are chosen as often as others. greedy: somewhat closer "
        "to the mean, prefers samples near it, and draws nothing.",
        "uniform",
        choices=("uniform", "greedy"),
    )

    def _search(self) -> Search:
        return Search(start=self.start, **self._options())

    def _start(self, vectors: Tensor, k: int, noise: Tensor) -> Tensor | None:
        return random_start(vectors, k, noise) if self.start == "uniform" else None


@documented
@dataclass(kw_only=True, eq=False)
class FrankWolfeRule(_OnFeatures):
    """Choose k of n by rounding a relaxation of mean matching, tilted at random.

    Without features it matches the losses.

    """

    name: ClassVar[str] = "frank_wolfe"
    needs: ClassVar[Needs] = "losses"
    takes_features: ClassVar[bool] = True

    steps: int = option("Number of Frank-Wolfe steps.", 16, ge=1)

    def _given(
        self,
        losses: Tensor | None,
        features: Tensor | None,
        shape: torch.Size,
        device: torch.device,
        check: bool,
    ) -> Candidates:
        if features is None and losses is not None:
            features = losses[..., None]
        return super()._given(losses, features, shape, device, check)

    def _search(self) -> Search:
        return Search(start="relaxed", steps=self.steps, **self._options())

    def _start(self, vectors: Tensor, k: int, noise: Tensor) -> Tensor | None:
        return frank_wolfe(vectors, k, steps=self.steps, noise=noise)
