"""Figures: what they show, and what they refuse."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import spel
from spel.errors import BackendMissingError, ParameterError, ShapeError

pytest.importorskip("matplotlib", reason="needs the extra plot")
from matplotlib.figure import Figure

IMAGE = np.random.default_rng(0).random((12, 16))
SOBEL = spel.KernelBank.from_array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], bias=-0.5)


def drawn(figure: Figure) -> Figure:
    """The figure, rendered: errors of matplotlib come out here."""
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    return figure


def test_figures_touch_no_global_state():
    before = "matplotlib.pyplot" in sys.modules
    drawn(spel.plot.adjacency(spel.Adjacency.disk(1)))
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_activations_show_the_image_and_every_step():
    net = spel.chain(edges=spel.Convolution(SOBEL), positive=spel.Activation("relu"))
    figure = drawn(spel.plot.activations(net, IMAGE))
    titles = [a.get_title(loc="left") for a in figure.axes if a.get_title(loc="left")]
    assert titles == ["image", "edges", "positive"]
    shown = figure.axes[2].images[0].get_array()
    np.testing.assert_array_equal(np.asarray(shown), net(IMAGE)[..., 0].astype(np.float64))


def test_activations_of_many_channels_and_of_volumes():
    bank = spel.KernelBank.random(spel.Adjacency.box(3), kernels=3, channels=1, seed=0)
    net = spel.chain(bank=spel.Convolution(bank))
    titles = [
        a.get_title(loc="left") for a in drawn(spel.plot.activations(net, IMAGE, channels=2)).axes
    ]
    assert "bank, channel 1 of 3" in titles
    assert "bank, channel 2 of 3" not in titles
    volume = spel.chain(spel.MaxPool(spel.Adjacency.ball(1)))
    drawn(spel.plot.activations(volume, np.zeros((3, 4, 5))))


def test_a_bank_shows_weights_and_leaves_other_cells_blank():
    figure = drawn(spel.plot.bank(spel.KernelBank.random(
        spel.Adjacency.disk(1), kernels=2, channels=3, seed=0)))  # fmt: skip
    shown = figure.axes[0].images[0].get_array()
    assert np.ma.getmaskarray(shown).sum() == 4
    drawn(spel.plot.bank(spel.KernelBank.gabor(orientations=4)))


def test_a_patch_cloud_counts_what_relu_keeps():
    figure = drawn(spel.plot.patch_cloud(IMAGE, SOBEL))
    kept = int((spel.ops.convolve(IMAGE, SOBEL) > 0).sum())
    words = [t.get_text() for t in figure.axes[0].get_legend().get_texts()]
    assert f"kept by ReLU: {kept:,}" in words
    assert f"set to 0: {IMAGE.size - kept:,}" in words


def test_along_the_normal_all_kept_points_lie_on_one_side():
    figure = drawn(spel.plot.patch_cloud(IMAGE, SOBEL))
    dropped, kept = (c.get_offsets()[:, 0] for c in figure.axes[0].collections)
    line = figure.axes[0].lines[0].get_xdata()
    assert line[0] == pytest.approx(line[1])
    assert line[0] == pytest.approx(0.5 / np.sqrt(12))
    assert dropped.max() <= line[0] + 1e-6
    assert kept.min() >= line[0] - 1e-6


@pytest.mark.parametrize("axes", ["principal", (0, 5), "kernel"])
def test_a_patch_cloud_takes_patches_and_directions(axes):
    patches = spel.ops.patches(IMAGE, SOBEL.adjacency).reshape(-1, 9)
    drawn(spel.plot.patch_cloud(patches, SOBEL, axes=axes, points=50))


def test_raw_components_show_the_hyperplanes_section():
    bank = spel.KernelBank.from_array([[1, 2]], bias=-3)
    figure = drawn(spel.plot.patch_cloud(np.array([[0.0, 0], [4, 4], [1, 3]]), bank, axes=(0, 1)))
    x, y = figure.axes[0].lines[0].get_data()
    np.testing.assert_allclose(np.asarray(x) + 2 * np.asarray(y), 3)


@pytest.mark.parametrize(
    "options", [{"kernel": 1}, {"axes": "diagonal"}, {"axes": (0, 9)}, {"axes": (1,)}]
)
def test_a_patch_cloud_refuses_what_does_not_exist(options):
    with pytest.raises(ParameterError):
        spel.plot.patch_cloud(IMAGE, SOBEL, **options)


def test_degenerate_clouds_are_drawn():
    zero = spel.KernelBank.from_array(np.zeros((3, 3)))
    drawn(spel.plot.patch_cloud(np.zeros((4, 4)), zero))
    drawn(spel.plot.patch_cloud(np.zeros((1, 1)), SOBEL, axes="principal"))


def test_batch_normalization_shows_both_means():
    batch = np.random.default_rng(0).normal(5, 2, (4, 3, 3, 2))
    after = spel.ops.batch_normalize(batch)
    figure = drawn(spel.plot.batch_normalization(batch, after))
    centers = [a.collections[1].get_offsets()[0] for a in figure.axes]
    np.testing.assert_allclose(centers[0], batch.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(centers[1], 0, atol=1e-5)
    drawn(spel.plot.batch_normalization(batch[..., :1], after[..., :1]))
    with pytest.raises(ShapeError, match="expected the same"):
        spel.plot.batch_normalization(batch, after[:1])


def test_an_adjacency_is_numbered_in_its_order():
    figure = drawn(spel.plot.adjacency(spel.Adjacency.cross(1)))
    cells = {t.get_text(): t.get_position() for t in figure.axes[0].texts}
    assert cells == {"0": (0, -1), "1": (-1, 0), "2": (0, 0), "3": (1, 0), "4": (0, 1)}
    assert len(drawn(spel.plot.adjacency(spel.Adjacency.ball(1))).axes) == 3


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(BackendMissingError, match=r'pip install "spel\[plot\]"'):
        spel.plot.adjacency(spel.Adjacency.disk(1))
