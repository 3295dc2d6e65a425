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
    person.click(20, 25)
    page.wait_for_selector("text=Why this box?")
    person.until("document.querySelector('.shares li')")
    assert page.evaluate("document.querySelector('page-detect').decision") == {}
    page.get_by_label("boxes at most").fill("1")
    page.get_by_label("boxes at most").press("Enter")
    person.until("document.querySelector('page-detect').detected?.count === 1")
    assert person.session.document.entry("from boxes").decision.max_detections == 1
    page.select_option("#top select >> nth=0", "plate")  # another network has its own decision
    person.until("document.querySelector('page-detect').saliency")
    own = person.session.document.entry("plate").decision.to_dict()
    shown = page.evaluate("document.querySelector('page-detect').decision")
    assert shown["threshold"] == own["threshold"]


def test_images_are_dropped_removed_and_run_over(person, tmp_path):
    page = person.page
    person.open("images")
    person.until("document.querySelectorAll('.image-grid .thumb-frame canvas').length === 2")
    arch = '{"nlayers": 1, "stdev_factor": 0.01, "layer1": {"conv": {"kernel_size": [3, 3, 0], '
    arch += '"nkernels_per_marker": 2, "dilation_rate": [1, 1, 0], "nkernels_per_image": 8, '
    arch += '"noutput_channels": 8}, "relu": 1, "pooling": {"type": "no_pool", "size": [1, 1, 0], '
    arch += '"stride": 1}}}'
    page.evaluate(
        """([arch, seeds, mask]) => { const held = new DataTransfer();
        held.items.add(new File([arch], "small.json"));
        held.items.add(new File([seeds], "blobs 1-seeds.txt"));
        held.items.add(new File([mask], "blobs 1_mask.pgm"));
        dispatchEvent(new DragEvent("drop", { dataTransfer: held })); }""",
        [arch, "2 96 64\n3 4 1 1\n9 9 2 0\n", "P2 96 64 255 " + "255 " * 9 + "0 " * 6135],
    )
    person.until("document.querySelector('#top select').value === 'small'")
    person.settle()
    assert person.session.document.entry("small").network.names[1] == "conv1"
    assert len(person.session.document.strokes["image1"]) > 0
    assert person.session.document.masks.keys() == {"image1"}
    assert person.session.document.truth["image1"] == (Box(0, 0, 9, 1),)
    page.select_option("#top select >> nth=0", "plate")
    page.click("#run-folder")
    person.until("document.querySelectorAll('.image-grid .thumb-frame canvas').length === 4", 60)
    assert text(person, "#main").count("objects: ") == 2
    page.get_by_role("button", name="Remove this image from the session: blobs 1").first.click()
    person.settle()
    assert person.session.document.removed == ("image1",)


def test_learning_follows_the_strokes_and_undo_takes_back_both(person):
    page = person.page
    person.open("markers")
    page.get_by_label("live").check()
    person.draw((20, 20), (20, 30))
    assert person.session.undoable == "add_stroke"
    page.keyboard.press("Shift+Digit0")
    person.draw((55, 8), (56, 50))
    person.until("document.querySelector('#top select').value === 'from strokes'")
    person.settle()
    assert person.session.document.entry("from strokes").network.names[-1] == "saliency"
    page.keyboard.press("Control+z")
    person.settle()
    assert len(person.session.document.strokes["image0"]) == 1
    assert person.session.document.entry("from strokes").network.names[-1] == "pool2"


def test_what_a_step_lost_is_guessed_in_both_languages(person):
    page = person.page
    person.open("chain")
    page.click("[data-step=grey]")
    person.settle()
    page.get_by_role("button", name="guess what was lost").click()
    page.get_by_role("button", name="invert", exact=True).click()
    page.wait_for_selector("text=inverted: correlation with the image")
    page.get_by_title("Português").click()
    page.wait_for_selector("html[lang=pt-BR]")
    page.wait_for_selector("text=invertido: correlação com a imagem")
    page.get_by_role("button", name="supor o que se perdeu").click()  # the picture is made anew
    page.wait_for_selector("text=invertido: correlação com a imagem", state="detached")
    page.wait_for_selector("text=invertido: correlação com a imagem")
    guessed, alone = (task.result["likeness"] for task in person.session.tasks.all())
    assert guessed > alone
