"""Mixed-integer solvers from elsewhere, each behind one adapter."""
