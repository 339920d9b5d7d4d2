"""Metrics as people read them: shares in per cent, other numbers with four digits."""

from subsetopt.report._number_format import ValueFormat

SHARES = ("accuracy", "dice", "iou", "mean_iou")
"""Metrics from 0 to 1."""


class Format(ValueFormat):
    """How the numbers of one metric are written."""

    def __init__(self, metric: str) -> None:
        super().__init__(is_share=metric in SHARES)
