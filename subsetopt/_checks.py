"""Checks of arguments: each names the value, the limit and the fix."""


def is_number(value: object) -> bool:
    """Return whether an option holds a real number, which a truth value is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)
