"""Selection rules, created by name with `rule`."""

from ._candidates import subset_size
from ._rules_by_name import RULES, rule
from .base import Rule, RuleFunction

__all__ = ["RULES", "Rule", "RuleFunction", "rule", "subset_size"]
