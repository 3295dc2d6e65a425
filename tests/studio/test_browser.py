"""The page in a real browser, as a person uses it."""

import numpy as np
import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from spel.studio.strokes import markers_of

from .person import needs_chromium, text

pytestmark = needs_chromium


def test_open_inspect_edit_undo_reload(person):
    page = person.page
    person.open()
    assert page.url.endswith("/#chain")
    assert "t=" not in page.url
    assert "key=" not in page.url
    person.point(20.5, 16.5, "!!document.querySelector('spel-inspector .big-value output')")
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


def test_toys_show_their_patches_as_they_are(person):
    person.open("space")
    for name, dims in (("two spels", 2), ("R, G, B", 3)):
        person.page.get_by_role("button", name=name).click()
        person.until(f"document.querySelector('page-space').cloud?.length === {dims}")
        person.settle()
        options = person.page.evaluate("document.querySelector('page-space').options")
        assert (options["directions"], options["dims"]) == ("entries", dims)
    assert list(person.session.document.networks)[-2:] == ["pair", "colours"]
