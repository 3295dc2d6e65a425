"""``python -m benchmarks.studio.screens``: every page of the studio on every screen.

All pages and the first step of every lesson are opened in Chromium in both themes and both
languages, 390, 1280 and 1920 pixels wide and at 200 %.
On each screen axe-core must find nothing, nothing may be wider than the window, no text may be cut
without a title that says it whole, and every target is at least 24 pixels; the console stays empty,
and no other host is asked. The rows that fail are printed, and the status is 1 if there is one.
``--out FOLDER`` keeps a picture of each screen.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.studio.browser import Studio, studio
from spel.studio.sources import samples

PAGES = (
    *("images", "chain", "space", "markers", "kernels"),
    *("detect", "compare", "export", "lessons"),
)
SCREENS = {
    "390": {"viewport": {"width": 390, "height": 844}, "has_touch": True},
    "1280": {"viewport": {"width": 1280, "height": 720}},
    "1920": {"viewport": {"width": 1920, "height": 1080}},
    "200 %": {"viewport": {"width": 640, "height": 360}, "device_scale_factor": 2},
}
THEMES = ("light", "dark")
LANGUAGES = {"en": "en-US", "pt": "pt-BR"}

CUT = """() => {
  const seen = (e) => e.checkVisibility({ checkVisibilityCSS: true, opacityProperty: true });
  const small = (e) => e.localName + ' ' + (e.getAttribute('aria-label') || e.textContent || e.id)
    .trim().slice(0, 60);
  const cut = [], beyond = [], tiny = [];
  for (const e of document.querySelectorAll('body *')) {
    if (!seen(e)) continue;
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    const field = e.matches('input:not([type=range]):not([type=checkbox]):not([type=color])');
    const hides = ['hidden', 'clip'].includes(style.overflowX) || field;
    const tall = ['hidden', 'clip'].includes(style.overflowY)
      && e.scrollHeight > e.clientHeight + 4;
    if ((own || field) && hides && e.clientWidth && !e.closest('[title]') && box.width > 2
      && (e.scrollWidth > e.clientWidth + 1 || tall)) cut.push(small(e));
    let scrolls = false;
    for (let p = e; p; p = p.parentElement)
      if (/auto|scroll|hidden|clip/.test(getComputedStyle(p).overflowX)) scrolls = true;
    if (own && !scrolls && (box.right > innerWidth + 1 || box.left < -1)) beyond.push(small(e));
    const target = e.matches('button, select, input, summary, [role=button], a');
    const inline = e.localName === 'a' && style.display === 'inline';
    if (target && !inline && !e.closest('label') && box.width > 1
      && Math.min(box.width, box.height) < 23.5) tiny.push(small(e));
  }
  const wide = document.documentElement.scrollWidth;
  return { cut, beyond, tiny, wide: wide > innerWidth ? [`${wide} pixels`] : [] };
}"""

Finding = tuple[str, str]


def main() -> None:
    """Look at every screen, and print what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="Folder for a picture of each screen.")
    parser.add_argument("--screens", nargs="+", choices=SCREENS, default=list(SCREENS))
    parser.add_argument("--themes", nargs="+", choices=THEMES, default=list(THEMES))
    parser.add_argument("--languages", nargs="+", choices=LANGUAGES, default=list(LANGUAGES))
    parser.add_argument("--pages", nargs="+", choices=PAGES, default=list(PAGES))
    options = parser.parse_args()
    found: list[Finding] = []
    looked = 0
    for screen, theme, language in product(options.screens, options.themes, options.languages):
        shape = {**SCREENS[screen], "color_scheme": theme, "locale": LANGUAGES[language]}
        with studio(samples(), **shape) as made:
            for page, problems in _look(made, options.pages, options.out):
                looked += 1
                name = f"{page}, {screen}, {theme}, {language}"
                found += [(name, problem) for problem in problems]
                for problem in problems:
                    print(f"{name}: {problem}", flush=True)
            others = [*made.complaints, *(f"asked {url}" for url in made.strangers)]
            found += [(f"{screen}, {theme}, {language}", problem) for problem in others]
            print(*others, sep="\n", end="\n" if others else "")
    print(f"{looked} screens, {len(found)} problems")
    sys.exit(1 if found else 0)


def _look(made: Studio, pages: list[str], out: Path | None) -> Iterator[tuple[str, list[str]]]:
    """Every page, and what is wrong with it."""
    made.open()
    made.go("chain")
    made.rest()
    made.page.mouse.click(*made.place(60.5, 60.5))
    for name in pages:
        made.go(name)
        made.page.wait_for_timeout(400)
        yield name, _problems(made.page)
        _keep(made, out, name)
    if "lessons" not in pages:
        return
    for lesson in made.page.evaluate(
        "[...document.querySelectorAll('[data-lesson]')].map((e) => e.dataset.lesson)"
    ):
        made.go("lessons")
        made.page.click(f"[data-lesson={lesson}]")
        made.page.wait_for_selector("spel-lesson")
        made.rest()
        made.page.wait_for_timeout(400)
        yield f"lesson {lesson}", _problems(made.page)
        _keep(made, out, f"lesson-{lesson}")


def _keep(made: Studio, out: Path | None, name: str) -> None:
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        size = made.page.viewport_size
        theme = made.page.evaluate("document.documentElement.dataset.theme ?? ''")
        language = made.page.evaluate("document.documentElement.lang")
        made.page.screenshot(path=out / f"{name}-{size['width']}-{theme}-{language}.png")


def _problems(page: Any) -> list[str]:
    import axe_playwright_python

    script = Path(axe_playwright_python.__file__).parent / "axe.min.js"
    page.evaluate(script.read_text())
    answer = page.evaluate("axe.run()")
    problems = [
        f"axe {rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in answer["violations"]
    ]
    for kind, elements in page.evaluate(CUT).items():
        problems += [f"{kind}: {element}" for element in dict.fromkeys(elements)]
    return problems


if __name__ == "__main__":
    main()
