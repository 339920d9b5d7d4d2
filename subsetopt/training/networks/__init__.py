"""Networks, created by name with `build_model`."""

from .building import MODELS, build_model

__all__ = ["MODELS", "build_model"]
