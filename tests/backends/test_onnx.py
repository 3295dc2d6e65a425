"""ONNX files: checked before they exist, standard operators, clear words for what cannot run."""

import subprocess
import sys

import numpy as np
import pytest

from spel import Adjacency, FormatError, KernelBank, SpelError, UnsupportedLayerError, ops, zoo
from spel.data import street
from spel.decide.segmentation import UNDECIDED, ObjectClass, Segmentation
from spel.errors import ParameterError
from spel.nn import (
    Activation,
    Color,
    Convolution,
    Flatten,
    MaxPool,
    Softmax,
    Threshold,
    WeightedSum,
    chain,
)

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from spel.backends import onnx_export, onnx_run, to_onnx  # noqa: E402

DISK = Adjacency.disk(2)


def small():
    return chain(
        color=Color("rgb"),
        conv=Convolution(KernelBank.random(DISK, kernels=4, channels=3, seed=0)),
        relu=Activation(),
        pool=MaxPool(DISK, stride=2),
    )


def photo(seed=0, size=(20, 30)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8)


def test_the_plate_network_on_streets(tmp_path):
    net = zoo.get("plate-lecture")
    images = [street(seed).image for seed in (1, 2)]
    report = to_onnx(net, tmp_path / "plate.onnx", images=images, dtype="uint8")
    assert report.difference <= 1e-5
    assert report.images == 2
    assert "opset 18" in str(report)


def test_a_stated_threshold_is_part_of_the_graph():
    import onnxruntime

    net, image = zoo.get("plate-lecture"), street(1).image
    session = onnxruntime.InferenceSession(
        onnx_export.onnx_bytes(net, image.shape), providers=["CPUExecutionProvider"]
    )
    output, mask = session.run(None, {"image": image[None].astype(np.float32)})
    saliency = net(image)
    wanted = saliency > ops.threshold_value(saliency, net.meta["decision"]["threshold"])
    assert mask.shape == output.shape
    assert (mask[0] != wanted).mean() < 1e-4


def test_the_file_runs_without_anything_of_ours(tmp_path):
    net, image = small(), photo()
    to_onnx(net, tmp_path / "net.onnx", images=[image], dtype="uint8")
    np.save(tmp_path / "image.npy", image)
    code = (
        "import sys, numpy as np, onnxruntime as o;"
        "s = o.InferenceSession('net.onnx', providers=['CPUExecutionProvider']);"
        "x = np.load('image.npy');"
        "np.save('out.npy', s.run(None, {'image': np.stack([x, x])})[0]);"
        "assert not any(m.split('.')[0] == 'spel' for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-S", "-c", PATH + code], cwd=tmp_path, check=True)
    theirs = np.load(tmp_path / "out.npy")
    assert np.allclose(theirs[1], net(image), atol=1e-5)


PATH = f"import sys; sys.path[:0] = {[p for p in sys.path if 'site-packages' in p]!r};"


def test_only_standard_operators_of_the_stated_version():
    model = onnx.load_model_from_string(onnx_export.onnx_bytes(small(), (8, 8, 3)))
    assert [(o.domain, o.version) for o in model.opset_import] == [("", onnx_export.OPSET)]
    assert {node.domain for node in model.graph.node} == {""}
    assert {p.key for p in model.metadata_props} >= {"fingerprint", "spel"}
    sizes = [d.dim_param for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert sizes == ["batch", "rows", "cols", ""]


def test_nothing_is_written_when_the_numbers_differ(tmp_path):
    with pytest.raises(SpelError, match="not written"):
        to_onnx(small(), tmp_path / "net.onnx", images=[photo()], tolerance=-1.0)
    assert not list(tmp_path.iterdir())


def test_refusals_name_the_node(tmp_path):
    net = chain(small(), cut=Threshold("otsu"))
    with pytest.raises(UnsupportedLayerError) as told:
        to_onnx(net, tmp_path / "net.onnx", images=[photo()])
    assert "'cut'" in told.value.__notes__[0]
    assert not list(tmp_path.iterdir())


def test_settings_are_checked(tmp_path):
    with pytest.raises(ParameterError, match="give at least one"):
        to_onnx(small(), tmp_path / "a.onnx", images=[])
    with pytest.raises(ParameterError, match="uint16"):
        to_onnx(small(), tmp_path / "a.onnx", images=[photo()], dtype="uint16")
    with pytest.raises(ParameterError, match="int64"):
        to_onnx(small(), tmp_path / "a.onnx", images=[photo()], dtype="int64")


def test_a_file_for_a_newer_runtime_is_told_in_clear_words(tmp_path):
    model = onnx.load_model_from_string(onnx_export.onnx_bytes(small(), (8, 8, 3)))
    model.opset_import[0].version = 999
    path = tmp_path / "new.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(FormatError, match=r"opset 999.*update it"):
        onnx_run.open_onnx(path)
    path.write_bytes(b"\x00broken")
    with pytest.raises(FormatError, match="no ONNX model"):
        onnx_run.open_onnx(path)
    with pytest.raises(FormatError, match="cannot be read"):
        onnx_run.open_onnx(tmp_path / "none.onnx")


def test_feature_vectors_are_an_output_too(tmp_path):
    net = chain(small(), flat=Flatten())
    to_onnx(net, tmp_path / "net.onnx", images=[photo()])
    run = onnx_run.open_onnx(tmp_path / "net.onnx")
    assert np.allclose(run(photo()[None].astype(np.float32))[0], net(photo()), atol=1e-5)


def test_the_mask_of_a_batch_is_decided_image_by_image():
    net = chain(WeightedSum([1.0])).with_meta(decision={"threshold": "p99"})
    batch = np.random.default_rng(0).random((2, 40, 50, 1)).astype(np.float32)
    batch[1] *= 7
    session = onnxruntime.InferenceSession(
        onnx_export.onnx_bytes(net, batch.shape[1:]), providers=["CPUExecutionProvider"]
    )
    (mask,) = session.run(["mask"], {"image": batch})
    for one, image in zip(mask, batch):
        assert np.array_equal(one[..., 0], image[..., 0] > np.percentile(image, 99))


def answers(net, image, *names):
    session = onnxruntime.InferenceSession(
        onnx_export.onnx_bytes(net, image.shape), providers=["CPUExecutionProvider"]
    )
    known = [output.name for output in session.get_outputs()]
    return known, session.run(list(names), {"image": image[None].astype(np.float32)})


@pytest.mark.parametrize("undecided", [0.0, 0.5])
def test_the_labels_of_classes_are_those_of_the_segmentation(undecided):
    classes = (ObjectClass(0, background=True), ObjectClass(7, "cell"), ObjectClass(3))
    how = Segmentation(classes=classes, undecided=undecided)
    bank = KernelBank.random(Adjacency.box(3), kernels=3, channels=1, seed=0)
    net = chain(Convolution(bank), Softmax()).with_meta(segmentation=how.to_dict())
    image = np.random.default_rng(0).normal(size=(20, 30, 1)).astype(np.float32)
    known, (labels,) = answers(net, image, "labels")
    assert known == ["output", "labels"]
    assert labels.dtype == np.int64
    assert np.array_equal(labels[0, ..., 0], how.labels(net(image)))
    assert (UNDECIDED in labels) == (undecided > 0)


def test_a_segmentation_by_a_threshold_alone_is_a_mask():
    net = chain(WeightedSum([1.0]))
    image = np.random.default_rng(0).random((20, 30, 1)).astype(np.float32)
    for rule in (0.25, "p90"):
        how = Segmentation(threshold=rule)
        known, (mask,) = answers(net.with_meta(segmentation=how.to_dict()), image, "mask")
        assert np.array_equal(mask[0, ..., 0], how.mask(image))
    known, _ = answers(net.with_meta(segmentation=Segmentation().to_dict()), image, "output")
    assert known == ["output"]  # Otsu's threshold


@pytest.mark.parametrize("border", ["zero", "edge", "valid"])
def test_no_negative_padding_is_written(border):
    """Runtimes disagree on it: onnx's own reference evaluator refuses it."""
    away = Adjacency.from_displacements([(2, 0), (3, 1), (-1, -4), (-2, -6)])
    bank = KernelBank.random(away, kernels=2, channels=2, seed=0)
    pool = "valid" if border == "valid" else "inside"
    one_side = Adjacency.from_displacements([(2, 3), (3, 3)])
    net = chain(Convolution(bank, border=border), MaxPool(one_side, border=pool))
    image = np.random.default_rng(0).normal(size=(14, 16, 2)).astype(np.float32)
    model = onnx.load_model_from_string(onnx_export.onnx_bytes(net, image.shape))
    constants = {c.name: onnx.numpy_helper.to_array(c) for c in model.graph.initializer}
    for node in model.graph.node:
        for attribute in node.attribute:
            assert attribute.name != "pads" or min(attribute.ints) >= 0
        if node.op_type == "Pad":
            assert constants[node.input[1]].min() >= 0
    from onnx.reference import ReferenceEvaluator

    (theirs,) = ReferenceEvaluator(model).run(["output"], {"image": image[None]})
    assert np.allclose(theirs[0], net(image), atol=1e-5)


def test_what_lies_outside_a_maximum_is_finite():
    """A simplifier would merge a Pad by -inf into its MaxPool, which ONNX Runtime then refuses."""
    from onnx.numpy_helper import to_array

    model = onnx.load_from_string(
        onnx_export.onnx_bytes(chain(MaxPool(Adjacency.disk(4))), (9, 9, 1))
    )
    constants = {c.name: to_array(c) for c in model.graph.initializer}
    fills = [constants[n.input[2]] for n in model.graph.node if n.op_type == "Pad"]
    assert fills
    assert all(np.isfinite(fill) and fill < -3e38 for fill in fills)


def test_an_image_that_the_runtime_cannot_run_is_named(tmp_path):
    away = Adjacency.from_displacements([(-9, 0), (-7, 1)])
    net = chain(Convolution(KernelBank.random(away, kernels=2, seed=0), border="valid"))
    with pytest.raises(SpelError, match=r"shape \(9, 11, 1\).*larger image"):
        to_onnx(net, tmp_path / "net.onnx", images=[np.zeros((9, 11, 1), np.float32)])
