"""Images in a real browser: true numbers, contrast, channels, planes, matrices, large images."""

import numpy as np
import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from spel.studio import reduction
from spel.studio.sources import Source
from spel.studio.strokes import markers_of

from .conftest import blobs
from .person import needs_chromium, text

pytestmark = needs_chromium

DEEP = (blobs(5).astype(np.uint16) * 13 + 301)[:, :, [0, 1, 2, 0, 1]]
STACK = np.stack([np.full((40, 50, 1), 20 * i, np.uint8) for i in range(6)])
DRAWN = "document.querySelector('spel-stage')"


def zoom_to(person, row, col, zoom):
    person.page.evaluate(
        f"""() => {{ const s = {DRAWN}; s.view.set({zoom},
        s.clientWidth / 2 - {col} * {zoom}, s.clientHeight / 2 - {row} * {zoom}); }}"""
    )


@pytest.mark.parametrize(
    "person",
    [[Source("deep", "deep", lambda: DEEP), Source("stack", "stack", lambda: STACK)]],
    indirect=True,
)
def test_numbers_contrast_channels_planes_and_matrices(person):
    page = person.page
    person.open()
    page.select_option("#top select >> nth=1", "deep")
    page.click("[data-step=input] .card")
    person.until("document.querySelector('.contrast')")
    assert f"{DEEP[..., 0].min()} … {DEEP[..., 0].max()}" in text(person, "spel-editor")
    # The inspector and the picture have the numbers of the file, in every channel.
    person.click(20.5, 25.5)
    person.until("document.querySelectorAll('table.values output').length === 5")
    shown = page.locator("table.values output").all_inner_texts()
    assert [int(value) for value in shown] == DEEP[20, 25].tolist()
    page.get_by_label("Channel").select_option("3")
    zoom_to(person, 20, 25, 60)
    person.settle()
    person.until("document.querySelector('spel-viewer').plane?.data.length === 64 * 96")
    data = page.evaluate("[...document.querySelector('spel-viewer').plane.data]")
    np.testing.assert_array_equal(np.reshape(data, (64, 96)), DEEP[..., 3])
    # Contrast: what is at the limits is black and white.
    page.get_by_label("black").last.fill("1000")
    page.get_by_label("black").last.press("Enter")
    person.until("document.querySelector('spel-viewer').plane.low === 1000")
    page.get_by_role("button", name="as in the file").click()
    person.until(f"document.querySelector('spel-viewer').plane.low === {DEEP[..., 3].min()}")
    # Planes of a stack, cut in three directions.
    page.select_option("#top select >> nth=1", "stack")
    person.until("document.querySelectorAll('.plane').length === 6")
    page.get_by_role("button", name="plane 5").click()
    person.until("document.querySelector('spel-viewer').image?.cut[1] === 5")
    assert page.evaluate("document.querySelector('spel-viewer').plane.data[7]") == 100
    page.get_by_role("button", name="columns").click()
    person.until("document.querySelector('spel-viewer').image?.cut[0] === 2")
    assert page.evaluate("document.querySelector('spel-viewer').image.grid") == [6, 40, 1]
    # Three directions at once, linked: a place in one of the others chooses the plane.
    page.get_by_role("button", name="planes", exact=True).click()
    page.get_by_role("button", name="three views").click()
    person.until("document.querySelectorAll('spel-stage')[1]?.size[0] === 6")
    person.rest()
    page.mouse.click(*person.place(5.5, 20.5, "spel-stage:nth-of-type(2)"))
    person.until("document.querySelector('spel-viewer').image?.cut[1] === 5")
    assert page.evaluate("document.querySelector('spel-stage').cursor.join()").endswith("20")
    page.get_by_role("button", name="three views").click()
    person.until("document.querySelectorAll('spel-stage').length === 1")
    # J and R of the slide, in three clicks.
    page.click("#top button[title=Matrix]")
    page.click("text=Open with ReLU")
    person.until("document.querySelector('spel-viewer').plane?.data.length === 16")
    person.until("document.querySelector('spel-viewer').plane.low === 0")
    ends = "[...document.querySelector('spel-viewer').plane.data].slice(0, 4)"
    assert page.evaluate(ends) == [6, 1, 7, 0]
    page.click("[data-step=input] .card")
    person.until("document.querySelector('spel-viewer').plane?.low === -19")
    assert page.evaluate(ends) == [6, 1, 7, -9]
    person.click(0.5, 3.5)
    person.until("document.querySelector('table.values output')?.textContent === '−9'")


def test_a_large_image_is_seen_and_drawn_on_in_its_own_coordinates(person, monkeypatch):
    monkeypatch.setattr(reduction, "MAX_WORKED", 32 * 48)  # 64 x 96 pixels at 1/2
    page = person.page
    person.open()
    person.point(21.5, 17.5, "document.querySelector('.status').textContent.includes('1/2')")
    assert "row 21, column 17" in text(person, ".status")
    person.until("document.querySelector('spel-inspector .big-value output')")
    value = person.session.run("plate", "image0").activations["edges"][10, 8, 0]
    shown = float(text(person, ".big-value output").replace("−", "-"))
    assert shown == pytest.approx(float(value), rel=1e-3, abs=1e-4)
    # The window of 3 x 3 at 1/2 covers six pixels of the image.
    outline = page.evaluate("[...document.querySelector('spel-stage').outline]")
    assert outline == [18, 14, 24, 20]
    # Where the picture is shown large, the numbers of the file come: nothing reduced.
    page.click("[data-step=input] .card")
    zoom_to(person, 20, 25, 60)
    person.until("document.querySelector('spel-viewer').detail.shown !== ''")
    person.click(20.5, 25.5)
    person.until("document.querySelectorAll('table.values output').length === 3")
    numbers = page.locator("table.values output").all_inner_texts()
    assert [int(value) for value in numbers] == blobs(0)[20, 25].tolist()
    person.go("markers")
    person.draw((20, 20), (20, 30))
    page.keyboard.press("Shift+Digit0")
    person.draw((55, 8), (56, 50))
    (first, _) = person.session.document.strokes["image0"]
    assert first.points[0] == pytest.approx((20, 20), abs=0.3)
    marked = int(text(person, ".panel").split("pixels: ")[1].split()[0])
    pixels = markers_of(person.session.document.strokes["image0"], (64, 96)).points
    assert marked == pytest.approx(len(pixels), rel=0.1)
    page.click("#learn")
    page.wait_for_selector("text=Learned in")
    person.go("detect")
    person.until("document.querySelector('page-detect').detected?.count > 0")
    boxes = page.evaluate("document.querySelector('page-detect').detected.boxes")
    assert max(box[2] for box in boxes) > 48


def test_the_window_lies_on_what_the_step_reads_and_the_sum_grows(person):
    page = person.page
    person.open()
    page.get_by_role("button", name="beside its input").click()
    person.rest()
    person.click(20.5, 16.5, "spel-stage:last-of-type")
    person.until("document.querySelector('spel-viewer').beside.stage.colors?.kind === 'grey'")
    person.until("document.querySelectorAll('.three .number').length === 27")
    # A cell of the inspector is a spel of the grey picture, and the other way round.
    page.locator(".three .number").nth(5).hover()
    grown = "document.querySelector('.linked').textContent"
    person.until(f"{grown}.startsWith('(0, 1)')")
    person.hover(19.5, 15.5, f"{grown}.startsWith('(-1, -1)')")
    assert page.locator(".three .same").count() == 3
    grey = person.session.run("plate", "image0").activations["grey"][19:22, 15:18, 0]
    weights = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    page.get_by_role("button", name="Previous term").click()
    shown = page.inner_text(".linked").replace("−", "-")
    assert shown.startswith("(1, 1)")
    total = float((grey * weights).sum())
    assert float(shown.split("sum so far ")[1]) == pytest.approx(total, abs=1e-4)
    # Playing goes through all terms and stops.
    page.locator(".stage-tools input[type=range]").first.fill("12")
    page.get_by_role("button", name="play", exact=True).click()
    person.until(f"{grown}.startsWith('(0, 0)')")
    person.until(f"{grown}.startsWith('(1, 1)')")
    page.get_by_role("button", name="play", exact=True).wait_for()
