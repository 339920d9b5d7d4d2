"""Student's t and the sign test, which intervals and verdicts stand on."""


def t_quantile(p: float, freedom: int) -> float:
    """Return the quantile of Student's t."""
    from scipy.stats import t

    return float(t.ppf(p, freedom))


def t_test(statistic: float, freedom: int) -> float:
    """Return the two-sided probability of a t at least as far from 0."""
    from scipy.stats import t

    return float(2 * t.sf(abs(statistic), freedom))


def sign_test(ups: int, downs: int) -> float:
    """Return the two-sided probability of a split at least as uneven, were it a coin's."""
    from scipy.stats import binomtest

    return float(binomtest(ups, ups + downs).pvalue) if ups + downs else 1.0
