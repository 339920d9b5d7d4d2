"""Student's t and the sign test, which intervals and verdicts stand on."""


def t_quantile(p: float, freedom: int) -> float:
    """Return the quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, p))


def t_test(statistic: float, freedom: int) -> float:
    """Return the two-sided probability of a t at least as far from 0."""
    from scipy.special import stdtr

    return float(2 * stdtr(freedom, -abs(statistic)))


def sign_test(ups: int, downs: int) -> float:
    """Return the two-sided probability of a split at least as uneven, were it a coin's."""
    from scipy.stats import binomtest

    return float(binomtest(ups, ups + downs).pvalue) if ups + downs else 1.0
