"""Several classes from strokes: labels of any kind, objects of each class, files and exports."""

from __future__ import annotations

import csv

import numpy as np
import pytest

import spel
from spel.cli.main import run as program
from spel.core.bank import KernelBank
from spel.core.markers import Markers
from spel.data import cells
from spel.decide import (
    ObjectClass,
    Segmentation,
    segment,
    segment_image,
    segmentation_of,
)
from spel.decide.mask_picture import picture_type
from spel.errors import FormatError, ParameterError, ShapeError
from spel.flim.class_decoder import class_labels, decoders_by_class
from spel.io.annotation.markers import write_markers
from spel.learning.segmenter import learn_segmenter
from spel.linear import fit_softmax
from spel.metrics.instances import evaluate_instances, instance_overlaps
from spel.metrics.segmentation import dice
from spel.nn import Activation, Color, Scale, Unlearned, chain
from spel.ops.pool import max_pool, min_pool


def run(arguments: list[str]) -> int:
    try:
        return program(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)


def network():
    box = spel.Adjacency.box(3)
    return chain(
        color=Color("labnorm2"),
        conv1=Unlearned(box, 8, per_stroke=1),
        relu1=Activation("relu"),
        conv2=Unlearned(box, 12, per_stroke=1),
        relu2=Activation("relu"),
    )


def scene(seed: int, labels: tuple[int, ...] = (0, 1, 2)):
    """A rendered scene of two kinds of cells, and strokes in the first few and on the paper."""
    made = cells(seed, size=(96, 96), count=10, kinds=2, radius=9, touching=0.3)
    drawn = np.full(made.labels.shape, -1)
    core = min_pool(made.labels > 0, spel.Adjacency.disk(3)) > 0
    for number in range(1, 8):
        rows, _ = np.nonzero(core & (made.labels == number))
        if len(rows):
            line = core & (made.labels == number)
            line[: int(np.median(rows))] = line[int(np.median(rows)) + 2 :] = False
            drawn[line] = labels[made.kinds[number - 1]]
    paper = max_pool(made.labels > 0, spel.Adjacency.disk(3)) == 0
    paper[np.arange(96) % 12 != 0] = False
    drawn[paper] = labels[0]
    return made, drawn


@pytest.fixture(scope="module")
def learned():
    scenes = [scene(seed) for seed in (1, 2)]
    markers = [Markers.from_image(drawn) for _, drawn in scenes]
    names = {1: "violet"}
    found = learn_segmenter(network(), [s.image for s, _ in scenes], markers, class_names=names)
    return found.network


# -- LITERAL -------------------------------------------------------------------------------------


def test_labels_are_the_users():
    drawn = Markers([(0, 0), (0, 1), (0, 2)], [9, 4, 2], (1, 3), background=4)
    assert class_labels([drawn]) == (4, 2, 9)
    none = Markers([(0, 0), (0, 1)], [3, 1], (1, 2), background=None)
    assert class_labels([none]) == (1, 3)
    with pytest.raises(ParameterError, match="the background labels 4, None; give"):
        class_labels([drawn, none])


def test_the_most_probable_class_or_undecided():
    how = Segmentation(
        classes=(ObjectClass(4, background=True), ObjectClass(2), ObjectClass(9, "spot")),
        undecided=0.5,
    )
    image = np.array([[[0.6, 0.2, 0.2], [0.1, 0.2, 0.7], [0.4, 0.3, 0.3], [0.1, 0.8, 0.1]]])
    found = segment_image(chain(Scale([1.0, 1.0, 1.0])), image, how)
    assert found.labels.tolist() == [[4, 9, -1, 2]]
    assert found.mask.tolist() == [[False, True, False, True]]
    assert found.instances.classes.tolist() == [2, 9]
    assert found.instances.names == ("2", "spot")
    assert found.instances.labels.tolist() == [[0, 2, 0, 1]]
    with pytest.raises(ShapeError, match="3 channels, one per class"):
        segment(chain(Scale([1.0, 1.0])), image[..., :2], how)


@pytest.mark.parametrize(
    "classes",
    [
        (ObjectClass(1),),
        (ObjectClass(1), ObjectClass(1)),
        (ObjectClass(0, background=True), ObjectClass(1, background=True)),
    ],
)
def test_classes_that_contradict_one_another_are_refused(classes):
    with pytest.raises(ParameterError):
        Segmentation(classes=classes)
    with pytest.raises(FormatError):
        Segmentation.from_dict({"classes": [{"label": 1}, {"title": "x"}]})


def test_published_decoders_take_one_class_against_the_rest():
    bank = KernelBank.sobel("col")
    with pytest.raises(ParameterError, match="uses no labels"):
        decoders_by_class("ts", bank, (0, 1))
    with pytest.raises(ParameterError, match="have no provenance"):
        decoders_by_class("lm", bank, (0, 1))


def test_classes_decoded_from_colours_keep_no_layer_that_nothing_reads():
    made, drawn = scene(3)
    steps: list[str] = []
    markers = [Markers.from_image(drawn)]
    found = learn_segmenter(network(), [made.image], markers, on_step=steps.append).network
    assert any(step.startswith("classes as sharp as the image") for step in steps)
    read = {name for node in found for name in node.inputs}
    assert set(found.names) - read == {found.output}
    again = learn_segmenter(network(), [made.image], markers, sharp=False).network
    assert "conv1" in again.names


# -- ORACLE --------------------------------------------------------------------------------------


def test_softmax_regression_equals_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 200)
    rows = rng.normal(size=(200, 4)) + np.eye(3, 4)[labels]
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    weights, bias = fit_softmax(rows, labels, np.full(200, 1 / 200), ridge=0.02)
    # scikit-learn minimizes C sum(loss) + |W|^2 / 2.
    peer = linear_model.LogisticRegression(C=1 / (200 * 0.02), tol=1e-10, max_iter=5000)
    peer.fit(rows, labels)
    ours = rows @ weights + bias
    theirs = peer.decision_function(rows)
    assert np.allclose(ours - ours.mean(1, keepdims=True), theirs, atol=2e-4)


# -- on rendered cells -----------------------------------------------------------------------------


def test_new_cells_have_the_right_class_and_are_counted(learned):
    made, _ = scene(7)
    found = segment_image(learned, made.image)
    for label in (0, 1, 2):
        assert dice(found.labels == label, made.classes == label) > 0.9
    instances = found.instances
    overlaps = instance_overlaps(
        instances.labels,
        made.labels,
        scores=instances.scores,
        classes=instances.classes,
        true_classes=made.kinds,
    )
    assert evaluate_instances([overlaps]).f1 > 0.8
    assert set(instances.names) <= {"violet", "2"}
    output = learned(made.image)
    assert output.shape == (96, 96, 3)
    assert np.allclose(output.sum(axis=-1), 1, atol=1e-5)


def test_the_file_holds_the_classes(learned, tmp_path):
    learned.save(tmp_path / "n.safetensors")
    again = spel.load(tmp_path / "n.safetensors")
    assert segmentation_of(again) == segmentation_of(learned)
    assert [one.title for one in segmentation_of(again).classes] == ["background", "violet", "2"]
    made, _ = scene(7)
    assert np.array_equal(
        segment_image(again, made.image).labels, segment_image(learned, made.image).labels
    )


def test_other_numbers_and_no_background_give_the_same_classes(learned):
    scenes = [scene(seed, labels=(7, 30, 5)) for seed in (1, 2)]
    markers = [Markers.from_image(drawn, background=None) for _, drawn in scenes]
    images = [made.image for made, _ in scenes]
    other = learn_segmenter(network(), images, markers, select="threshold", undecided=0.4).network
    made, _ = scene(7)
    labels = segment_image(other, made.image).labels
    expected = segment_image(learned, made.image).labels
    for own, label in ((7, 0), (30, 1), (5, 2)):
        assert dice(labels == own, expected == label) > 0.97
    with pytest.raises(ParameterError, match="label 9, which no stroke has"):
        learn_segmenter(network(), images, markers, class_names={9: "x"})


def refuses(said: str, drawn: np.ndarray, image: np.ndarray | None = None, **options: object):
    image = np.random.default_rng(0).random((8, 8, 3)) if image is None else image
    encoder = chain(conv=Unlearned(spel.Adjacency.box(3), 4), relu=Activation("relu"))
    with pytest.raises(ParameterError, match=said):
        learn_segmenter(encoder, [image], [Markers.from_image(drawn)], **options)


def test_wrong_input_of_classes_is_refused_by_name():
    drawn = np.full((8, 8), -1)
    drawn[0], drawn[3], drawn[6] = 0, 700, 65535
    refuses("no stroke has label 0, the background's", np.where(drawn == 0, -1, drawn))
    refuses("two labels have the name 'leaf'", drawn, class_names={700: "leaf", 65535: "leaf"})
    refuses("select 'size'; expected 'components'", drawn, select="size")
    holes = np.ones((8, 8, 3))
    holes[3, 2] = np.nan
    refuses(r"spel \(3, 2\) of image 0 is marked, and NaN", drawn, holes)
    beside = np.random.default_rng(0).random((8, 8, 3))
    beside[2, 4] = np.inf
    refuses(r"spel \(3, 3\) of image 0 is marked, and a number near it is NaN", drawn, beside)
    too_large = Segmentation(classes=(ObjectClass(0, background=True), ObjectClass(65535)))
    with pytest.raises(ParameterError, match="65535 stands for undecided; learn that class with"):
        picture_type(too_large)


@pytest.mark.parametrize("decoder", ["lm", "mb"])
def test_published_decoders_find_the_classes(decoder):
    made, drawn = scene(1)
    learner = {"select": "threshold", "decoder": decoder}
    found = learn_segmenter(network(), [made.image], [Markers.from_image(drawn)], **learner)
    labels = segment_image(found.network, made.image).labels
    assert np.mean(labels == made.classes) > 0.8


def test_onnx_gives_the_same_probabilities(learned, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    made, _ = scene(7)
    spel.to_onnx(learned, tmp_path / "n.onnx", images=[made.image], dtype="uint8")
    session = runtime.InferenceSession(str(tmp_path / "n.onnx"))
    output, labels = session.run(None, {session.get_inputs()[0].name: made.image[None]})
    assert output.shape == (1, 96, 96, 3)
    assert np.allclose(output[0], learned(made.image), atol=1e-4)
    assert (labels[0, ..., 0] == segment_image(learned, made.image).labels).mean() > 0.999


def test_one_class_and_options_of_several_are_refused():
    made, drawn = scene(1)
    one = Markers.from_image(np.where(drawn == 2, 1, drawn))
    with pytest.raises(ParameterError, match="for several classes"):
        learn_segmenter(network(), [made.image], [one], undecided=0.5)


def test_the_command_line_writes_labels_and_objects(learned, tmp_path, capsys):
    for name in ("images", "markers"):
        (tmp_path / name).mkdir()
    for seed in (1, 2):
        made, drawn = scene(seed)
        spel.write(tmp_path / "images" / f"c{seed}.png", made.image)
        write_markers(tmp_path / "markers" / f"c{seed}-markers.json", Markers.from_image(drawn))
    network().save(tmp_path / "arch.safetensors")
    net, images = tmp_path / "net.safetensors", tmp_path / "images"
    learn = ["learn", str(tmp_path / "arch.safetensors"), "--images", str(images), "--markers"]
    learn += [
        str(tmp_path / "markers"),
        "--out",
        str(net),
        "--class",
        "2=rust",
        "--undecided",
        ".3",
    ]
    assert run([*learn, "--report", str(tmp_path / "report.png")]) == 0
    assert "classes background, 1 (any number of objects" in capsys.readouterr().err
    out = ["--out", str(tmp_path / "masks"), "--save", "saliency,instances,csv,coco,geojson"]
    assert run(["segment", str(net), str(images), *out]) == 0
    assert set(np.unique(spel.read(tmp_path / "masks" / "c1.png"))) <= {0, 1, 2, 255}
    assert spel.read(tmp_path / "masks" / "c1.saliency.tif").shape == (96, 96, 3)
    with (tmp_path / "masks" / "c1.objects.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows} == {"1", "rust"}
    assert spel.read(tmp_path / "masks" / "c1.instances.tif").max() == len(rows)
    assert run([*learn[:-4], "--class", "two=rust"]) != 0
