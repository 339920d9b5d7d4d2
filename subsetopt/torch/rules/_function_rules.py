"""Rules that are a function of the caller's, whose every choice is checked."""

import inspect
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from subsetopt.errors import InvalidOption, InvalidResult

from ._candidates import Candidates
from .base import Rule, RuleFunction

_KEYWORDS = ("features", "generator")


@dataclass(kw_only=True, eq=False)
class FunctionRule(Rule):
    """A rule that is a function of one row of losses (n,) and k.

    Parameters
    ----------
    function : callable
        ``f(losses, k)``, which returns k distinct indices. Parameters named ``features`` and
        ``generator`` are given too: features (n, d), which a call then needs, and
        a torch.Generator to draw from.
    """

    name: ClassVar[str] = "function"
    waits: ClassVar[bool] = True

    function: RuleFunction
    _words: tuple[str, ...] = field(init=False, repr=False, default=())

    def __post_init__(self) -> None:
        super().__post_init__()
        parameters = _parameters(self.function, getattr(self.function, "__name__", "function"))
        self._words = tuple(word for word in _KEYWORDS if word in parameters)
        if "features" in parameters:
            self.takes_features = True  # type: ignore[misc]

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        own = {"generator": generator or self._own_generator(given.device)}
        rows = []
        for row in range(given.shape[0]):
            keywords = {
                "features": None if given.features is None else given.features[row],
                **own,
            }
            chosen = self.function(given.needed[row], k, **{w: keywords[w] for w in self._words})
            rows.append(self._checked(chosen, k, given.shape[1], given.device))
        return torch.stack(rows)

    def _checked(self, chosen: Any, k: int, n: int, device: torch.device) -> Tensor:
        """Return the indices, sorted; raises InvalidResult where they are no k of n."""
        try:
            indices = torch.as_tensor(chosen, device=device)
        except (TypeError, ValueError, RuntimeError) as error:
            raise InvalidResult(
                f"rule {self.name!r} must return indices; got {type(chosen).__name__}: {error}"
            ) from error
        integers = not (indices.is_floating_point() or indices.dtype == torch.bool)
        if not integers or indices.shape != (k,):
            raise InvalidResult(
                f"rule {self.name!r} must return {k} integers of shape ({k},); got "
                f"{indices.dtype} of shape {tuple(indices.shape)}"
            )
        indices = indices.long().sort().values
        if indices[0] < 0 or indices[-1] >= n or bool((indices[1:] == indices[:-1]).any()):
            raise InvalidResult(
                f"rule {self.name!r} must return {k} distinct indices in [0, {n - 1}]; got "
                f"{indices.tolist()[:8]}{' ...' if k > 8 else ''}"
            )
        return indices


def _parameters(function: RuleFunction, name: str) -> dict[str, inspect.Parameter]:
    try:
        found = dict(inspect.signature(function).parameters)
    except (TypeError, ValueError) as error:
        raise InvalidOption(f"rule {name!r} must be a function f(losses, k): {error}") from error
    needed = [
        word
        for word, parameter in list(found.items())[2:]
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        and word not in _KEYWORDS
    ]
    if len(found) < 2 or needed:
        also = f", without {', '.join(map(repr, needed))}" if needed else ""
        raise InvalidOption(
            f"rule {name!r} must take losses and k, and may take features and generator{also}; "
            f"got ({', '.join(found)})"
        )
    return found
