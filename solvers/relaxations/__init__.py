"""Relaxations, which give bounds, and the selections rounded from them."""
