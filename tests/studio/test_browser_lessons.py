"""The lecture as lessons in a real browser: predict, try, reveal; addresses; progress; keys."""

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from spel.studio.lessons import lessons

from .person import needs_chromium, text

pytestmark = needs_chromium


def predict(person):
    return person.page.evaluate("document.documentElement.dataset.predict")


def test_every_slide_is_reached_in_at_most_four_clicks(person):
    page = person.page
    person.open()
    for lesson in lessons():
        clicks = 2
        person.go("lessons")
        page.click(f"[data-lesson={lesson['id']}]")
        for step in lesson["steps"]:
            person.until(
                f"document.querySelector('spel-lesson h1')?.textContent === {step['title']['en']!r}"
            )
            if lesson["id"] not in ("plate", "strokes"):  # one slide after the other
                assert clicks <= 4
            if step is not lesson["steps"][-1] and clicks < 4:
                page.click("spel-lesson .primary")
                clicks += 1
            else:
                break
        person.until("!document.querySelector('.busy.on')", limit=60)
        assert "/lesson/" in page.url


def test_predict_try_reveal_and_progress(person):
    page = person.page
    person.open("lessons")
    page.click("[data-lesson=activation]")
    person.until("document.documentElement.dataset.predict === 'cover'")
    assert page.url.endswith("#chain/lesson/activation/1")
    assert page.evaluate("document.activeElement.localName") == "h1"
    # A wrong answer says in which direction, and the answer stays hidden.
    answer = page.get_by_label("your answer")
    answer.fill("9")
    page.get_by_role("button", name="Check").click()
    page.wait_for_selector(".lesson-result:has-text('too large')")
    assert predict(person) == "cover"
    answer.fill("0")
    page.get_by_role("button", name="Check").click()
    page.wait_for_selector(".lesson-result:has-text('Right.')")
    assert predict(person) == "off"
    # The keys of a clicker; a wrong option has a sentence of its own.
    page.keyboard.press("Escape")
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    person.until("location.hash === '#chain/lesson/activation/3'")
    page.get_by_role("button", name="It is faster.").click()
    page.wait_for_selector(".lesson-result:has-text('one comparison per spel')")
    # The address brings the step back, with what was answered; in Portuguese to the last word.
    page.reload()
    page.wait_for_selector("html[data-ready]")
    person.until("document.querySelector('spel-lesson h1')?.textContent === 'Another activation'")
    page.keyboard.press("PageUp")
    person.until("location.hash === '#chain/lesson/activation/2'")
    person.until("document.querySelector('spel-lesson h1').textContent !== 'Another activation'")
    page.get_by_role("button", name="Reveal").click()
    page.wait_for_selector(".lesson-result:has-text('computes 13')")
    page.keyboard.press("PageUp")
    person.until("location.hash === '#chain/lesson/activation/1'")
    page.wait_for_selector(".lesson-result:has-text('You have answered this.')")
    page.get_by_title("Português").click()
    person.until("document.querySelector('spel-lesson h1').textContent.includes('acontece')")
    page.get_by_role("button", name="Sair da lição").click()
    page.wait_for_selector("spel-lesson", state="detached")
    assert page.url.endswith("#chain")
    person.go("lessons")
    assert "respondidas: 2" in text(person, "main")


def test_a_sum_that_is_asked_for_is_hidden_everywhere(person):
    page = person.page
    person.open("lessons")
    page.click("[data-lesson=convolution]")
    person.until("document.documentElement.dataset.asked === 'sum'")
    page.wait_for_selector(".result .sum", state="attached")
    page.click("details.neuron summary")
    seen = "getComputedStyle(document.querySelector('.result .sum')).visibility"
    drawn = "document.querySelector('.neuron canvas')?.getAttribute('aria-label') ?? ''"
    person.until(f"({drawn}).endsWith('?')")
    assert page.evaluate(seen) == "hidden"
    page.get_by_role("button", name="Reveal").click()
    person.until(f"{seen} === 'visible'")
    person.until(f"!({drawn}).endsWith('?')")
