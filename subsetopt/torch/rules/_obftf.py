"""OBFTF: k losses whose mean is the mean of the batch, by search or by a solver."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from subsetopt._options import documented, option
from subsetopt.errors import InvalidOption, InvalidResult, MissingDependency
from subsetopt.problems import Constraints, MeanMatching, Quota
from subsetopt.selecting import select
from subsetopt.solving import solve
from subsetopt.solving import solver as solver_named
from subsetopt.torch.search._class_counts import ClassCounts, match_mean_within
from subsetopt.torch.search._mean import match_mean

from ._candidates import Candidates, by_numpy
from ._class_quotas import ClassQuota, choose_by_counts
from .base import Rule

_PRECISIONS = (torch.float32, torch.float64)


@documented
@dataclass(kw_only=True, eq=False)
class MeanRule(Rule):
    """Base of the rules that match the mean of the losses."""

    target: Literal["mean", "noisy"] = option(
        "What is matched. mean: the mean of all losses. noisy: a draw from the normal distribution "
        "around it with deviation ``std / sqrt(k)``, as in the listing of One Backward from Ten "
        "Forward, for each row anew. It is matched on the CPU, so a GPU waits.",
        "mean",
        choices=("mean", "noisy"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target == "noisy" and self.quotas is not None:
            raise InvalidOption(
                f"target='noisy' is for choices without quotas; got quotas={self.quotas!r}: leave "
                "out one of them"
            )

    def _targets(self, losses: Tensor, k: int, generator: Generator | None) -> Tensor:
        """Return the noisy targets (B,) of losses (B, n), by their deviation as NumPy has it."""
        own = generator or self._own_generator(losses.device)
        noise = torch.randn(len(losses), generator=own, device=losses.device, dtype=losses.dtype)
        found: Tensor = losses.mean(1) + noise * losses.std(1, correction=0) / k**0.5
        return found


@documented
@dataclass(kw_only=True, eq=False)
class OBFTF(MeanRule):
    """Choose k losses whose mean is as close as possible to the mean of all, in microseconds.

    On the CPU this is `subsetopt.select`, compiled loops: one thread takes 18 us of n = 128 and
    77 us of n = 4096, the search in torch 0.4 and 1.4 ms. That search runs on every other device,
    under `torch.compile`, and for a uniform start.

    References
    ----------
    One Backward from Ten Forward, Eq. 6.
    """

    name: ClassVar[str] = "obftf"

    start: Literal["stride", "uniform"] = option(
        "What the search improves. stride: one loss out of each of k equal strata, which needs no "
        "random numbers. uniform: k at random, of which few are exchanged, so that the choice is "
        "hardly biased towards the middle.",
        "stride",
        choices=("stride", "uniform"),
    )
    rounds: int = option("Number of double exchanges of the search in torch.", 2, ge=0, le=64)
    kernel: Literal["torch", "triton"] = option(
        "What searches on a GPU. torch: some 90 operations, which a CUDA graph joins, see `Rule`. "
        "triton: one launch of a kernel, for at most 4096 losses, compiled for each n in 6 to 25 "
        "s. On an H100 a choice takes 0.24 and 0.07 ms for n = 128, 0.37 and 0.32 ms for n = 4096.",
        "torch",
        choices=("torch", "triton"),
    )

    def __call__(
        self,
        losses: Tensor | None = None,
        k: int | float | None = None,
        *,
        generator: Generator | None = None,
        **given: Any,
    ) -> Tensor:
        """Choose k of n, see `Rule`; one row on the CPU goes to the compiled loops at once.

        Each operation of torch between them takes long, as the forward pass has emptied the caches.
        """
        plain = self.start == "stride" and generator is None and self.quotas is None
        plain = plain and self.target == "mean"
        if plain and losses is not None and _is_plain(losses):
            array = losses.detach().numpy()
            size: Any = k if type(k) is int else self.size(k, len(array))  # `select` looks at it
            if array.size:
                chosen: Tensor = torch.from_numpy(select(array, size))
                return chosen
        return super().__call__(losses, k, generator=generator, **given)

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        losses, noise = given.needed, None
        if self.target == "noisy":
            targets = self._targets(losses, k, generator).cpu().numpy()
            chosen = torch.from_numpy(select(losses.cpu().numpy(), k, target=targets))
            return chosen.to(losses.device)
        if self.start == "uniform":
            own = generator or self._own_generator(losses.device)
            noise = torch.rand(losses.shape, generator=own, device=losses.device)
        elif by_numpy(losses):
            array = losses.numpy()
            if len(array) == 1:
                return torch.from_numpy(select(array[0], k))[None]
            return torch.from_numpy(select(array, k, threads=torch.get_num_threads()))
        if self.kernel == "triton" and losses.device.type == "cuda":
            from subsetopt.torch.search import _triton_mean  # needs Triton

            return _triton_mean.match_mean(losses, k, rounds=self.rounds, noise=noise)
        return match_mean(losses, k, rounds=self.rounds, noise=noise)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target == "noisy" and self.start != "stride":
            raise InvalidOption(
                "target='noisy' is searched for from one start; got start='uniform': leave it out"
            )

    @property
    def waits(self) -> bool:  # type: ignore[override]
        """Whether a GPU waits for the CPU to choose."""
        return self.target == "noisy"

    def _choose_by_quota(
        self, one: Candidates, quota: ClassQuota, k: int, generator: Generator
    ) -> Tensor:
        """Match the mean of all under exact counts, which minima become where they are missed."""
        losses, shuffled, seed = one.needed[0].numpy(), self.start == "uniform", self.seed
        if shuffled:
            seed = int(torch.randint(2**31, (), generator=generator))

        def match(within: ClassCounts) -> Tensor:
            return torch.from_numpy(match_mean_within(losses, within, seed, shuffled=shuffled))

        return choose_by_counts(self, one, quota, k, generator, match)


def _is_plain(losses: object) -> bool:
    """Return whether they are a row that `select` takes as it is; it looks for finite ones too."""
    return (
        isinstance(losses, Tensor)
        and by_numpy(losses)
        and losses.ndim == 1
        and losses.dtype in _PRECISIONS
    )


@documented
@dataclass(kw_only=True, eq=False)
class ExactOBFTF(MeanRule):
    """Choose k losses whose mean is closest to the mean of all, as `subsetopt.solve` finds them.

    Losses are copied to the CPU and the indices back, so a GPU waits: 41 ms for CBC at n = 128.

    References
    ----------
    One Backward from Ten Forward, Eq. 6 and the listing in its appendix.
    """

    name: ClassVar[str] = "obftf_exact"
    waits: ClassVar[bool] = True

    solver: str = option(
        "One of `subsetopt.available_solvers()` that takes mean matching, such as cbc, scip, "
        "highs, or exact, which has no tolerance.",
        "cbc",
    )
    time_limit: float | None = option(
        "Seconds for each row; the best selection until then is taken.", None, gt=0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._solver = solver_named(self.solver)
        if "mean-matching" not in self._solver.handles:
            raise InvalidOption(
                f"solver {self.solver!r} takes {', '.join(self._solver.handles)}, and no "
                "mean-matching; 'cbc' does"
            )
        if self.quotas is not None and "quotas" not in self._solver.takes:
            raise InvalidOption(
                f"solver {self.solver!r} takes no quotas, and quotas={self.quotas!r}; 'cbc' does"
            )
        availability = self._solver.availability()
        if not availability:
            raise MissingDependency(f"solver {self.solver!r} cannot run: {availability.reason}")

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        losses, targets = given.needed, [None] * given.shape[0]
        if self.target == "noisy":
            targets = self._targets(losses, k, generator).tolist()
        rows = zip(losses.cpu().numpy(), targets, strict=True)
        chosen = [self._solved(MeanMatching(row, k, target=target)) for row, target in rows]
        return torch.from_numpy(np.stack(chosen)).to(given.device)

    def _choose_by_quota(
        self, one: Candidates, quota: ClassQuota, k: int, generator: Generator
    ) -> Tensor:
        counts = dict(enumerate(quota.lower.tolist()))
        kept = Quota(quota.codes, **{"exactly" if quota.exact else "at_least": counts})
        row = one.needed[0].numpy()
        return torch.from_numpy(
            self._solved(MeanMatching(row, k, constraints=Constraints(quotas=kept)))
        )

    def _solved(self, problem: MeanMatching) -> NDArray[np.int64]:
        solution = solve(problem, self._solver, time_limit=self.time_limit, seed=self.seed)
        if solution.indices is None:
            raise InvalidResult(
                f"solver {self.solver!r} found no selection ({solution.termination.value}); give "
                f"it more time than {self.time_limit} seconds"
            )
        return np.sort(solution.indices)
