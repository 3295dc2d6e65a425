"""Hostile names, broken images and a server that does not answer."""

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from spel.errors import ImageReadError
from spel.studio.sources import Source

from .conftest import blobs
from .person import needs_chromium

pytestmark = needs_chromium


NAUGHTY = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{1}}'


@pytest.mark.parametrize("person", [[Source("evil", NAUGHTY, lambda: blobs(3))]], indirect=True)
def test_names_are_text_and_never_a_page(person):
    page = person.page
    person.session.do(
        {
            "do": "set_classes",
            "classes": [
                {"label": 0, "name": NAUGHTY, "color": "#112233"},
                {"label": 1, "name": "b", "color": "#445566"},
            ],
        }
    )
    person.session.do({"do": "add_network", "name": NAUGHTY, "template": "edges"})
    person.session.set_view({"network": NAUGHTY, "image": "evil"})
    person.open()
    for name in ("chain", "space", "markers", "kernels", "detect", "compare", "export"):
        person.go(name)
        person.settle()
        assert page.locator("img[onerror], script:not([src])").count() == 0
    assert page.evaluate("document.querySelector('#top select').value") == NAUGHTY


def test_strokes_drawn_while_nobody_answers_are_saved_later(person):
    page = person.page
    person.open("markers")
    page.route("**/api/do", lambda route: route.abort())
    person.draw((20, 20), (20, 30))
    person.draw((40, 66), (41, 75))
    assert "image0" not in person.session.document.strokes
    assert page.evaluate("document.querySelector('page-markers').waiting.length") == 2
    page.unroute("**/api/do")
    person.until("document.querySelector('page-markers').waiting.length === 0")
    assert len(person.session.document.strokes["image0"]) == 2
    assert any("ERR_FAILED" in line for line in person.said)
    person.said.clear()


def broken():
    raise ImageReadError("open file: the file ends before the last row; download it again")


BROKEN = Source("broken", "torn.png", broken)


@pytest.mark.parametrize("person", [[BROKEN]], indirect=True)
def test_a_broken_image_is_named_marked_removed_and_stops_nothing(person):
    page = person.page
    pins = ["broken", "image0", "image1"]
    person.session.do({"do": "set_pins", "images": pins})
    person.open("kernels")
    page.wait_for_selector(".kernel-card")
    assert page.locator(".kernel-card").first.locator(".kernel-thumb").count() == 2
    pin = page.get_by_role("button", name="⚠ torn.png")
    assert "ends before the last row" in pin.get_attribute("title")
    assert page.locator("#notice p").count() == 0
    page.get_by_label("Image", exact=True).select_option("broken")
    page.wait_for_selector("#notice >> text=torn.png: the file ends before the last row")
    for name in ("chain", "space", "markers", "kernels", "detect", "compare", "export"):
        person.go(name)
        person.settle()
        assert page.locator("#notice p").count() == 1
    assert page.locator(".toast").count() == 0
    person.go("images")
    card = page.locator(".image-grid li.problem")
    assert card.locator(".small").inner_text().startswith("the file ends before")
    person.go("chain")
    person.settle()
    drawn = """[...document.querySelectorAll('spel-stage canvas, spel-strip canvas')].some(
        (c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v))"""
    assert not page.evaluate(drawn)
    page.click("#notice button")
    page.wait_for_selector("#notice p", state="detached")
    person.settle()
    assert "broken" not in person.session.image_ids()
    assert person.session.document.pins == ("image0", "image1")
    assert page.evaluate(drawn)
    page.keyboard.press("Control+z")
    person.settle()
    assert "broken" in person.session.image_ids()
    # The test's own reading of canvases warns, too.
    assert [s for s in person.said if "422" not in s and "getImageData" not in s] == []
    person.said.clear()


def test_a_server_that_is_gone_is_told_in_the_language_of_the_page(person):
    page = person.page
    person.open()
    page.get_by_title("Português").click()
    page.route("**/api/**", lambda route: route.abort())
    page.get_by_role("button", name="Desligar: positivos").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast.error:has-text('não responde')")
    page.unroute("**/api/**")
    person.settle()
    assert [line for line in person.said if "ERR_FAILED" not in line] == []
    person.said.clear()
