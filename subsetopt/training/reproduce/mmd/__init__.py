"""Deterministic mini-batch sequencing for training deep neural networks (Banerjee et al. 2021)."""
