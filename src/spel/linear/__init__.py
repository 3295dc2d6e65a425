"""Linear models: every solver of the package for least squares and for logistic regression.

`ridge_from_moments` is the one ridge regression, `ClassMoments` feeds it with labelled rows that
arrive in portions, `fit_kernel_ridge` is ridge regression over a radial kernel, and `fit_logistic`
is penalized logistic regression. Rows are plain arrays: this room knows no image.
"""

from spel.linear.kernel import RadialKernel, fit_kernel_ridge, median_squared_distance
from spel.linear.logistic import fit_logistic, sigmoid
from spel.linear.ridge import ClassMoments, LinearModel, ridge_from_moments

__all__ = [
    "ClassMoments",
    "LinearModel",
    "RadialKernel",
    "fit_kernel_ridge",
    "fit_logistic",
    "median_squared_distance",
    "ridge_from_moments",
    "sigmoid",
]
