"""What a value has computed is no part of its fields, its copies or its pickles."""

from __future__ import annotations

import pickle
from dataclasses import fields

import numpy as np

from spel import Adjacency, Convolution, KernelBank, MaxPool, Window


def test_the_state_is_the_same_before_and_after_use() -> None:
    wide = Adjacency.rectangle(width=5, height=3)
    for value, use in [
        (wide, lambda v: (v.reach, v.runs, v.displacements_3d, v.is_symmetric)),
        (Window(wide, 2), lambda v: v.strides),
        (MaxPool(wide), lambda v: v(np.zeros((9, 9, 1)))),
        (Convolution(KernelBank.sobel("col")), lambda v: v(np.zeros((9, 9, 1)))),
    ]:
        fresh = pickle.dumps(value)
        use(value)
        assert set(vars(value)) == {field.name for field in fields(value)}
        assert pickle.dumps(value) == fresh
        assert pickle.dumps(pickle.loads(fresh)) == fresh
