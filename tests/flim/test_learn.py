"""Learning: each step by hand, folding as a law, strides, provenance, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import spel
from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.errors import FormatError, NotLearnedError, ParameterError, ShapeError
from spel.flim import Samples, atrous, clusters, consensus, linear_decoder, samples, statistics
from spel.flim.cluster import prototypes
from spel.linear import fit_logistic
from spel.linear.centres import centres
from spel.nn import Activation, Convolution, MaxPool, Unlearned, chain

BOX = Adjacency.box(3)


def scene(seed: int = 0, size: tuple[int, int] = (40, 44)):
    """A noisy field with one bright square, strokes in it and beside it."""
    rng = np.random.default_rng(seed)
    image = rng.normal(0, 0.1, (*size, 3)).astype(np.float32)
    image[10:20, 12:24] += 1
    inside = [(r, c) for r in (14, 15) for c in range(14, 22)]
    beside = [(r, c) for r in (30, 31) for c in range(10, 20)]
    drawn = Markers(inside + beside, [1] * 16 + [0] * 20, size)
    return image, drawn


def two_blocks(stride: int = 1):
    return chain(
        conv1=Unlearned(BOX, 8, per_stroke=2),
        relu1=Activation("relu"),
        pool1=MaxPool(BOX, stride=stride),
        conv2=Unlearned(BOX, 6, per_stroke=2),
        relu2=Activation("relu"),
        pool2=MaxPool(BOX),
    )


def rows(values, strokes=None) -> Samples:
    values = np.asarray(values, dtype=float)
    n = len(values)
    ones = np.ones(n, dtype=np.int64)
    return Samples(
        values,
        ones,
        ones if strokes is None else np.asarray(strokes),
        np.zeros(n, dtype=np.int64),
        np.zeros((n, 2), dtype=np.int64),
        ("a",),
    )


# -- LITERAL -------------------------------------------------------------------------------------


def test_statistics_are_of_marked_spels_only_and_the_factor_is_added():
    image = np.array([[[1.0], [3.0], [99.0]]])
    known = statistics([image], [Markers([(0, 0), (0, 1)], [0, 1], (1, 3))], factor=0.5)
    assert known.mean.tolist() == [2.0]
    assert known.deviation.tolist() == [1.5]


def test_a_stroke_of_few_samples_keeps_them_all():
    assert clusters(rows([[1.0], [2.0]]), 5).patches.ravel().tolist() == [1, 2]


def test_prototypes_are_real_samples_in_their_order():
    found = rows([[9.0], [0.0], [1.1], [10.0], [0.5]], [1, 1, 1, 1, 1])
    assert clusters(found, 2).patches.ravel().tolist() in ([9.0, 0.5], [10.0, 0.5], [0.5, 10.0])


def test_consensus_keeps_all_if_they_fit_and_makes_them_unit():
    kept = consensus(rows([[3.0, 4.0], [0.0, 2.0]]), 2)
    assert np.allclose(kept.patches, [[0.6, 0.8], [0, 1]])


def test_pca_gives_components_and_the_transposed_one_does_not():
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    found = rows(rng.normal(size=(60, 4)) @ np.diag([9, 3, 1, 0.2]) @ turn + 0.3)
    found = replace(found, labels=np.arange(60))
    components = consensus(found, 2, reduce="pca")
    right = components.patches
    unit = found.patches / np.linalg.norm(found.patches, axis=1, keepdims=True)
    _values, vectors = np.linalg.eigh(np.cov(unit.T))
    for k in (0, 1):
        assert abs(right[k] @ vectors[:, -1 - k]) > 1 - 1e-9
        # A kernel has the label of what activates it most, not of what lies opposite.
        assert components.labels[k] == (unit @ right[k]).argmax()
    wrong = consensus(found, 2, reduce="pca", transposed_pca=True).patches
    assert np.allclose(wrong[0] @ wrong[1], 0, atol=1e-9)
    assert not np.allclose(np.abs(wrong), np.abs(right), atol=0.1)


def test_the_logistic_regression_of_two_points_is_known():
    weights, bias = fit_logistic(
        np.array([[0.0], [2.0]]), np.array([False, True]), np.array([0.5, 0.5]), ridge=0.1
    )
    assert bias == pytest.approx(-weights[0], abs=1e-6)
    # w = s / (1 + e^s) ... at the optimum of standardized x = -1, 1: ridge w = sigmoid(-w).
    assert 0.1 * weights[0] == pytest.approx(1 / (1 + np.exp(weights[0])), abs=1e-6)


def test_an_unlearned_network_says_what_to_do():
    with pytest.raises(NotLearnedError, match=r"spel\.learn"):
        two_blocks()(np.zeros((8, 8, 3)))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda i, m: ([i], []), ShapeError),
        (lambda i, m: ([], []), ShapeError),
        (lambda i, m: ([i[:-1]], [m]), FormatError),
        (lambda i, m: ([i[..., 0]], [m]), None),
        (lambda i, m: ([np.full_like(i, np.nan)], [m]), ParameterError),
        (lambda i, m: ([i], [m.only(np.zeros(len(m), bool))]), ParameterError),
        (lambda i, m: ([i, i[..., :2]], [m, m]), ShapeError),
    ],
)
def test_what_does_not_fit_is_refused(change, error):
    images, drawn = change(*scene())
    if error is None:
        spel.learn(two_blocks(), images, drawn)
        return
    with pytest.raises(error):
        spel.learn(two_blocks(), images, drawn)


def test_one_class_is_refused_by_the_decoder():
    image, drawn = scene()
    with pytest.raises(ParameterError, match="only objects marked"):
        linear_decoder([image], [drawn.only(drawn.is_object)])


# -- LAW -----------------------------------------------------------------------------------------


def test_folding_is_exact_at_the_border_too():
    """<I, W> + b with the mean outside equals <z, u> with zeros outside."""
    image, drawn = scene()
    net = spel.learn(chain(conv=Unlearned(BOX, 8, per_stroke=2)), [image], [drawn])
    layer = net["conv"]
    known = statistics([image], [drawn])
    standard = known.standardize(image)
    unfolded = layer.bank.weights.astype(float) * known.deviation
    want = spel.ops.convolve(standard, spel.KernelBank(BOX, unfolded))
    assert np.abs(net(image) - want).max() < 2e-3 * np.abs(want).max()


def test_every_kernel_is_the_patch_it_says_it_is():
    image, drawn = scene()
    net = spel.learn(chain(conv=Unlearned(BOX, 8, per_stroke=2)), [image], [drawn], names=["x"])
    bank = net["conv"].bank
    known = statistics([image], [drawn])
    taken = samples([image], [drawn], BOX, known)
    for kernel, origin in zip(bank.weights, bank.provenance, strict=True):
        row = np.flatnonzero((taken.points == origin.at).all(axis=1))[0]
        patch = taken.patches[row] / np.linalg.norm(taken.patches[row])
        assert np.allclose(kernel.reshape(-1), patch / np.tile(known.deviation, 9), rtol=1e-5)
        assert (origin.image, origin.label) == ("x", drawn.labels[row])


def test_the_same_seed_gives_the_same_bits_and_images_are_not_written():
    image, drawn = scene()
    before = image.copy()
    first = spel.learn(two_blocks(), [image], [drawn], seed=3)
    assert first.fingerprint() == spel.learn(two_blocks(), [image], [drawn], seed=3).fingerprint()
    assert np.array_equal(image, before)


def test_strides_become_dilations_while_learning():
    """The kernels of a strided network are those of its atrous form, and so are activations."""
    image, drawn = scene()
    strided = spel.learn(two_blocks(2), [image], [drawn])
    wide = atrous(strided)
    assert wide["conv2"].bank.adjacency == BOX.dilated(2)
    full, small = wide(image), strided(image)
    inner = (slice(4, -4), slice(4, -4))
    assert np.allclose(full[::2, ::2][inner], small[inner], atol=1e-4)
    patch_of = {p.at for p in strided["conv2"].bank.provenance}
    assert patch_of <= {tuple(p) for p in drawn.points.tolist()}


def test_only_unlearned_layers_are_learned():
    image, drawn = scene()
    once = spel.learn(two_blocks(), [image], [drawn])
    again = spel.learn(once.replace("conv2", Unlearned(BOX, 4, per_stroke=1)), [image], [drawn])
    assert again["conv1"] == once["conv1"]
    assert len(again["conv2"].bank) == 2
    with pytest.raises(ParameterError, match="nothing to learn"):
        spel.learn(once, [image], [drawn])


def test_points_give_as_many_kernels_in_every_layer():
    image, drawn = scene()
    net = spel.learn(two_blocks(), [image], [drawn], method="points")
    first, second = net["conv1"].bank, net["conv2"].bank
    assert [p.at for p in first.provenance] == [p.at for p in second.provenance]
    assert isinstance(net["conv2"], Convolution)
    assert net["conv2"].border == "zero"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_centres_are_fixed_points(count):
    values = np.random.default_rng(1).normal(size=(80, 3))
    found = centres(values, count, tolerance=0, iterations=500)
    owner = ((values[:, None] - found) ** 2).sum(-1).argmin(axis=1)
    again = np.array([values[owner == k].mean(axis=0) for k in range(count)])
    assert np.allclose(again, found)
    assert len(prototypes(values, count)) == count


# -- PARITY --------------------------------------------------------------------------------------


def test_the_decoder_is_scikit_learns_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 5)) * [1, 2, 3, 4, 5]
    target = values @ [1, -0.5, 0, 0.2, 0] + rng.normal(size=200) > 0.3
    weights = np.full(200, 1 / 200)
    ours, bias = fit_logistic(values, target, weights, ridge=0.05)
    scaled = (values - values.mean(0)) / values.std(0)
    other = LogisticRegression(C=1 / 0.05 / 200, tol=1e-10, max_iter=2000).fit(scaled, target)
    assert np.allclose(ours * values.std(0), other.coef_[0], atol=1e-4)
    assert bias + ours @ values.mean(0) == pytest.approx(other.intercept_[0], abs=1e-4)
