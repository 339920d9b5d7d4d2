"""Rules by name: our own, and those that other packages register."""

from inspect import signature
from typing import Any

from subsetopt._entry_points import load_registered, registered
from subsetopt._registry import Registry, require_options
from subsetopt.errors import InvalidResult

from .base import Rule, RuleFunction

RULES = Registry(
    "rule",
    __package__,
    {
        "uniform": "_loss_rules:Uniform",
        "obftf": "_obftf:OBFTF",
        "obftf_exact": "_obftf:ExactOBFTF",
        "stride": "_loss_rules:StrideRule",
        "prob": "_weighted:Prob",
        "mink": "_loss_rules:MinK",
        "max_loss": "_loss_rules:MaxLoss",
        "selective_backprop": "_weighted:SelectiveBackprop",
        "ordered_sgd": "_loss_rules:OrderedSGD",
        "vector": "_vector:VectorMatching",
        "frank_wolfe": "_vector:FrankWolfeRule",
    },
    also="the name of an entry point in the group 'subsetopt.rules'",
)
"""Rules by name: the module in this package, and the class."""
GROUP = "subsetopt.rules"
"""The entry-point group through which other packages add rules."""


def rule(name: str | RuleFunction, **options: Any) -> Rule:
    """Return a rule with options of its own.

    Parameters
    ----------
    name : str or callable
        One of `RULES`, or the name of an entry point in the group ``subsetopt.rules``, which is a
        function or a subclass of `Rule`; or such a function itself: ``f(losses, k)`` for one row
        of losses, which returns k indices. It is given a torch.Generator and features (n, d) by
        keyword where it has parameters ``generator`` and ``features``.
    **options
        The fields of its class.

    Raises
    ------
    InvalidOption
        If no rule has the name, it has no such option, or the value is outside its domain.
    MissingDependency
        If it is of another package, which cannot be imported.
    InvalidResult
        If that registers what is no rule.

    Examples
    --------
    >>> import torch
    >>> pick = rule("max_loss")
    >>> pick(torch.tensor([0.5, 2.0, 0.1, 3.0]), 2)
    tensor([1, 3])
    >>> middle = rule(lambda losses, k: (losses - losses.mean()).abs().argsort()[:k])
    >>> middle(torch.tensor([0.5, 2.0, 0.1, 3.0]), 2)
    tensor([0, 1])
    """
    made: Rule
    if isinstance(name, str) and (name in RULES or name not in registered(GROUP)):
        made = RULES.create(name, **options)
        return made
    found = _registered(name) if isinstance(name, str) else name
    if isinstance(found, type) and issubclass(found, Rule):
        require_options(f"rule {found.name!r}", options, signature(found).parameters)
        return found(**options)
    from ._function_rules import FunctionRule

    called = name if isinstance(name, str) else getattr(name, "__name__", "function")
    require_options(f"rule {called!r}", options, ("seed", "check", "quotas"))
    made = FunctionRule(function=found, **options)
    made.name = called  # type: ignore[misc]
    return made


def _registered(name: str) -> Any:
    """Return the function or the class that another package registers."""
    found, origin = load_registered(registered(GROUP)[name], "rule")
    if not callable(found) or (isinstance(found, type) and not issubclass(found, Rule)):
        raise InvalidResult(f"{origin}, must be a function or a Rule class; got {found!r}")
    return found
