"""Choosing k of n losses in one call."""

from typing import Any

from torch import Generator, Tensor

from subsetopt.errors import InvalidOption

from .rules import Rule, RuleFunction
from .rules import rule as made

__all__ = ["select"]


def select(
    losses: Tensor | None = None,
    k: int | float | None = None,
    rule: Rule | str | RuleFunction = "obftf",
    generator: Generator | None = None,
    features: Tensor | None = None,
    labels: Tensor | None = None,
    **options: Any,
) -> Tensor:
    """Return the sorted indices of the chosen losses, on their device.

    A name stands for a rule made for this call: it has no memory, and without `generator` the same
    call gives the same answer. In a loop make the rule once, with `subsetopt.torch.rule`.

    Parameters
    ----------
    losses : Tensor, (n,) or (B, n), optional
        For the rules that need them.
    k : int or float, optional
        How many; or a share 0 < r <= 1. Some rules choose the number themselves.
    rule : Rule, str or function
    generator : torch.Generator, optional
        On the device of the losses.
    features : Tensor, (n, d) or (B, n, d), optional
        For the rules that match them.
    labels : Tensor of integers, (n,) or (B, n), optional
        Classes, for a rule with ``quotas``.
    **options
        Of the rule that is named.

    Raises
    ------
    InvalidOption
        For an unknown name or option, or options together with a Rule, which has its own.
    InvalidProblem
        For losses, k or features that do not fit.

    Examples
    --------
    >>> import torch
    >>> select(torch.tensor([0.0, 1.0, 2.0, 9.0]), 2, rule="max_loss")
    tensor([2, 3])
    """
    if isinstance(rule, Rule):
        if options:
            raise InvalidOption(
                f"options {', '.join(options)} are given with a rule; set them where it is made"
            )
        chosen = rule
    else:
        chosen = made(rule, **options)
    return chosen(losses, k, generator=generator, features=features, labels=labels)
