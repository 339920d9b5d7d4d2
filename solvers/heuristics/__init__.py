"""Heuristics: good selections fast, without a proof."""
