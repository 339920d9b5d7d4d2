"""A few rows that represent all of them, as an estimator."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import is_integer, require, require_integer
from subsetopt.errors import InvalidOption, InvalidProblem
from subsetopt.problems import Constraints, MMDSelection, Quota
from subsetopt.problems.scaling import Method
from subsetopt.solving import solve

from ._node_kernel import is_graph, node_kernel
from ._row_points import SKLEARN, is_dataset, is_frame, points_of, seed_of, taken

_base: Any = SKLEARN.load("base")
_validation: Any = SKLEARN.load("utils.validation")

__all__ = ["RepresentativeSampler"]


class RepresentativeSampler(_base.BaseEstimator):  # type: ignore[misc]
    """Choose rows whose distribution is as near to that of all rows as can be found.

    Parameters
    ----------
    n_samples : int or float
        Rows to choose, or their share in (0, 1).
    kernel, scale_columns
        As `subsetopt.MMDSelection` takes them.
    quotas : "proportional", int or mapping, optional
        Of the classes of `y`: as frequent as in all rows; at least so many of each; or how many of
        each class, by their labels. None does not look at `y`.
    solver : str
        As `subsetopt.solve` takes it.
    time_limit : float, optional
        Seconds for the search; None searches until the solver ends by itself.
    random_state : int, RandomState, Generator or None
        None draws from fresh entropy.

    Attributes
    ----------
    sample_indices_ : ndarray of int64 (k,)
        The chosen rows, ascending.
    mmd_ : float
        Root MMD of the chosen and all rows.
    solution_ : Solution
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where X has names of columns.

    Notes
    -----
    O(n^2 d) time and O(n^2) memory for the kernel matrix; `subsetopt.coreset` takes more rows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> sampler = RepresentativeSampler(n_samples=12, quotas="proportional", random_state=0)
    >>> few, classes = sampler.fit_resample(X, y)
    >>> few.shape, sorted(classes.tolist()).count(1)
    ((12, 4), 4)
    """

    def __init__(
        self,
        n_samples: float = 0.1,
        *,
        kernel: Any = "gaussian",
        scale_columns: Method = "std",
        quotas: Any = None,
        solver: str = "auto",
        time_limit: float | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_samples = n_samples
        self.kernel = kernel
        self.scale_columns = scale_columns
        self.quotas = quotas
        self.solver = solver
        self.time_limit = time_limit
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "RepresentativeSampler":
        """Choose rows.

        Parameters
        ----------
        X : array_like (n, d), data frame of pandas or polars, table of Arrow, Hugging Face data set
            With ``kernel="precomputed"`` the kernel matrix (n, n). A graph of networkx stands for
            its nodes, which the inverse of the regularised Laplacian compares.
        y : array_like (n,), optional
            Classes, for `quotas`.

        Raises
        ------
        InvalidOption, InvalidProblem
            Both of them are ValueError.
        """
        points, kernel = self._points(X), self.kernel
        if is_graph(X):
            kernel = "precomputed"
        n = len(points)
        k = self._count(n)
        problem = MMDSelection(
            points,
            k,
            kernel=kernel,
            scale_columns="none",
            constraints=self._constraints(y, n, k),
        )
        solution = solve(
            problem, self.solver, time_limit=self.time_limit, seed=seed_of(self.random_state)
        )
        if solution.indices is None or solution.objective is None:
            raise InvalidProblem(
                f"no {k} rows keep the quotas ({solution.termination}); ask for less"
            )
        self.solution_ = solution
        self.sample_indices_ = solution.indices
        # The objective is the squared MMD of the chosen and the rest.
        self.mmd_ = float(np.sqrt(max(solution.objective, 0.0)) * (n - k) / n)
        return self

    def fit_resample(self, X: Any, y: Any = None) -> Any:
        """Choose rows and return them, in the kind of X; with `y` also theirs, as a pair.

        Of a graph the nodes are returned, a list of their names.
        """
        rows = self.fit(X, y).sample_indices_
        return taken(X, rows) if y is None else (taken(X, rows), taken(y, rows))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # taken as the median
        tags.input_tags.sparse = True
        return tags

    def _points(self, X: Any) -> NDArray[np.float64]:
        if is_graph(X):
            own = isinstance(self.kernel, str) and self.kernel == "gaussian"
            what = "left out where X is a graph, whose nodes have a kernel of their own: hand the "
            what += "matrix of another with kernel='precomputed'"
            require("kernel", self.kernel, own, what)
            return node_kernel(X)
        if is_dataset(X):
            return points_of(X, self.scale_columns)
        if is_frame(X):
            _validation.validate_data(self, X, skip_check_array=True)
            return points_of(X, self.scale_columns)
        numbers = _validation.validate_data(
            self,
            X,
            accept_sparse="csr",
            dtype=np.float64,
            ensure_min_samples=2,
            ensure_all_finite="allow-nan",
        )
        if isinstance(self.kernel, str) and self.kernel == "precomputed":
            return np.asarray(numbers)
        return points_of(numbers, self.scale_columns)

    def _count(self, n: int) -> int:
        size = self.n_samples
        if is_integer(size):
            require_integer("n_samples", size, f"[1, {n - 1}]")
            return int(size)
        is_share = isinstance(size, float) and 0 < size < 1
        require("n_samples", size, is_share, f"an integer in [1, {n - 1}] or a share in (0, 1)")
        return min(n - 1, max(1, round(size * n)))

    def _constraints(self, y: Any, n: int, k: int) -> Constraints | None:
        if self.quotas is None:
            return None
        if y is None:
            raise InvalidOption("quotas are for the classes of y; hand y to fit, or leave them out")
        labels = np.asarray(y)
        _validation.check_consistent_length(np.empty(n), labels)
        if isinstance(self.quotas, str):
            require("quotas", self.quotas, self.quotas == "proportional",
                    "'proportional', an integer, or a mapping of classes to numbers")  # fmt: skip
            return Constraints(quotas=[Quota.proportional(labels, k)])
        if isinstance(self.quotas, dict):
            return Constraints(quotas=[Quota(labels, exactly=self.quotas)])
        return Constraints(quotas=[Quota(labels, at_least=self.quotas)])
