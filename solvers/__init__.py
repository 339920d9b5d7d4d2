"""How to choose: one solver per file, loaded by name when it is asked for.

``heuristics`` give good answers fast, ``relaxations`` bounds, ``exact`` proofs; ``backends`` are
mixed-integer solvers from elsewhere. Each folder uses those before it in the order heuristics,
backends, relaxations, exact. `catalogue` lists them all.
"""

__all__ = ["backends", "base", "bounds", "catalogue", "exact", "heuristics", "relaxations"]
