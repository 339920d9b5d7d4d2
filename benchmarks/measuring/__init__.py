"""How runs are measured: each in a process of its own, watched from outside."""

__all__: list[str] = []
