"""Selection rules, created by name with `rule`."""

from ._candidates import subset_size
from .base import RULES, Rule, rule

__all__ = ["RULES", "Rule", "rule", "subset_size"]
