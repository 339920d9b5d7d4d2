"""Contract tests for selection rules, also for those of other packages."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Generator, Tensor

from .rules import Rule, RuleFunction, rule

__all__ = ["assert_rule_contract"]

_N = 12
_LOSSES = {
    "ordinary": torch.tensor([0.3, 2.7, 0.1, 0.02, 5.3, 1.9, 0.4, 0.77, 3.1, 0.6, 1.2, 2.2]),
    "constant": torch.full((_N,), 0.7),
    "ties": torch.tensor([1.0, 2.0] * (_N // 2)),
    "zeros": torch.zeros(_N),
    "huge": torch.arange(1.0, 1.0 + _N) * 1e30,
    "half": torch.linspace(0, 3, _N, dtype=torch.float16),
    "double": torch.linspace(3, 0, _N, dtype=torch.float64),
    "one": torch.tensor([0.5]),
}


def assert_rule_contract(given: Rule | str | RuleFunction, **options: Any) -> None:
    """Put a rule through what every rule has to keep.

    Parameters
    ----------
    given : Rule, str or callable
        As `rule` takes it; of a Rule a fresh one is better, as its generators are drawn from.
    **options
        Of the rule, where it is a name or a function.

    Raises
    ------
    AssertionError
        If a rule of the contract is broken; the message says which, and for which losses.

    Examples
    --------
    >>> assert_rule_contract("max_loss")
    """
    ready = given if isinstance(given, Rule) else rule(given, **options)
    before = torch.random.get_rng_state()
    for name, losses in _LOSSES.items():
        for k in _sizes(len(losses)):
            _assert_choice(ready, losses, k, f"losses {name!r}, k = {k}")
    _assert_rows(ready)
    _assert_repeats(ready)
    _assert_goes_on(ready)
    if ready._has_probabilities(given=True):
        _assert_probabilities(ready)
    _require(
        torch.equal(before, torch.random.get_rng_state()),
        "it draws from torch's global generator; use the generator that it is given",
    )


def _sizes(n: int) -> Iterator[int | float]:
    yield from dict.fromkeys((1, max(1, n // 3), n))
    yield 0.5


def _features(losses: Tensor) -> Tensor:
    single = losses.float() if losses.dtype == torch.float16 else losses
    return torch.stack([single, single.flip(-1).sin()], dim=-1)


def _choose(ready: Rule, losses: Tensor, k: int | float, seed: int = 0) -> Tensor:
    given: dict[str, Any] = {"generator": Generator(losses.device).manual_seed(seed)}
    if ready.needs == "features" or ready.takes_features:
        given["features"] = _features(losses)
    return ready(losses, k, **given)


def _assert_choice(ready: Rule, losses: Tensor, k: int | float, where: str) -> None:
    kept = losses.clone()
    chosen = _choose(ready, losses, k)
    size = ready.size(k, len(losses))
    _require(torch.equal(kept, losses), f"it changed the losses: {where}")
    _require(chosen.dtype == torch.int64, f"indices must be int64; got {chosen.dtype}: {where}")
    _require(
        chosen.shape == (size,), f"shape must be ({size},); got {tuple(chosen.shape)}: {where}"
    )
    inside = bool((chosen >= 0).all()) and bool((chosen < len(losses)).all())
    _require(inside, f"indices must be in [0, {len(losses) - 1}]; got {chosen.tolist()}: {where}")
    ascending = bool((chosen[1:] > chosen[:-1]).all())
    _require(ascending, f"indices must ascend, each once; got {chosen.tolist()}: {where}")


def _assert_rows(ready: Rule) -> None:
    rows = torch.stack([_LOSSES["ordinary"], _LOSSES["ties"], _LOSSES["zeros"]])
    chosen = _choose(ready, rows, 4)
    ascending = bool((chosen[:, 1:] > chosen[:, :-1]).all())
    _require(
        chosen.shape == (3, 4) and ascending,
        f"of 3 rows it must choose (3, 4) ascending indices; got {tuple(chosen.shape)}",
    )


def _assert_repeats(ready: Rule) -> None:
    first, again = (_choose(ready, _LOSSES["ordinary"], 4, seed=5) for _ in range(2))
    _require(
        torch.equal(first, again) or _learns(ready),
        f"equal generators must give equal choices; got {first.tolist()} and {again.tolist()}",
    )


def _learns(ready: Rule) -> bool:
    """Whether a rule remembers what it has seen, so that its choices may change."""
    return type(ready)._remember is not Rule._remember


def _assert_goes_on(ready: Rule) -> None:
    given: dict[str, Any] = {}
    if ready.needs == "features" or ready.takes_features:
        given["features"] = _features(_LOSSES["ordinary"])

    def choose() -> list[int]:
        found: list[int] = ready(_LOSSES["ordinary"], 4, **given).tolist()
        return found

    choose()
    state = ready.state_dict()
    first = choose()
    ready.load_state_dict(state)
    again = choose()
    _require(first == again, f"from its own state it must go on alike; got {first} and {again}")


def _assert_probabilities(ready: Rule) -> None:
    losses = _LOSSES["ordinary"]
    chances = ready.probabilities(losses, 4)
    inside = bool((chances >= 0).all()) and bool((chances <= 1 + 1e-6).all())
    total = float(chances.sum())
    _require(
        inside and abs(total - 4) < 1e-3, f"probabilities must sum to k, 4 here; got {total:.6g}"
    )


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
