"""Relaxations, which give bounds, and the selections rounded from them."""

__all__ = ["frank_wolfe", "lp_rounding"]
