"""LAW: the boxes of an adjacency are the adjacency."""

from hypothesis import given, strategies as st

from spel.backends import geometry
from spel.testing.strategies import adjacencies


def members(box):
    axes = [range(lo, hi + 1, s) for lo, hi, s in zip(box.low, box.high, box.step)]
    spels = {()}
    for axis in axes:
        spels = {(*s, v) for s in spels for v in axis}
    return spels


@given(adjacency=st.one_of(adjacencies(), adjacencies(ndim=3, reach=2)))
def test_boxes_make_the_adjacency(adjacency):
    wanted = set(map(tuple, adjacency.displacements.tolist()))
    parts = [members(b) for b in geometry.partition(adjacency)]
    assert sum(map(len, parts)) == len(wanted)
    assert set().union(*parts) == wanted
    assert set().union(*[members(b) for b in geometry.cover(adjacency)]) == wanted
