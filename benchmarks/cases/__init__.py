"""The instances that solvers are compared on, each a `Case` with a name and a source."""

from .base import Case, Losses

__all__ = ["Case", "Losses"]
