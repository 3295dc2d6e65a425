"""A whole segmenter from strokes, on a scene made by hand, and by the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest

import spel
from spel.cli.main import run as program
from spel.core.markers import Markers
from spel.data import cells
from spel.decide import segment, segment_image, segmentation_of
from spel.errors import ParameterError
from spel.io.annotation.markers import write_markers
from spel.learning.segmenter import learn_segmenter, suggest_strokes
from spel.learning.sharp import sharp_saliency
from spel.metrics.instances import evaluate_instances, instance_overlaps
from spel.nn import Activation, Color, MaxPool, Unlearned, chain
from spel.ops.pool import max_pool


def run(arguments: list[str]) -> int:
    try:
        return program(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)


BOX = spel.Adjacency.box(3)


def field(seed: int, row: int, col: int) -> tuple[np.ndarray, np.ndarray]:
    """A blue field with an orange disk; grey dust that no stroke touches."""
    rng = np.random.default_rng(seed)
    image = rng.normal((90, 110, 180), 6, (80, 90, 3))
    r, c = np.mgrid[:80, :90]
    truth = (r - row) ** 2 + (c - col) ** 2 <= 81
    image[truth] = rng.normal((200, 140, 60), 6, (int(truth.sum()), 3))
    dust = (r - (row + 40) % 80) ** 2 + (c - (col + 45) % 90) ** 2 <= 60
    image[dust & ~truth] = 120
    return np.clip(image, 0, 255).astype(np.uint8), truth


def strokes(row: int, col: int) -> Markers:
    inside = [(row + i, col + j) for i in (0, 1) for j in range(-5, 6)]
    beside = [((row + 20) % 70, 5 + j) for j in range(20)]
    return Markers(inside + beside, [1] * 22 + [0] * 20, (80, 90))


def network():
    return chain(
        color=Color("labnorm2"),
        conv1=Unlearned(BOX, 8, per_stroke=2),
        relu1=Activation("relu"),
        pool1=MaxPool(BOX),
        conv2=Unlearned(BOX, 8, per_stroke=2),
        relu2=Activation("relu"),
        pool2=MaxPool(BOX),
    )


PLACES = [(30, 30), (40, 60)]


@pytest.fixture(scope="module")
def learned():
    images = [field(i, *place)[0] for i, place in enumerate(PLACES)]
    return learn_segmenter(network(), images, [strokes(*p) for p in PLACES])


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_numbers_that_are_not_finite_far_from_strokes_change_nothing(wrong, learned):
    images = [field(i, *place)[0].astype(np.float32) / 255 for i, place in enumerate(PLACES)]
    images[0][78, 88] = wrong  # no stroke is near
    found = learn_segmenter(network(), images, [strokes(*p) for p in PLACES]).network
    image = field(9, 50, 25)[0]
    mask = segment(found, image)
    assert (mask == segment(learned.network, image)).mean() > 0.999


def test_a_new_field_is_segmented(learned):
    image, truth = field(9, 50, 25)
    mask = segment(learned.network, image)
    assert 2 * (mask & truth).sum() / (mask.sum() + truth.sum()) > 0.9


def test_an_empty_field_gives_nothing(learned):
    image = np.random.default_rng(1).normal((90, 110, 180), 6, (80, 90, 3))
    assert not segment(learned.network, image.clip(0, 255).astype(np.uint8)).any()


def test_what_looks_alike_and_has_no_stroke_is_named(learned):
    image, _ = field(9, 50, 25)
    (sentence,) = suggest_strokes(
        learned.network, [image], [Markers([(0, 0)], [0], (80, 90))], names=["x"]
    )
    assert "image x: the component around (50, 25) looks like an object" in sentence
    images = [field(i, *place)[0] for i, place in enumerate(PLACES)]
    assert suggest_strokes(learned.network, images, [strokes(*place) for place in PLACES]) == ()


def test_a_saved_network_segments_alike(learned, tmp_path):
    image, _ = field(9, 50, 25)
    learned.network.save(tmp_path / "n.safetensors")
    again = spel.load(tmp_path / "n.safetensors")
    assert np.array_equal(segment(again, image), segment(learned.network, image))


@pytest.mark.parametrize("scales", [(1e-300, 1e300), (np.nan, np.nan), (2.0, 1.0), (0.0, 1.0)])
def test_scales_are_refused_before_anything_is_learned(scales):
    with pytest.raises(ParameterError, match="learn_segmenter: scales"):
        learn_segmenter(network(), [], [], scales=scales)


def test_names_of_classes_are_for_several():
    image, _ = field(1, 40, 40)
    with pytest.raises(ParameterError, match=r"class names \{7: 'egg'\}"):
        learn_segmenter(network(), [image], [strokes(40, 40)], class_names={7: "egg"})


def test_strokes_alike_are_refused():
    flat = np.full((80, 90, 3), 7, np.uint8)
    with pytest.raises(ParameterError):
        learn_segmenter(network(), [flat], [strokes(30, 30)])


def test_the_command_line_learns_and_segments(tmp_path, capsys):
    arch = {
        "nlayers": 1,
        "layer1": {
            "conv": {
                "kernel_size": [3, 3, 0],
                "dilation_rate": [1, 1, 0],
                "nkernels_per_marker": 2,
                "nkernels_per_image": 100,
                "noutput_channels": 8,
                "stride": 1,
            },
            "relu": True,
            "pooling": {"type": "max_pool", "size": [3, 3, 0], "stride": 1},
        },
    }
    (tmp_path / "arch.json").write_text(json.dumps(arch))
    for name in ("images", "markers"):
        (tmp_path / name).mkdir()
    for i, place in enumerate(PLACES):
        spel.write(tmp_path / "images" / f"f{i}.png", field(i, *place)[0])
        write_markers(tmp_path / "markers" / f"f{i}-seeds.txt", strokes(*place))
    file = tmp_path / "net.safetensors"
    code = run(
        [
            "learn",
            str(tmp_path / "arch.json"),
            "--images",
            str(tmp_path / "images"),
            "--markers",
            str(tmp_path / "markers"),
            "--out",
            str(file),
        ]
    )
    told = capsys.readouterr()
    assert code == 0
    assert file.is_file()
    assert "label 0 is background" in told.err
    assert run(["segment", str(file), str(tmp_path / "images"), "--out", str(tmp_path / "m")]) == 0
    mask = spel.read(tmp_path / "m" / "f0.png")
    assert set(np.unique(mask)) == {0, 255}
    assert mask.shape == (80, 90, 1)
    (tmp_path / "markers" / "f0-seeds.txt").write_text("1 9 9\n0 0 -1 1\n")
    assert (
        run(
            [
                "learn",
                str(tmp_path / "arch.json"),
                "--images",
                str(tmp_path / "images"),
                "--markers",
                str(tmp_path / "markers"),
                "--out",
                str(file),
            ]
        )
        == 3
    )
    assert "f0" in capsys.readouterr().err


def scene_with_strokes(seed: int, marked: int) -> tuple[np.ndarray, np.ndarray, Markers]:
    """A rendered scene of 9 cells, a stroke across each of the first ones, and one beside."""
    scene = cells(seed, size=(96, 96), count=9, radius=9, touching=0.4)
    points, labels = [], []
    for number in range(1, marked + 1):
        row, col = np.argwhere(scene.labels == number).mean(axis=0).astype(int)
        own = [(row, col + j) for j in range(-5, 6) if scene.labels[row, col + j] == number]
        points += own
        labels += [1] * len(own)
    far = np.argwhere(max_pool(scene.labels > 0, spel.Adjacency.box(9)) == 0)[::40]
    return (
        scene.image,
        scene.labels,
        Markers(points + far.tolist(), labels + [0] * len(far), (96, 96)),
    )


def test_several_objects_are_learned_from_strokes_on_some_of_them():
    image, truth, drawn = scene_with_strokes(3, marked=4)
    steps: list[str] = []
    learned = learn_segmenter(network(), [image], [drawn], on_step=steps.append)
    assert any(step.startswith("saliency as sharp as the image") for step in steps)
    model = segmentation_of(learned.network).objects
    assert model.multiple
    areas = np.bincount(truth.ravel())[1:]
    assert 0.9 * np.median(areas) < model.area < 1.1 * np.median(areas)
    image, truth, _ = scene_with_strokes(8, marked=0)
    found = segment_image(learned.network, image).instances.labels
    assert evaluate_instances([instance_overlaps(found, truth)]).f1 == 1
    one = learn_segmenter(network(), [image], [scene_with_strokes(8, 1)[2]], multiple=False)
    assert not segmentation_of(one.network).objects.multiple
    rough = learn_segmenter(network(), [image], [scene_with_strokes(8, 2)[2]], sharp=False)
    assert segmentation_of(rough.network).delineation is not None


def test_colours_that_unmarked_places_share_do_not_make_the_saliency(monkeypatch):
    """Where more of the marked images than allowed would hold something that is not marked."""
    image, _, drawn = scene_with_strokes(3, marked=4)
    rough = learn_segmenter(network(), [image], [drawn], sharp=False)
    monkeypatch.setattr("spel.learning.one_class.MORE_ALARMS", -1.5)
    steps: list[str] = []
    learned = learn_segmenter(network(), [image], [drawn], on_step=steps.append)
    assert "saliency not sharpened: by colours, unmarked places look like objects" in steps
    assert learned.network.fingerprint() == rough.network.fingerprint()
    assert segmentation_of(learned.network) == segmentation_of(rough.network)


def test_colours_that_confuse_the_strokes_do_not_make_the_saliency():
    """Objects and background have the same grey values; only their order differs."""
    truth = np.zeros((20, 20, 1), bool)
    truth[5:15, 5:15] = True
    stripes = np.broadcast_to(np.arange(20)[:, None, None] % 2, truth.shape).astype(np.float32)
    checks = (np.indices((20, 20)).sum(axis=0) % 2).astype(np.float32)[..., None]
    image = np.where(truth, checks, stripes)
    drawn = Markers.from_image(np.where(truth[..., 0], 1, 0))
    assert sharp_saliency([image], [truth.astype(np.float32)], [drawn]) is None
    grey = sharp_saliency([image + 3 * truth], [truth.astype(np.float32)], [drawn])
    assert grey is not None
