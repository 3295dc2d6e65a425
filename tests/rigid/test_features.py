"""Cells of crops: side by side in strips, with the bits of each crop alone."""

from __future__ import annotations

import numpy as np
import pytest

from spel.core.adjacency import Adjacency
from spel.nn import LinearNormalize, MaxPool, MeanPool, Network, chain
from spel.rigid.features import STRIP, cell_network, cells_of_crops
from spel.rigid.score import split_color

PAIRS = Adjacency.from_mask(np.ones((2, 2)), origin=(0, 0))
NETWORKS = {
    "edges": split_color(cell_network(block=5), "normalized")[1],
    "wider than high": chain(MaxPool(Adjacency.box(3)), MeanPool(PAIRS, stride=(2, 2))),
    "far": chain(MeanPool(PAIRS, stride=2), MaxPool(Adjacency.box(3).dilated((4, 4)))),
    "whole": chain(LinearNormalize(), MeanPool(PAIRS, stride=2)),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("count", [1, 3, STRIP, STRIP + 5])
def test_crops_side_by_side_have_the_cells_of_each_alone(name: str, count: int) -> None:
    network: Network = NETWORKS[name]
    side = 4 if name == "edges" else 2
    crops = np.random.default_rng(count).random((count, 13 * side, 14 * side), np.float32)
    made = cells_of_crops(network, iter(crops), (side, side), (4, 4), (5, 6))
    alone = np.concatenate([network(crop[None, ..., None]) for crop in crops])
    np.testing.assert_array_equal(made, alone[:, 4:9, 4:10])
