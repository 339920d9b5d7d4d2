"""How runs are measured: each in a process of its own, watched from outside."""
