"""Which losses to train on: one rule per file, made by name with `rule`."""

from .base import RULES, Rule, rule
from .checks import subset_size

__all__ = ["RULES", "Rule", "rule", "subset_size"]
