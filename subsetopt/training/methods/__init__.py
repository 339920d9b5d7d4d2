"""Ways to spend a budget: which samples an epoch hands out, and what a step does with them."""

from .base import METHODS, Method, Step, method

__all__ = ["METHODS", "Method", "Step", "method"]
