"""The methods of the paper, as its listing has them."""

from collections.abc import Mapping

PAPER = "One Backward from Ten Forward"
UNIFORM, OBFTF, PROX = "Uniform", "OBFTF", "OBFTF_prox"
PROB, SB, MAX = "Prob", "Selective-Backprop", "Max prob."
MINK_DRAWN, MINK_LOWEST = "MinK (listing)", "MinK (k lowest)"

RULES: Mapping[str, str] = {
    UNIFORM: "uniform",
    OBFTF: "obftf",
    PROX: "stride",
    PROB: "prob",
    MINK_DRAWN: "mink:reading=drawn",
    MINK_LOWEST: "mink",
    MAX: "max_loss",
    SB: "selective_backprop",
}
OTHERS = tuple(row for row in RULES if row not in (OBFTF, PROX))
"""What the paper compares its method with."""
READINGS = (
    "Two readings of MinK are run: the k lowest losses, as the text says, and the lowest one of k "
    "drawn, as the listing does.",
    "Uniform, Prob and Selective-Backprop choose exactly k samples here, by their probabilities; "
    "in the listing as many as chance keeps.",
    "OBFTF matches the mean of the batch; the listing aims at a draw around it.",
)
