"""The rendered volume: what is said about it is true of its voxels."""

from __future__ import annotations

import numpy as np
import pytest

from spel.data import volume
from spel.errors import ParameterError


def test_cells_are_bright_and_as_large_as_stated() -> None:
    scene = volume(2, size=(24, 64, 64), count=8, radius=5, spacing=(1.5, 0.5, 0.5), noise=0)
    assert set(np.unique(scene.image[scene.labels > 0])) == {153}  # 0.6 of 255
    assert set(np.unique(scene.image[scene.labels == 0])) == {64}
    sizes = np.bincount(scene.labels.ravel())[1:] * np.prod(scene.spacing)
    # The axes of an ellipsoid are 0.8 to 1.2 radii, so its volume is at most 1.2^3 of the ball's.
    assert 0 < sizes.max() <= 1.05 * 4 / 3 * np.pi * (1.2 * 5) ** 3


def test_the_same_seed_gives_the_same_volume() -> None:
    one, same, other = (volume(seed, size=(8, 32, 32), count=4) for seed in (1, 1, 2))
    assert np.array_equal(one.image, same.image)
    assert not np.array_equal(one.labels, other.labels)
    with pytest.raises(ParameterError, match="above 0"):
        volume(1, spacing=(0, 1, 1))
