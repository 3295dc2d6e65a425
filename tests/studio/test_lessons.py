"""Lessons: every step can be staged, and its answer computed from what is on the screen."""

import numpy as np
import pytest

from spel.studio.lessons import lessons
from spel.studio.session import Session
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
        how = {"template": lesson["template"], "commands": commands, "network": network}
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
}


@pytest.mark.parametrize(("where", "value"), KNOWN.items(), ids=str)
def test_answers_by_hand(made, where, value):
    lesson = next(one for one in lessons() if one["id"] == where[0])
    step = lesson["steps"][where[1]]
    assert staged(made, lesson, step).answer(step["ask"]["of"]) == value


def test_lessons_work_beside_images_of_the_user(tmp_path):
    from .conftest import sources

    session = Session(sources(), tmp_path / "own")
    assert session.image_ids() == ("image0", "image1")
    assert session.load("lesson-matrix").values[0, 3, 0] == -9
    session.close()
