"""Lessons: every step can be staged, and its answer computed from what is on the screen."""

import numpy as np
import pytest

from spel.studio.digits import CLASSES, EXAMPLES, digit, digits_network, least_squares
from spel.studio.lessons import lessons
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.sources import UNSEEN
from spel.studio.worksheets.stages import staged

SLIDES = {
    "images": ["images", "tensors"],
    "adjacency": ["adjacency"],
    "patches": ["patches", "kernels"],
    "convolution": ["convolution"],
    "activation": ["J", "R"],
    "perceptron": ["perceptron", "hyperplane"],
    "layer": ["layer"],
    "pooling": ["neighbours"],
    "stride": ["stride"],
    "normalization": ["linear", "divisive"],
    "batch": ["batch"],
    "plate": ["plate"],
    "flattening": ["flattening", "classification"],
    "strokes": ["stroke"],
}


def both(words):
    return {"en", "pt"} <= set(words) and all(words[name].strip() for name in ("en", "pt"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    made = Session((), tmp_path_factory.mktemp("lessons"))
    yield made
    made.close()


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson["id"])
def test_every_step_can_be_staged_and_answered(made, lesson):
    assert both(lesson["title"])
    assert both(lesson["about"])
    words = f"{lesson['title']['en']} {lesson['about']['en']}".lower()
    assert all(word.lower() in words for word in SLIDES[lesson["id"]])
    network = lesson.get("network", "lesson")
    for step in lesson["steps"]:
        image = step.get("image", lesson["image"])
        assert image in made.images
        commands = step.get("commands", [])
        template = step.get("template", lesson["template"])
        how = {"template": template, "commands": commands, "network": network}
        made.do({"do": "stage_lesson", **how})
        assert step["node"] in ("input", *made.document.entry(network).network.names)
        assert both(step["title"])
        assert both(step["text"])
        ask = step["ask"]
        assert both(ask["question"])
        if ask["kind"] == "choice":
            assert 0 <= ask["answer"] < len(ask["options"])
            for number, option in enumerate(ask["options"]):
                assert both(option)
                assert both(option["why"]) if number != ask["answer"] else "why" not in option
        else:
            assert np.isfinite(staged(made, lesson, step).answer(ask.get("of", "value")))


KNOWN = {
    ("images", 0): -9,
    ("images", 1): 360 * 540 * 3,
    ("adjacency", 0): 13,
    ("adjacency", 2): 6,
    ("patches", 1): 10,
    ("activation", 0): 0,
    ("activation", 1): 13,
    ("layer", 0): 360 * 540 * 4,
    ("stride", 0): 120,
    ("stride", 1): 178,
    ("flattening", 0): 360 * 540,
    ("flattening", 2): 10 * (7 * 7 * 4 + 1),
}


@pytest.mark.parametrize(("where", "value"), KNOWN.items(), ids=str)
def test_answers_by_hand(made, where, value):
    lesson = next(one for one in lessons() if one["id"] == where[0])
    step = lesson["steps"][where[1]]
    assert staged(made, lesson, step).answer(step["ask"]["of"]) == value


def test_layers_before_a_classifier_are_worth_more_than_pixels():
    network = digits_network()
    unseen = [(n, digit(n, UNSEEN + seed)) for n in range(10) for seed in range(1, 31)]
    truth = np.array([n for n, _ in unseen])
    shares = network(np.stack([image for _, image in unseen])).reshape(len(unseen), -1)
    assert (shares.argmax(1) == truth).mean() > 0.95
    assert network(digit(5, UNSEEN)).argmax() == 5

    def flat(images):
        return np.stack(images).reshape(len(images), -1) / 255

    numbers = np.repeat(np.arange(CLASSES), EXAMPLES)
    fitted = flat([digit(n, seed) for seed, n in enumerate(numbers)])
    weights, bias = least_squares(fitted, np.eye(CLASSES)[numbers])
    pixels = (flat([image for _, image in unseen]) @ weights + bias).argmax(1)
    assert (pixels == truth).mean() < (shares.argmax(1) == truth).mean() - 0.05


def test_a_lesson_never_replaces_a_network_of_the_user(made):
    for name in ("lesson", "lesson: strokes"):
        with pytest.raises(Refusal, match="that of the lessons"):
            made.do({"do": "add_network", "name": name, "template": "edges"})
    made.do({"do": "add_network", "name": "mine", "template": "edges"})
    with pytest.raises(Refusal, match="that of the lessons"):
        made.do({"do": "rename_network", "network": "mine", "name": "lesson"})
    before = {name: made.document.entry(name) for name in ("plate", "from strokes", "mine")}
    for lesson in lessons():
        for step in lesson["steps"]:
            staged(made, lesson, step)
    assert {name: made.document.entry(name) for name in before} == before


def test_lessons_work_beside_images_of_the_user(tmp_path):
    from .conftest import sources

    session = Session(sources(), tmp_path / "own")
    assert session.image_ids() == ("image0", "image1")
    assert session.load("lesson-matrix").values[0, 3, 0] == -9
    session.close()
