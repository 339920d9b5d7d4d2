"""Selection inside the loops of trainers; each module loads its own framework."""

__all__ = ["huggingface", "lightning"]
