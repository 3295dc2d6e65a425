"""Linear models: every solver of the package for least squares and for logistic regression.

`ridge_from_moments` is the one ridge regression. `fit_ridge` feeds it with weighted rows,
`separate_classes` and `ClassMoments` with labelled rows that arrive in portions, and
`leave_group_out` predicts each group without that group. `fit_kernel_ridge` is ridge
regression over a radial kernel, `fit_logistic` and `fit_softmax` are penalized logistic regression
of two and of several classes, and `fit_platt` calibrates scores. `ExactSum` and `ExactMoments` add
up portions that come in any order. Rows are plain arrays, without images.
"""

from spel.linear.calibration import fit_platt
from spel.linear.exact import ExactSum
from spel.linear.kernel import RadialKernel, fit_kernel_ridge, median_squared_distance
from spel.linear.logistic import fit_logistic, sigmoid
from spel.linear.portions import ExactMoments
from spel.linear.ridge import ClassMoments, LinearModel, ridge_from_moments
from spel.linear.softmax import fit_softmax
from spel.linear.weighted import (
    Moments,
    fit_ridge,
    fit_ridge_in_portions,
    leave_group_out,
    models_without_groups,
    root_of_covariance,
    separate_classes,
)

__all__ = [
    "ClassMoments",
    "ExactMoments",
    "ExactSum",
    "LinearModel",
    "Moments",
    "RadialKernel",
    "fit_kernel_ridge",
    "fit_logistic",
    "fit_platt",
    "fit_ridge",
    "fit_ridge_in_portions",
    "fit_softmax",
    "leave_group_out",
    "median_squared_distance",
    "models_without_groups",
    "ridge_from_moments",
    "root_of_covariance",
    "separate_classes",
    "sigmoid",
]
