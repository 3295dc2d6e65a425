"""A redraw leaves focus, caret, open parts and typed text where they are."""

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from .person import needs_chromium

pytestmark = needs_chromium


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
    page.evaluate("dispatchEvent(new Event('focus'))")  # the window is looked at again
    person.until("document.querySelector('#bias').value === '0.5'")
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
