"""Selection rules, created by name with `rule`."""

from ._candidates import subset_size
from .base import RULES, Rule, RuleFunction, rule

__all__ = ["RULES", "Rule", "RuleFunction", "rule", "subset_size"]
