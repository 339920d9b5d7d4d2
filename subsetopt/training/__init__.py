"""A training harness: tasks under a budget, with selection rules, and uniform beside them."""
