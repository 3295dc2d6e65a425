"""scikit-learn's own checks of estimators, on every estimator of `spel.sklearn`."""

from __future__ import annotations

import warnings

from benchmarks.suites.count import Count


def count() -> Count:
    """Run `sklearn.utils.estimator_checks.check_estimator` on each estimator."""
    from sklearn.utils.estimator_checks import check_estimator

    import sklearn
    from spel import Activation, Adjacency, Convolution, KernelBank, chain
    from spel.sklearn import (
        FlattenImages,
        ImageClassifier,
        KernelHead,
        NetworkFeatures,
        PatchEncoder,
        PooledFeatures,
        RidgeHead,
    )

    weights = [[[1.0], [0.0], [0.0]], [[0.0], [1.0], [0.0]], [[0.0], [0.0], [1.0]]]
    row = KernelBank(Adjacency.rectangle(width=3, height=1), weights, [0.0] * 3)
    tiny = {"kernels": 4, "size": 1, "pool": 1, "stride": 1, "small": 0, "count": 300}
    estimators = [
        FlattenImages(),
        NetworkFeatures(chain(Convolution(row), Activation("abs"))),
        PooledFeatures(),
        PatchEncoder(**tiny, components=4),
        RidgeHead(),
        KernelHead(centres=30),
        ImageClassifier(FlattenImages()),
        ImageClassifier(PooledFeatures()),
    ]
    total = Count(f"scikit-learn {sklearn.__version__} estimator checks")
    for estimator in estimators:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = check_estimator(estimator, on_fail=None, on_skip=None)
        for result in results:
            name = f"{type(estimator).__name__}: {result['check_name']}"
            if result["status"] == "passed":
                total.equal += 1
            elif result["status"] == "skipped":
                total.other += 1
            else:
                total.different.append(f"{name}: {result['exception']}")
    return total
