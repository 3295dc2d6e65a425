"""Several threads: the same bits as one, in every kernel that shares its work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest

import spel
from spel import Adjacency
from spel.kernels import native, native_patches

WIDE = Adjacency.from_displacements([(-2, 3, -5), (1, 0, 4), (0, 70, 0), (0, 0, 1)])
ADJACENCIES = {
    "6": Adjacency.ball(1),
    "26": Adjacency.box(3, ndim=3),
    "none in a row": Adjacency.from_displacements([(0, 1, 0), (1, 0, 0)]),
    "wide": WIDE,
}


@pytest.mark.parametrize("share", [0.02, 0.35, 0.6, 1.0])
@pytest.mark.parametrize("name", ADJACENCIES)
def test_labels_do_not_depend_on_the_threads(name: str, share: float) -> None:
    mask = np.random.default_rng(3).random((7, 301, 257)) < share
    displacements = ADJACENCIES[name].displacements_3d
    one, count = native.label(mask, displacements, 1)
    for threads in (
        2,
        3,
        8,
    ):  # bands that end inside a plane, and one that is thinner than the reach
        labels, found = native.label(mask, displacements, threads)
        assert found == count
        assert np.array_equal(labels, one)


def test_labels_of_one_long_component() -> None:
    """A comb whose teeth meet in the last row only: all bands end up in one component."""
    mask = np.zeros((1, 1024, 513), dtype=bool)
    mask[..., ::2] = mask[:, -1] = True
    labels, count = native.label(mask, Adjacency.disk(1).displacements_3d, 4)
    assert count == 1
    assert np.array_equal(labels, mask.astype(np.int32))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_histogram_in_parts(dtype: npt.DTypeLike) -> None:
    values = np.arange(1_500_001, dtype=np.uint32).astype(dtype)
    assert np.array_equal(native.histogram(values, 5), native.histogram(values, 1))


def test_histogram_of_floats_in_parts() -> None:
    values = np.linspace(0, 1, 1_500_001, dtype=np.float32)
    edges = np.linspace(0, 1, 101)
    counts = native.histogram_in_bins(values, edges, 3)
    assert counts.sum() == values.size
    assert np.array_equal(counts, native.histogram_in_bins(values, edges, 1))


def test_patches_and_resized_images_do_not_depend_on_the_threads() -> None:
    image = np.random.default_rng(0).random((301, 257), dtype=np.float32)
    results = []
    for threads in (1, 2, 7):
        with spel.threads(threads):
            patches = spel.ops.patches(image, Adjacency.disk(3))
        small = native.resize(image, (3, 5, 250, 290), (240, 199), threads)
        results.append((patches.tobytes(), small.tobytes()))
    assert len(set(results)) == 1


def test_groups_do_not_depend_on_the_threads_or_the_parts() -> None:
    source, guide = np.random.default_rng(0).random((2, 203, 300), dtype=np.float32)
    marks = np.rint(guide * 80)
    options = {"reach": 15, "step": 4, "count": 8, "power": 0.01}
    results = []
    for threads, ends in ((1, [50]), (2, [50]), (9, [50]), (1, [16, 48, 50])):
        out = np.zeros((2, *source.shape), np.float32)
        for rows in zip([0, *ends], ends):
            native_patches.add_groups(
                source, guide, marks, tuple(out), rows=rows, threads=threads, **options
            )
        results.append(out.tobytes())
    assert len(set(results)) == 1


def test_more_parts_than_threads_wait_for_each_other() -> None:
    """Runs that start at once share the waiting threads, and each gets its own result."""
    images = [np.random.default_rng(n).random((300, 400), dtype=np.float32) for n in range(6)]
    box = Adjacency.box(9)
    expected = [spel.ops.mean_pool(image, box) for image in images]

    def pooled(number: int) -> bool:
        with spel.threads(6):
            got = spel.ops.mean_pool(images[number % 6], box)
        return np.array_equal(got, expected[number % 6])

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(pooled, range(120)))
