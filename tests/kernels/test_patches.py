"""PARITY: turned patches and groups of like ones, native and reference."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings, strategies as st

from spel.kernels import native_patches, reference_turns
from spel.kernels.reference_groups import add_groups

EPS = float(np.finfo(np.float32).eps)
few = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@few
@given(
    size=st.tuples(st.integers(8, 60), st.integers(8, 60)),
    reach=st.integers(1, 15),
    step=st.integers(1, 8),
    count=st.sampled_from([1, 2, 8, 32]),
    power=st.sampled_from([1e-4, 0.01, 10.0]),
)
def test_groups_within_the_bound(
    isa: str, size: tuple[int, int], reach: int, step: int, count: int, power: float
) -> None:
    rng = np.random.default_rng(size[0])
    marks = rng.integers(0, 80, [-(-n // 3) for n in size]).repeat(3, 0).repeat(3, 1)
    marks = marks[: size[0], : size[1]].astype(np.float32)
    guide = (marks / 80 + 0.1 * rng.random(size)).astype(np.float32)
    source = rng.random(size, np.float32)
    rows = (0, 1 - (8 - size[0]) // step)
    options = {"reach": reach, "step": step, "count": count, "power": power, "rows": rows}
    outs = [np.zeros((2, *size), np.float32) for _ in range(2)]
    native_patches.add_groups(source, guide, marks, tuple(outs[0]), **options)
    add_groups(source, guide, marks, tuple(outs[1]), **options)
    got, meant = outs
    # Values of 0 to 1 and waves of unit norms: 8 + 3 + 5 roundings forth and back, of sums that
    # are at most 8 * 5.7 times as large as a value; the weights are sums of 2048 squares.
    np.testing.assert_allclose(got[1], meant[1], rtol=3000 * EPS)
    np.testing.assert_allclose(got[0] / got[1], meant[0] / meant[1], rtol=0, atol=1500 * EPS)


def test_turned_patches_are_gathered_and_added_as_they_are_meant() -> None:
    rng = np.random.default_rng(0)
    plane, means = rng.random((40, 50), np.float32), rng.random(300, np.float32)
    tables = np.stack([rng.permutation(25) // 5 * 50 + rng.permutation(25) % 5 for _ in range(8)])
    places, ways = rng.integers(0, 35 * 50 - 5, 300), rng.integers(0, 8, 300)
    outs = np.zeros((2, 300, 31), np.float32)
    sums = np.zeros((2, 40, 50), np.float32)
    for kernels, out, added in zip((native_patches, reference_turns), outs, sums):
        kernels.gather_turned(plane, places, ways, means, tables, out[:, 3:28])
        patches = np.ascontiguousarray(out[:, 3:28])
        kernels.add_turned(patches, places, ways, means, tables, added)
    assert np.array_equal(*outs)
    assert np.array_equal(*sums)
