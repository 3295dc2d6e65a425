"""The reference library's own learned models, reproduced (reference: section 1.12 of the notes).

The oracle's forward run (`apply_layer`) is plain NumPy that shares nothing with the package.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spel
from spel.flim import clusters, samples, statistics
from spel.flim.consensus import unit
from spel.io.annotation.libift import read_arch, read_model
from spel.io.annotation.marker_folder import find_markers
from spel.linear.centres import distances

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="shared data are absent")


def marked(home: Path) -> tuple[list[str], list, list]:
    drawn = find_markers(home / "libift" / "markers")
    images = [spel.read(home / "images" / f"{name}.png") for name in drawn]
    return list(drawn), images, list(drawn.values())


def apply_layer(image, weights, bias, mean, size, pool):
    """Convolution filled with the mean, bias, ReLU, max-pooling without stride, in float64."""
    rows, cols, channels = image.shape
    reach, near = size // 2, pool // 2
    padded = np.empty((rows + 2 * reach, cols + 2 * reach, channels))
    padded[:] = mean
    padded[reach : reach + rows, reach : reach + cols] = image
    out = np.zeros((rows, cols, weights.shape[-1])) + bias
    for i in range(size * size):
        dy, dx = divmod(i, size)
        out += padded[dy : dy + rows, dx : dx + cols] @ weights[i]
    wide = np.full((rows + 2 * near, cols + 2 * near, out.shape[-1]), -np.inf)
    wide[near : near + rows, near : near + cols] = np.maximum(out, 0)
    return np.max(
        [wide[j : j + rows, i : i + cols] for j in range(pool) for i in range(pool)], axis=0
    )


@pytest.fixture(scope="module")
def parasites():
    return marked(DATA / "parasites")


@pytest.fixture(scope="module")
def published():
    home = DATA / "parasites" / "libift"
    return read_model(home / "model_bias", arch=home / "arch2d_seg.json")


def test_statistics_of_labnorm2(parasites):
    _, images, drawn = parasites
    known = statistics([spel.ops.labnorm2(image) for image in images], drawn)
    assert sum(map(len, drawn)) == 3064
    assert np.allclose(known.mean, (0.72763, 0.48157, 0.59445), atol=1e-5)
    assert np.allclose(known.deviation, (0.13085, 0.04144, 0.10361), atol=1e-5)


def test_the_first_layers_kernels_and_biases(parasites, published):
    names, images, drawn = parasites
    arch = read_arch(DATA / "parasites" / "libift" / "arch2d_seg.json")
    learned = spel.learn(arch, images, drawn, names=names, compat="libift")
    ours, theirs = learned["conv1"].bank, published["conv1"].bank
    for k in range(16):
        weights, golden = ours.weights[k], theirs.weights[k]
        assert np.abs(weights - golden).max() <= 1e-4 * np.abs(golden).max()
    assert np.abs(ours.bias - theirs.bias).max() <= 1e-4 * np.abs(theirs.bias).max()
    assert [p.image for p in ours.provenance] == [n for n in names for _ in range(2)]
    assert {p.label for p in ours.provenance} == {0, 1}


def test_the_second_layers_prototypes(parasites, published):
    """Real marker patches, of each marker two, and fixed points of Lloyd's iteration."""
    names, images, drawn = parasites
    ahead = published.upto("relu1")
    inputs = [spel.ops.max_pool(ahead(image), spel.Adjacency.box(3)) for image in images]
    known = statistics(inputs, drawn)
    area = published["conv2"].bank.adjacency
    found = samples(inputs, drawn, area, known, names=names, by_label=False)
    bank = published["conv2"].bank
    unfolded = (bank.weights * known.deviation).reshape(32, -1)
    assert np.abs(-(bank.weights.sum(axis=1) @ known.mean) - bank.bias).max() < 1e-4
    assert np.allclose(np.linalg.norm(unfolded, axis=1), 1, atol=1e-5)
    cosine = unfolded @ unit(found).patches.T
    assert cosine.max(axis=1).min() > 0.99999
    nearest = cosine.argmax(axis=1)
    fixed = 0
    for first, second in nearest.reshape(16, 2):
        rows = np.flatnonzero(
            (found.images == found.images[first]) & (found.strokes == found.strokes[first])
        )
        assert second in rows
        here = found.patches[rows]
        centres = found.patches[[first, second]]
        for _ in range(100):
            owner = distances(here, centres).argmin(axis=1)
            centres = np.array([here[owner == side].mean(axis=0) for side in (0, 1)])
        fixed += set(rows[distances(here, centres).argmin(axis=0)]) == {first, second}
    assert fixed >= 15
    assert len(clusters(found, 2)) == 32


def test_the_published_models_activations(parasites, published):
    """Forward run against plain float64; the bound is on values of up to some hundreds."""
    _, images, _ = parasites
    image = images[0]
    first, second = published["conv1"], published["conv2"]
    want = spel.ops.labnorm2(image).astype(np.float64)
    for layer, size in ((first, 7), (second, 7)):
        weights = layer.bank.weights.transpose(1, 2, 0).astype(np.float64)
        want = apply_layer(want, weights, layer.bank.bias, layer.border, size, 3)
        want = want[::2, ::2]
    got = published(image)
    assert got.shape == want.shape
    assert np.abs(got - want).max() <= 1e-4 * np.abs(want).max()


def test_the_citrus_model_is_a_transposed_pca():
    """Row j of the unit kernels holds the first 16 loadings of component j."""
    names, images, drawn = marked(DATA / "citrus")
    home = DATA / "citrus" / "libift"
    published = read_model(home / "model_bias_pca")["conv1"].bank
    arch = read_arch(home / "arch2d_class.json")
    first = arch.upto("conv1")
    known = statistics([spel.ops.labnorm2(image) for image in images], drawn)
    assert np.allclose(known.mean, (0.66052, 0.43126, 0.66787), atol=1e-5)
    theirs = (published.weights * known.deviation).reshape(16, 27)  # a kernel per row
    assert np.allclose(theirs @ theirs.T, np.eye(16), atol=1e-4)
    cosines = {}
    for compat in ("libift", None):
        bank = spel.learn(first, images, drawn, names=names, compat=compat)["conv1"].bank
        ours = (bank.weights * known.deviation).reshape(16, 27)
        assert np.allclose(ours @ ours.T, np.eye(16), atol=1e-4)
        # What feature j weighs in all kernels: under compat that is the start of component j.
        cosines[compat] = np.abs((ours * theirs).sum(axis=0)) / (
            np.linalg.norm(ours, axis=0) * np.linalg.norm(theirs, axis=0)
        )
    # Later components drift: the prototypes come from another random start of k-means.
    assert (cosines["libift"][:5] > 0.9).all()
    assert (cosines[None][:5] < 0.9).all()
