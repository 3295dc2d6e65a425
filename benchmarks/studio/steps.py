"""What a person does at the page, for the rows of `benchmarks.studio.review` without a test."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.studio.browser import Studio

MOST_PRESSES = 40


def keyboard(made: Studio) -> str:
    """Three steps are added by keyboard alone, from the page as it opens."""
    page = made.page
    presses = 0

    def press(key: str) -> None:
        nonlocal presses
        presses += 1
        page.keyboard.press(key)
        page.wait_for_timeout(40)

    focused = "document.activeElement.getAttribute('aria-label') ?? ''"
    press("Tab")
    press("Enter")  # "Skip to the page"
    while not page.evaluate(focused).startswith("Add a step after"):
        assert presses < MOST_PRESSES, "no button to add a step is reached"
        press("Tab")
    for _ in range(3):
        press("Enter")
        page.wait_for_selector("dialog.menu")
        press("ArrowDown")
        press("Enter")
        made.rest()
    count = len(made.server.session.document.entry("plate").network.names)
    assert count >= 9, f"{count} steps"
    assert presses <= MOST_PRESSES, f"{presses} key presses"
    return f"{presses} key presses"


def disk(made: Studio) -> str:
    """The radius of a disk is legible in its field."""
    page = made.page
    made.go("chain")
    page.click("[data-step=join]")
    made.rest()
    page.locator("spel-editor select").first.select_option("disk")
    made.rest()
    cut = page.evaluate(
        "[...document.querySelectorAll('spel-editor input[type=number]')]"
        ".filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.value)"
    )
    assert cut == [], f"cut: {cut}"
    return "no field is cut"


def perceptron(made: Studio) -> str:
    """The inspector draws a convolution as a perceptron."""
    page = made.page
    made.go("chain")
    page.click("[data-step=edges]")
    made.rest()
    page.mouse.click(*made.place(270.5, 290.5))
    made.rest()
    page.click("details.neuron summary")
    made.rest()
    label = page.get_attribute("details.neuron canvas", "aria-label")
    assert "9 inputs" in label, label
    return label


def branch(made: Studio) -> str:
    """A sum is added, and reads two other steps."""
    page = made.page
    made.go("chain")
    page.get_by_role("button", name="Add a step after: positive").click()
    page.locator("dialog.menu button", has=page.get_by_text("sum", exact=True)).click()
    made.rest()
    page.locator("#reads-1").select_option("edges")
    made.rest()
    inputs = made.server.session.document.entry("plate").network.node("add").inputs
    assert inputs == ("positive", "edges"), inputs
    return f"the sum reads {' and '.join(inputs)}"


def channel(made: Studio) -> str:
    """The channel stays where the next step has it, too."""
    page, session = made.page, made.server.session
    session.do({"do": "set_bank", "network": "plate", "node": "edges", "preset": "sobel-four"})
    made.open()
    made.go("chain")
    page.click("[data-step=edges]")
    made.rest()
    page.locator(".stage-tools select").first.select_option("2")
    made.rest()
    page.click("[data-step=positive]")
    made.rest()
    shown = page.locator(".stage-tools select").first.input_value()
    assert shown == "2", f"channel {shown}"
    return "channel 2 stays"


def coins(made: Studio) -> str:
    """The lesson on strokes shows the kernels on its own image."""
    page = made.page
    made.go("lessons")
    page.click("[data-lesson=strokes]")
    made.rest()
    for _ in range(3):
        page.click("spel-lesson .primary")
        made.rest()
    module = "import('/static/pages/kernels/model.js').then((m) => m.pins())"
    shown = page.evaluate(module)
    assert "sample-coins" in shown, shown
    return f"kernels on {', '.join(shown)}"


def own_images(made: Studio) -> str:
    """Where a saliency is 0, the picture on Markers is as bright as the image."""
    page = made.page
    made.go("markers")
    made.rest()
    page.wait_for_timeout(400)
    sample = """([x, y]) => { const c = document.querySelector('spel-stage').canvas,
        b = c.getBoundingClientRect(), k = c.width / b.width;
        return [...c.getContext('2d').getImageData((x - b.left) * k, (y - b.top) * k, 1, 1).data];
    }"""
    image = made.server.session.load("street-3").values
    for row, col in ((20, 270), (100, 60)):
        seen = page.evaluate(sample, made.place(row + 0.5, col + 0.5))[:3]
        wanted = image[row - 2 : row + 3, col - 2 : col + 3].reshape(-1, 3).mean(0)
        off = max(abs(a - b) for a, b in zip(seen, wanted))
        assert off < 30, f"{seen} at ({row}, {col}); the image has {wanted}"
    return "as bright as the image"


def decoders(made: Studio) -> str:
    """Every decoder says what it does, and that it is used at the next Learn."""
    page = made.page
    page.locator("#top select").first.select_option("from strokes")
    made.go("kernels")
    select = page.locator("page-kernels label.field select")
    names = select.evaluate("(s) => [...s.options].map((o) => o.value)")
    said = set()
    for name in names:
        select.select_option(name)
        made.rest()
        about = page.inner_text("page-kernels")
        assert "It is used when you press Learn" in about
        said.add(about)
    assert len(said) == len(names)
    return f"{len(names)} decoders have their words"


def compared_code(made: Studio) -> str:
    """The Python of Compare has the two networks on the screen."""
    page = made.page
    made.go("compare")
    page.get_by_role("button", name="Python of this view").click()
    page.wait_for_selector("dialog .code")
    code = page.inner_text("dialog .code")
    first, second = (code[code.index(f"\n{name} = ") :][:60] for name in "ab")
    assert first[3:] != second[3:]
    return "two networks"


def messages(made: Studio) -> str:
    """A message lies over the foot of the picture, not over the numbers of the inspector."""
    page = made.page
    made.go("chain")
    page.evaluate("import('/static/base/toasts.js').then((m) => m.say('A message'.repeat(6)))")
    page.wait_for_selector(".toast")
    toast = page.locator(".toast").bounding_box()
    inspector = page.locator("spel-inspector").bounding_box()
    assert toast["x"] + toast["width"] <= inspector["x"], (toast, inspector)
    return "beside the inspector"


STEPS: dict[str, Callable[[Studio], str]] = {
    step.__name__: step
    for step in (
        *(keyboard, disk, perceptron, branch, channel, coins),
        *(own_images, decoders, compared_code, messages),
    )
}
