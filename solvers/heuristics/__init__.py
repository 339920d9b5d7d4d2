"""Heuristics: good selections fast, without a proof."""

__all__ = ["greedy", "herding", "random", "stride", "swap", "tabu"]
