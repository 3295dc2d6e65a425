"""Linear models: every solver of the package for least squares and for logistic regression.

`fit_logistic` is penalized logistic regression. Rows and columns are plain arrays; this room knows
no image.
"""

from spel.linear.logistic import fit_logistic, sigmoid

__all__ = ["fit_logistic", "sigmoid"]
