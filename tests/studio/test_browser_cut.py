"""Masks cut by colours in a real browser: along strokes, and with the box beside Learn."""

import numpy as np
import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from spel.decide.segmentation import segmentation_of

from .conftest import add, stroke
from .person import needs_chromium

pytestmark = needs_chromium


def test_strokes_cut_a_mask_and_a_network_carries_the_cut(person):
    page, session = person.page, person.session
    session.do(add("image0", stroke("o", 1, [[20, 22], [20, 28]])))
    person.open("markers")
    page.click("#cut")
    person.until("document.querySelector('.toast')?.innerText.includes('blobs 0')")
    assert session.document.masks == {}
    page.keyboard.press("Shift+Digit0")
    person.draw((55, 10), (55, 60))
    page.click("#cut")
    person.until("document.querySelector('page-markers').shownMask")
    assert session.document.masks.keys() == {"image0"}
    page.keyboard.press("Control+z")
    person.until("!document.querySelector('page-markers').shownMask")
    assert session.document.masks == {}
    page.check("#cut-masks")
    page.click("#learn")
    person.settle()
    assert segmentation_of(session.document.entry("from strokes").network).cut
    person.go("detect")
    person.until("document.querySelector('page-detect').cut")
    shown = page.evaluate("[...document.querySelector('page-detect').cut.data]")
    rows, cols = np.mgrid[:64, :96]
    disc = (rows - 20) ** 2 + (cols - 25) ** 2 <= 81
    other = (rows - 40) ** 2 + (cols - 70) ** 2 <= 81
    assert (np.reshape(shown, (64, 96)) != (disc | other)).mean() < 0.03
    page.get_by_label("threshold").last.press("ArrowRight")  # another threshold, another cut
    person.until("document.querySelector('page-detect').decision.threshold !== undefined")
    person.settle()
    name = session.document.entry("from strokes")
    assert segmentation_of(name.network).threshold == name.decision.threshold
    person.go("markers")
    assert page.is_checked("#cut-masks")
