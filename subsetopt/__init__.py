"""Exact and certified subset selection: choose k of n.

Names are loaded when they are first used, so that an import costs only what is used of it.
"""

from typing import TYPE_CHECKING

from ._registry import exports
from ._version import __version__ as __version__

if TYPE_CHECKING:  # the same names once more, for type checkers and editors
    from ._marginals import Marginal as Marginal
    from ._marginals import marginals as marginals
    from ._parted_selection import PartedSelection as PartedSelection
    from ._parted_selection import select_parts as select_parts
    from .coresets import Coreset as Coreset
    from .coresets import coreset as coreset
    from .errors import InvalidFile as InvalidFile
    from .errors import InvalidOption as InvalidOption
    from .errors import InvalidProblem as InvalidProblem
    from .errors import InvalidResult as InvalidResult
    from .errors import InvalidSelection as InvalidSelection
    from .errors import MissingDependency as MissingDependency
    from .errors import SubsetOptError as SubsetOptError
    from .errors import TooLarge as TooLarge
    from .errors import UnknownSolver as UnknownSolver
    from .errors import UnscaledColumns as UnscaledColumns
    from .errors import UnsupportedProblem as UnsupportedProblem
    from .formats import read_problem as read_problem
    from .problems import Constraints as Constraints
    from .problems import Gaussian as Gaussian
    from .problems import Laplace as Laplace
    from .problems import Linear as Linear
    from .problems import MeanEmbedding as MeanEmbedding
    from .problems import MeanMatching as MeanMatching
    from .problems import MMDSelection as MMDSelection
    from .problems import Polynomial as Polynomial
    from .problems import QuadraticSelection as QuadraticSelection
    from .problems import Quota as Quota
    from .problems import scale_columns as scale_columns
    from .selecting import select as select
    from .sequencing import MiniBatchSequence as MiniBatchSequence
    from .sequencing import Partition as Partition
    from .sequencing import partition as partition
    from .sequencing import sequence as sequence
    from .solution import Certificate as Certificate
    from .solution import CertificateKind as CertificateKind
    from .solution import Solution as Solution
    from .solution import Stats as Stats
    from .solution import Termination as Termination
    from .solvers.catalogue import available_solvers as available_solvers
    from .solving import solve as solve
    from .solving import solve_many as solve_many
    from .solving import solver as solver
    from .verify import VerificationFailed as VerificationFailed
    from .verify import VerificationReport as VerificationReport
    from .verify import verify as verify
    from .verify import verify_proof as verify_proof

__all__, __getattr__, __dir__ = exports(
    __name__,
    {
        "coresets": "Coreset coreset",
        "errors": (
            "InvalidFile InvalidOption InvalidProblem InvalidResult InvalidSelection "
            "MissingDependency SubsetOptError TooLarge UnknownSolver UnscaledColumns "
            "UnsupportedProblem"
        ),
        "formats": "read_problem",
        "limits": "",
        "_marginals": "Marginal marginals",
        "models": "",
        "_parted_selection": "PartedSelection select_parts",
        "problems": (
            "Constraints Gaussian Laplace Linear MMDSelection MeanEmbedding MeanMatching "
            "Polynomial QuadraticSelection Quota scale_columns"
        ),
        "selecting": "select",
        "sequencing": "MiniBatchSequence Partition partition sequence",
        "solution": "Certificate CertificateKind Solution Stats Termination",
        "solvers.catalogue": "available_solvers",
        "solving": "solve solve_many solver",
        "verify": "VerificationFailed VerificationReport verify verify_proof",
    },
)
