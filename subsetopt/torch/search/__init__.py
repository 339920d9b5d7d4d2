"""The searches behind the rules: fixed shapes, batched, on the device of their input."""

__all__: list[str] = []
