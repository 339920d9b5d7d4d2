"""An outcome as plain values, for JSON."""

from dataclasses import asdict
from math import isfinite
from typing import Any

from subsetopt.papers.measuring import Line
from subsetopt.papers.outcome import Outcome


def to_dict(outcome: Outcome) -> dict[str, Any]:
    """Return all numbers; None for those that are not finite, or not known."""
    own = outcome.experiment.sheet
    return {
        "experiment": outcome.experiment.name,
        "title": own.title,
        "paper": own.paper,
        "item": own.item,
        "scale": str(outcome.scale),
        "tests": outcome.measured.tests,
        "parts": [
            {
                "label": part.label,
                "baseline": part.baseline,
                "without": part.without or None,
                "cells": [_line(line) for line in outcome.measured.of(part.label)],
            }
            for part in outcome.measured.parts
        ],
        "claims": [
            {"text": text, "standing": str(finding.standing), "why": finding.why}
            for text, finding in outcome.findings
        ],
        "limits": list(outcome.limits),
    }


def _line(line: Line) -> dict[str, Any]:
    found, published = line.spread, line.published
    comparison = line.comparison
    return {
        "quantity": line.quantity.name,
        "better": line.quantity.better,
        "row": line.cell.row,
        "column": line.cell.column,
        "published": None if published is None else published._asdict(),
        "mean": found.mean,
        "std": found.std,
        "values": {str(seed): x if isfinite(x) else None for seed, x in line.values.items()},
        "comparison": comparison and {"verdict": str(comparison.verdict), **asdict(comparison)},
    }
