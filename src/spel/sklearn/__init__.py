"""scikit-learn: images to feature vectors, and classifiers over them, as estimators.

They work in ``Pipeline``, ``GridSearchCV`` and joblib, and are stored in files of numbers without
code (`save`, `load`).

X is a batch of images, ``(n, rows, cols)`` or ``(n, rows, cols, channels)``. A table of n rows is
taken for n images of one row and one channel, unless the estimator's `image_shape` states another.
"""

from importlib.util import find_spec

from spel.errors import BackendMissingError

if find_spec("sklearn") is None:
    raise BackendMissingError(
        "classifiers need scikit-learn, which is not installed; try: pip install 'spel[sklearn]'"
    )

from spel.sklearn.classifier import ImageClassifier
from spel.sklearn.encoders import FlimEncoder, PatchEncoder
from spel.sklearn.heads import KernelHead, RidgeHead
from spel.sklearn.store import load, save
from spel.sklearn.transformers import FlattenImages, NetworkFeatures, PooledFeatures

__all__ = [
    "FlattenImages",
    "FlimEncoder",
    "ImageClassifier",
    "KernelHead",
    "NetworkFeatures",
    "PatchEncoder",
    "PooledFeatures",
    "RidgeHead",
    "load",
    "save",
]
