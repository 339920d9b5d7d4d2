"""The compiled functions: arrays in, arrays out, no Python objects."""
