"""What a comparison is and what it has measured: plain data, and the folder that holds it."""

from .plan import Bound, CaseInfo, Entrant, Plan, Results, Session, Settings
from .rows import SCHEMA, Key, Row

__all__ = [
    "SCHEMA",
    "Bound",
    "CaseInfo",
    "Entrant",
    "Key",
    "Plan",
    "Results",
    "Row",
    "Session",
    "Settings",
]
