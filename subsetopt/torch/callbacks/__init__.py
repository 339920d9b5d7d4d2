"""Selection inside the loops of trainers; each module loads its own framework."""
