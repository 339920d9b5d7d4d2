"""Methods of training on a window: a rule, and where its losses come from."""

import re
from dataclasses import dataclass

from subsetopt.errors import InvalidOption
from subsetopt.torch.rules import RULES, rule

BASELINE, NONE, FULL = "uniform", "none", "full"
REFERENCES = (NONE, FULL)
"""No training, and training on every instance: what a budget lies between."""
DEFAULT = (
    "uniform,obftf,obftf@1,obftf@10,obftf@100,obftf+pass,selective_backprop,max_loss,max_loss@10,"
    "max_loss@100"
)
_FORM = re.compile(r"(\w+)(?:@(\d+)|(\+pass))?")


@dataclass(frozen=True)
class WindowMethod:
    """A way to choose k of each window.

    ``obftf`` chooses by the losses that were recorded when the window was served, by the model as
    it was then, before it was trained on the window. ``obftf@10`` is served by a deployed copy that
    lags: the copy is the model as it was 10 windows before, or at the start of the stream where
    that is later; the instances are those of the current window all the same. ``obftf+pass``
    chooses by a forward pass of its own right before each step. ``none`` and ``full`` train on
    nothing and on everything.
    """

    rule: str
    lag: int = 0
    own_pass: bool = False

    @classmethod
    def of(cls, text: str) -> "WindowMethod":
        """Read ``RULE``, ``RULE@LAG`` or ``RULE+pass``.

        Raises
        ------
        InvalidOption
            If it is none of them, or there is no such rule.
        """
        form = _FORM.fullmatch(text.strip())
        if form is None or form[1] not in (*RULES, *REFERENCES):
            raise InvalidOption(
                f"method must be RULE, RULE@LAG or RULE+pass, with a rule of "
                f"{', '.join((*REFERENCES, *RULES))}; got {text!r}"
            )
        made = cls(form[1], int(form[2] or 0), form[3] is not None)
        by_losses = made.rule not in REFERENCES and rule(made.rule).needs == "losses"
        if made != cls(made.rule) and not by_losses:
            raise InvalidOption(f"method is {text!r}, but {made.rule!r} looks at no losses")
        return made

    def __str__(self) -> str:
        return self.rule + (f"@{self.lag}" if self.lag else "") + ("+pass" * self.own_pass)
