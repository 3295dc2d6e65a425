"""The laboratory in a real browser: boxes, classes, folders, many images, fingers."""

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from spel.studio import detectors
from spel.studio.document import Box

from .person import needs_chromium, text
from .test_boxes import SMALL

pytestmark = needs_chromium


def boxes(person):
    return person.session.document.truth["image0"]


def test_boxes_are_drawn_edited_and_learned_from(person, monkeypatch, tmp_path):
    monkeypatch.setattr(detectors, "RigidConfig", lambda: SMALL)
    page = person.page
    person.open("markers")
    page.keyboard.press("b")
    person.draw((50, 60), (60, 80))
    assert boxes(person)[2] == Box(60, 50, 80, 60)
    person.draw((55, 70), (58, 75))
    assert boxes(person)[2] == Box(65, 53, 85, 63)
    person.draw((63, 85), (60, 90))
    assert boxes(person)[2] == Box(65, 53, 90, 60)
    assert "19 × 19" in text(person, ".panel")
    page.keyboard.press("Delete")
    person.settle()
    assert len(boxes(person)) == 2
    page.keyboard.press("Control+z")
    person.settle()
    assert len(boxes(person)) == 3
    page.get_by_role("button", name="remove box 3").click()
    person.settle()
    with page.expect_download() as caught:
        page.get_by_role("button", name="save true boxes").click()
    assert caught.value.suggested_filename == "boxes.coco.json"
    page.click("#learn-boxes")
    person.until("document.querySelector('#top select').value === 'from boxes'", 60)
    person.go("detect")
    person.until("document.querySelector('page-detect').detected?.count > 0")
    assert "100 %" in text(person, ".facts")
    page.mouse.click(*person.place(20, 25))
    page.wait_for_selector("text=Why this box?")
    person.until("document.querySelector('.shares li')")
