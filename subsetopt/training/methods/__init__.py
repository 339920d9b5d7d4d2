"""Methods: how a budget is spent, by the samples of an epoch and within its steps."""

from .base import METHODS, Method, Step, method

__all__ = ["METHODS", "Method", "Step", "method"]
