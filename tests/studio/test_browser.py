"""The page in a real browser, as a person uses it; and what must never happen in it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from spel.errors import ImageReadError
from spel.studio.sources import Source
from spel.studio.strokes import markers_of

from .conftest import blobs
from .person import needs_chromium, text

pytestmark = needs_chromium
PAGES = (
    *("images", "chain", "space", "markers", "kernels"),
    *("detect", "compare", "export", "lessons"),
)
NAUGHTY = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{1}}'


def test_open_inspect_edit_undo_reload(person):
    page = person.page
    person.open()
    assert page.url.endswith("/#chain")
    assert "t=" not in page.url
    assert "key=" not in page.url
    person.click(20.5, 16.5)
    page.wait_for_selector("spel-inspector .big-value output")
    value = person.session.run("plate", "image0").activations["edges"][20, 16, 0]
    shown = float(text(person, ".big-value output").replace("−", "-"))
    assert shown == pytest.approx(float(value), rel=1e-3, abs=1e-4)
    weight = page.locator(".weight").nth(5)
    weight.fill("4")
    weight.press("Enter")
    person.settle()
    assert person.session.document.entry("plate").network["edges"].bank.weights[0, 5, 0] == 4
    changed = person.session.run("plate", "image0").activations["edges"][20, 16, 0]
    person.until(
        "Math.abs(Number(document.querySelector('.big-value output')"
        f".textContent.replace('−', '-')) - {float(changed)}) < 0.01"
    )
    page.click("text=join")
    person.until("document.querySelector('.editor-head input').value === 'join'")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    person.until("document.querySelector('.editor-head input')?.value === 'join'")
    assert person.session.document.entry("plate").network["edges"].bank.weights[0, 5, 0] == 4
    page.keyboard.press("Control+z")
    person.settle()
    assert person.session.document.entry("plate").network["edges"].bank.weights[0, 5, 0] == 2
    page.keyboard.press("Control+Shift+z")
    person.settle()
    assert person.session.document.entry("plate").network["edges"].bank.weights[0, 5, 0] == 4


def test_steps_are_added_switched_off_and_removed(person):
    page = person.page
    person.open()
    page.get_by_role("button", name="Add a step after: positive").click()
    page.get_by_role("button", name="min pooling").click()
    person.settle()
    assert "min_pool" in person.session.document.entry("plate").network.names
    card = page.locator(".card-box", has_text="min_pool")
    card.hover()
    card.get_by_role("button", name="Switch off").click()
    person.settle()
    assert person.session.document.entry("plate").bypassed == {"min_pool"}
    card = page.locator(".card-box", has_text="min_pool")
    card.hover()
    card.get_by_role("button", name="Remove").click()
    person.settle()
    assert "min_pool" not in person.session.document.entry("plate").network.names


def test_draw_learn_drop_threshold_undo_reload_export(person, tmp_path):
    page = person.page
    person.open("markers")
    person.draw((20, 20), (20, 30))
    person.draw((40, 66), (41, 75))
    page.keyboard.press("Shift+Digit0")
    person.draw((6, 50), (6, 90))
    person.draw((55, 8), (56, 50))
    strokes = person.session.document.strokes["image0"]
    assert [s.label for s in strokes] == [1, 1, 0, 0]
    # What is seen is what is learned: the page's spels are the engine's.
    mine = page.evaluate("[...document.querySelector('page-markers').ink.labels]")
    theirs = markers_of(strokes, (64, 96)).image()
    np.testing.assert_array_equal(np.array(mine).reshape(64, 96), theirs)
    page.keyboard.press("Control+z")
    person.settle()
    assert len(person.session.document.strokes["image0"]) == 3
    page.keyboard.press("Control+Shift+z")
    page.click("#learn")
    page.wait_for_selector("text=Learned in")
    person.settle()
    person.go("kernels")
    page.wait_for_selector(".kernel-card")
    count = page.locator(".kernel-card").count()
    page.get_by_role("button", name="drop 1", exact=True).click()
    person.settle()
    person.until(f"document.querySelectorAll('.kernel-card').length === {count - 1}")
    person.go("detect")
    page.wait_for_selector(".count output")
    page.locator("#filter-area").fill("30")
    page.locator("#filter-area").press("Enter")
    person.settle()
    slider = page.locator("#threshold")
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    person.settle()
    person.until("document.querySelector('.count output').textContent === '2'")
    threshold = person.session.document.entry("from strokes").decision.threshold
    assert isinstance(threshold, float)
    person.click(20, 25)
    page.wait_for_selector("text=Its strongest pixel")
    person.settle()
    page.reload()
    page.wait_for_selector("html[data-ready]")
    person.until("document.querySelector('.count output')?.textContent === '2'")
    assert person.session.document.entry("from strokes").decision.threshold == threshold
    person.go("export")
    with page.expect_download() as caught:
        page.click("[data-export=network]")
    path = tmp_path / "out.safetensors"
    caught.value.save_as(path)
    from spel import load

    network = load(path)
    mine = person.session.document.entry("from strokes").network
    assert network.fingerprint() == mine.fingerprint()


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


def test_the_plane_follows_the_pointer_and_the_bias_the_plane(person):
    page = person.page
    person.open("space")
    person.until("document.querySelector('page-space').share !== undefined")
    before = page.evaluate("document.querySelector('page-space').share")
    box = page.locator("canvas.cloud").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 150, middle[1], steps=8)
    page.mouse.up()
    person.settle()
    page.wait_for_timeout(250)
    person.settle()
    bias = float(person.session.document.entry("plate").network["edges"].bank.bias[0])
    assert bias < 0
    assert page.evaluate("document.querySelector('page-space').share") < before
    page.keyboard.press("Control+z")
    person.settle()
    assert person.session.document.entry("plate").network["edges"].bank.bias[0] == 0


def test_code_and_compare_and_lessons(person):
    page = person.page
    person.open()
    page.get_by_role("button", name="Python of this view").click()
    assert "spel." in text(person, "dialog .code")
    page.keyboard.press("Escape")
    person.go("compare")
    page.wait_for_selector(".facts-table td")
    person.go("lessons")
    page.click("[data-lesson=plate]")
    page.wait_for_selector("spel-lesson")
    for _ in range(4):
        page.click("spel-lesson .primary")
        person.settle()
    assert person.session.document.entry("lesson").network["edges"].bank.bias[0] == -0.5
    page.get_by_role("button", name="Reveal").click()
    page.wait_for_selector(".lesson-result:has-text('The engine computes')")
    page.get_by_role("button", name="Leave the lesson").click()
    page.wait_for_selector("spel-lesson", state="detached")


def test_portuguese_dark_and_projector_have_all_their_words(person):
    page = person.page
    person.open()
    page.get_by_title("Português").click()
    page.wait_for_selector("html[lang=pt-BR]")
    for name, word in (("markers", "pincel"), ("detect", "limiar"), ("export", "Salvar")):
        person.go(name)
        page.wait_for_selector(f"main >> text={word}")
    page.get_by_role("button", name="Claro ou escuro").click()
    page.wait_for_selector("html[data-theme=dark]")
    page.keyboard.press("Shift+L")
    page.wait_for_selector("html[data-projector=on]")


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


# -- a redraw leaves the focus where it is ---------------------------------------------------------


def focused(person):
    return person.page.evaluate(
        "() => { const e = document.activeElement; return `${e.localName} "
        "${e.getAttribute('aria-label') ?? e.id ?? e.textContent}`; }"
    )


def test_focus_survives_every_action_of_the_chain(person):
    page = person.page
    person.open()
    add = page.get_by_role("button", name="Add a step after: positive")
    add.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="min pooling").focus()
    page.keyboard.press("Enter")
    person.settle()
    assert focused(person) == "button Add a step after: min_pool"
    switch = page.get_by_role("button", name="Switch off: min_pool")
    switch.focus()
    page.keyboard.press("Enter")
    person.settle()
    assert person.session.document.entry("plate").bypassed == {"min_pool"}
    assert focused(person) == "button Switch on: min_pool"
    remove = page.get_by_role("button", name="Remove: min_pool")
    remove.focus()
    page.keyboard.press("Enter")
    person.settle()
    assert "min_pool" not in person.session.document.entry("plate").network.names
    assert page.evaluate("document.activeElement.closest('spel-strip') !== null")


def test_focus_survives_tools_rules_and_networks(person):
    page = person.page
    person.open("markers")
    line = page.get_by_role("button", name="line", exact=True)
    line.focus()
    page.keyboard.press("Enter")
    assert line.get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.activeElement.textContent") == "line"
    person.go("detect")
    rule = page.get_by_role("button", name="p99")
    rule.focus()
    page.keyboard.press("Enter")
    person.settle()
    assert page.evaluate("document.activeElement.textContent") == "p99"
    person.go("export")
    new = page.get_by_role("button", name="edges", exact=True)
    new.focus()
    page.keyboard.press("Enter")
    person.settle()
    assert "edges" in person.session.document.networks
    assert page.evaluate("document.activeElement.textContent") == "edges"


def test_caret_and_text_survive_what_others_do(person):
    page = person.page
    person.open()
    name = page.locator(".editor-head input")
    name.click()
    name.press("End")
    page.keyboard.type("12")
    page.keyboard.press("ArrowLeft")
    person.session.do(
        {"do": "set_kernel", "network": "plate", "node": "edges", "kernel": 0, "bias": 0.5}
    )
    page.evaluate("import('/static/store.js').then((s) => s.emit('document', 'select'))")
    person.settle()
    assert name.input_value() == "edges12"
    assert page.evaluate("document.activeElement.selectionStart") == 6


def test_an_open_part_of_the_walk_stays_open(person):
    page = person.page
    person.open()
    person.click(20.5, 16.5)
    page.locator(".walk summary").first.click()
    page.wait_for_selector(".walk details[open] .arithmetic")
    person.click(30.5, 16.5)
    person.click(30.5, 17.5)
    assert page.locator(".walk details[open]").count() == 1


def test_values_that_were_refused_do_not_stay(person):
    page = person.page
    person.open()
    stride = page.locator("#field-stride")
    stride.fill("0")
    stride.press("Enter")
    page.wait_for_selector(".toast.error")
    person.settle()
    assert stride.input_value() == "1"
    stride.fill("")
    stride.press("Enter")
    page.wait_for_selector(".toast.error:has-text('Type a number')")
    assert stride.input_value() == "1"
    name = page.locator(".editor-head input")
    name.fill("")
    name.press("Enter")
    person.settle()
    assert name.input_value() == "edges"
    person.go("markers")
    field = page.get_by_label("name of class 1")
    field.fill("")
    field.press("Enter")
    person.settle()
    assert field.input_value() == "object"
    person.go("export")
    field = page.get_by_label("name", exact=True).first
    field.fill("")
    field.press("Enter")
    person.settle()
    assert field.input_value() == "plate"
    assert all("422" in line for line in person.said)
    person.said.clear()


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


# -- every screen shows the picture and reaches the editor -----------------------------------------


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


def test_learning_again_asks_before_it_replaces_chosen_kernels(person):
    page = person.page
    person.open("markers")
    person.draw((20, 20), (20, 30))
    person.draw((40, 66), (41, 75))
    page.keyboard.press("Shift+Digit0")
    person.draw((6, 50), (6, 90))
    page.click("#learn")
    page.wait_for_selector("text=Learned in")
    person.settle()

    def kernels(name):
        return len(person.session.document.entry("from strokes").network[name].bank)

    first, second = kernels("conv1"), kernels("conv2")
    person.go("kernels")
    page.get_by_role("button", name="drop 1", exact=True).click()
    person.settle()
    assert kernels("conv1") == first - 1
    page.click("#learn")
    page.click("dialog [data-choice=keep]")
    person.settle()
    person.until("document.querySelectorAll('.kernel-card').length > 0")
    assert (kernels("conv1"), kernels("conv2")) == (first - 1, second)
    page.click("#learn")
    page.keyboard.press("Escape")
    person.settle()
    assert kernels("conv1") == first - 1
    person.go("markers")
    page.click("#learn")
    page.click("dialog [data-choice=all]")
    person.settle()
    assert kernels("conv1") == first
    page.click("#learn")
    person.settle()
    assert page.locator("dialog").count() == 0


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
    page.get_by_role("button", name="Desligar: positive").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast.error:has-text('não responde')")
    page.unroute("**/api/**")
    person.settle()
    assert [line for line in person.said if "ERR_FAILED" not in line] == []
    person.said.clear()


def test_patch_space_of_a_kernel_with_two_entries(person):
    page = person.page
    person.session.do(
        {"do": "resize_kernels", "network": "plate", "node": "edges", "width": 2, "height": 1}
    )
    person.open("space")
    person.until("document.querySelector('page-space').share !== undefined")
    page.get_by_label("directions").select_option("entries")
    person.settle()
    person.until("document.querySelector('page-space').cloud?.length === 2")
    shown = page.evaluate("document.querySelector('page-space').cloud.names")
    assert shown == ["entry 0 0", "entry 1 0", "entry 1 0"]
    page.get_by_label("axis 1").fill("1")
    page.get_by_label("axis 1").press("Enter")
    person.settle()
    assert page.evaluate("document.querySelector('page-space').cloud.names[0]") == ("entry 1 0")


def test_two_fingers_zoom_and_draw_nothing(person):
    page = person.page
    person.open("markers")
    row, col = 32.0, 48.0
    x, y = person.place(row, col)
    before = page.evaluate("document.querySelector('spel-stage').view.zoom")
    touch = page.context.new_cdp_session(page)

    def send(kind, *points):
        places = [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    send("touchStart", (x - 40, y))
    send("touchStart", (x - 40, y), (x + 40, y))
    for spread in (60, 80):
        send("touchMove", (x - spread, y), (x + spread, y))
    send("touchEnd")
    person.settle()
    assert page.evaluate("document.querySelector('spel-stage').view.zoom") > 1.5 * before
    assert person.place(row, col) == pytest.approx([x, y], abs=1)
    assert person.session.document.strokes == {}
    send("touchStart", (x, y))
    send("touchMove", (x + 30, y))
    send("touchEnd")
    person.settle()
    assert len(person.session.document.strokes["image0"]) == 1
