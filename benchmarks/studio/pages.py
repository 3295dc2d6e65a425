"""Latencies of the pages and tasks: from the click until all has come and is drawn."""

from __future__ import annotations

import shutil
from typing import Any

from spel.studio.web.server import Server

TARGETS = {
    "go to the images": 1000,
    "go to patch space": 1000,
    "go to the kernels": 1000,
    "next step of a lesson": 1000,
    "a true box: drawn and saved": 100,
    "run over three images": 3000,
    "invert the first convolution": 10_000,
}
"""Milliseconds at the 95th percentile."""

CALM = """() => {
  const frame = () => new Promise((f) => requestAnimationFrame(f));
  const send = window.fetch.bind(window);
  let open = 0;
  window.fetch = async (...asked) => {
    open += 1;
    try { return await send(...asked); } finally { open -= 1; }
  };
  window.calm = async () => {
    let since = 0;
    for (let frames = 0; frames < 4; ) {
      await frame();
      if (open || document.querySelector('.busy.on')) frames = 0;
      else if (frames++ === 0) since = performance.now();
    }
    return since;
  };
  window.timed = async (act) => {
    await window.calm();
    const start = performance.now();
    await act();
    return (await window.calm()) - start;
  };
}"""

GO = """async ([name, rounds]) => {
  const go = (to) => document.querySelector(`#top a[data-page=${to}]`).click();
  const times = [];
  for (let i = 0; i < rounds; i++) {
    go('chain');
    times.push(await window.timed(() => go(name)));
  }
  return times;
}"""

NEXT = """async (rounds) => {
  const times = [];
  for (let i = 0; i < rounds; i++) {
    document.querySelector('#top a[data-page=lessons]').click();
    await window.calm();
    document.querySelector('[data-lesson=convolution]').click();
    const next = () => document.querySelector('spel-lesson .primary').click();
    times.push(await window.timed(next));
  }
  return times;
}"""

BOX = """async ([image, rounds]) => {
  const { act } = await import('/static/commands.js');
  const times = [];
  for (let i = 0; i < rounds; i++) {
    const boxes = [[20 + i, 30, 90 + i, 70]];
    times.push(await window.timed(() => act({ do: 'set_truth', image, boxes })));
  }
  return times;
}"""

TASK = """async ([path, more]) => {
  const { runTask } = await import('/static/tasks.js');
  const { state } = await import('/static/store.js');
  const { network, image } = state;
  const start = performance.now();
  await runTask(path, { network, image, ...more });
  return performance.now() - start;
}"""


def page_times(page: Any, server: Server, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each action of `TARGETS`."""
    page.evaluate(CALM)
    names = iter(TARGETS)
    found = {
        next(names): page.evaluate(GO, [name, rounds]) for name in ("images", "space", "kernels")
    }
    found[next(names)] = page.evaluate(NEXT, min(rounds, 10))
    page.get_by_role("button", name="Leave the lesson").click()
    page.click("#top a[data-page=markers]")
    image = server.session.image_ids()[0]
    found[next(names)] = page.evaluate(BOX, [image, rounds])
    run, invert = names
    found[run], found[invert] = [], []
    for _ in range(3):
        shutil.rmtree(server.session.folder / "runs", ignore_errors=True)
        found[run].append(page.evaluate(TASK, ["run-folder", {"folder": "session", "factor": 1}]))
    found[invert].append(page.evaluate(TASK, ["invert", {"step": "edges"}]))
    return found
