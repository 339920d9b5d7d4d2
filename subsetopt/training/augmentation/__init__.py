"""Batches made more varied, on their own device: made by name with `augmentation`."""

from .base import KINDS, Augmentation, augmentation

__all__ = ["KINDS", "Augmentation", "augmentation"]
