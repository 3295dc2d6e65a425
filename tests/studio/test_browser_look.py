"""Every screen shows the picture, every word is there, and axe finds nothing."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from .person import needs_chromium

pytestmark = needs_chromium


PAGES = (
    *("images", "chain", "space", "markers", "kernels"),
    *("detect", "compare", "export", "lessons"),
)


def test_portuguese_dark_and_projector_have_all_their_words(person):
    page = person.page
    person.open()
    page.get_by_title("Português").click()
    page.wait_for_selector("html[lang=pt-BR]")
    page.wait_for_selector("[data-step=edges] >> text=bordas")
    for name, word in (("markers", "pincel"), ("detect", "limiar"), ("export", "Salvar")):
        person.go(name)
        page.wait_for_selector(f"main >> text={word}")
    page.get_by_role("button", name="Claro ou escuro").click()
    page.wait_for_selector("html[data-theme=dark]")
    page.keyboard.press("Shift+L")
    page.wait_for_selector("html[data-projector=on]")


def test_every_word_is_there_in_both_languages():
    import spel.studio.web as web

    folder = Path(web.__file__).parent / "static"
    words = [json.loads((folder / "locales" / f"{n}.json").read_text()) for n in ("en", "pt-BR")]
    assert set(words[0]) == set(words[1])
    used = set()
    for path in folder.rglob("*.js"):
        used |= set(re.findall(r'\bt\("([^"]+)"', path.read_text()))
    assert used <= set(words[0])
    for one in words:
        assert all(value.strip() for value in one.values())


def test_a_kind_without_a_translation_shows_its_own_name(person):
    page = person.page
    person.open()
    kinds = page.evaluate("import('/static/store.js').then((s) => s.state.constants.kinds)")
    page.evaluate(
        "import('/static/store.js').then((s) => s.state.constants.kinds.push('local_contrast'))"
    )
    page.get_by_role("button", name="Add a step after: positive").click()
    shown = page.locator("dialog.menu b").all_inner_texts()
    assert len(shown) == len(kinds) + 1
    assert shown[-1] == "local contrast"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(person, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe here")
    person.page.emulate_media(color_scheme=theme)
    script = Path(axe.__file__).parent / "axe.min.js"
    person.open()
    person.click(20.5, 16.5)
    found = {}
    for name in PAGES:
        person.go(name)
        person.settle()
        # As a debugger would: the page's own policy lets no foreign script in.
        person.page.evaluate(script.read_text())
        told = person.page.evaluate("axe.run()")
        assert len(told["passes"]) > 10
        for rule in told["violations"]:
            found[f"{name}: {rule['id']}"] = [n["html"][:160] for n in rule["nodes"]][:3]
    assert found == {}


def box_of(person, selector):
    return person.page.locator(selector).first.bounding_box()


@pytest.mark.parametrize("projector", [False, True])
def test_the_wide_inspector_leaves_the_picture(person, projector):
    page = person.page
    person.open()
    if projector:
        page.keyboard.press("Shift+L")
    before = box_of(person, "spel-inspector")["width"]
    page.keyboard.press("i")
    person.settle()
    inspector, picture = box_of(person, "spel-inspector"), box_of(person, "spel-stage")
    assert inspector["width"] > max(before, 0.5 * 1280)
    assert picture["width"] > 300
    assert inspector["x"] > picture["x"] + picture["width"]
    page.keyboard.press("Escape")
    person.settle()
    assert box_of(person, "spel-inspector")["width"] == before


def test_the_editor_is_reached_in_lessons_and_in_projector_mode(person):
    page = person.page
    person.open("lessons")
    page.click("[data-lesson=plate]")
    page.wait_for_selector("spel-lesson")
    person.settle()
    for _ in range(2):
        page.click("spel-lesson .primary")
        person.settle()
    assert not page.locator("spel-editor").is_visible()
    page.get_by_role("button", name="Parameters of the step").click()
    bias = page.locator("#bias")
    assert bias.is_visible()
    bias.fill("0.25")
    bias.press("Enter")
    person.settle()
    assert person.session.document.entry("lesson").network["edges"].bank.bias[0] == 0.25
    page.get_by_role("button", name="Leave the lesson").click()
    page.keyboard.press("Shift+L")
    person.settle()
    assert page.locator("#bias").is_visible()
    page.set_viewport_size({"width": 1920, "height": 1080})
    person.settle()
    assert page.locator("#bias").is_visible()
    assert page.locator("spel-inspector").is_visible()


@pytest.mark.parametrize("size", [(390, 844), (640, 360)], ids=["phone", "200 % of 1280 x 720"])
def test_small_screens_show_the_picture(person, size):
    page = person.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    person.open()
    for name in ("chain", "space", "markers", "kernels", "detect", "compare", "export", "lessons"):
        person.go(name)
        person.settle()
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size[0], f"{name} is {wide} wide"
        if name in ("export", "lessons"):
            continue
        picture = box_of(person, "spel-stage")
        assert picture["width"] > 170, name
        assert picture["height"] > 120, name
    person.go("chain")
    picture = box_of(person, "spel-stage")
    assert picture["width"] > 300
    assert picture["height"] > 160
    page.get_by_role("button", name="Parameters of the step").click()
    page.locator("#bias").scroll_into_view_if_needed()
    assert page.locator("#bias").is_visible()
