"""Mixed-integer solvers from elsewhere, each behind one adapter."""

__all__ = ["cbc", "cpsat", "highs", "scip"]
