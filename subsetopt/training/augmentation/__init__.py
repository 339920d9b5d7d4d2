"""Augmentation of batches on their own device, created by name with `augmentation`."""

from .base import KINDS, Augmentation, augmentation

__all__ = ["KINDS", "Augmentation", "augmentation"]
