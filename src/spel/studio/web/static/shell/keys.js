// @ts-check
// Keys that work on every page.

import { say } from "../base/toasts.js";
import { t } from "../base/words.js";
import { redo, undo } from "../commands.js";
import { moveLesson } from "../pages/lessons/lesson.js";
import { choose, network, state, step } from "../store.js";
import { showHelp } from "./dialogs.js";
import { setWideInspector, toggleWideInspector } from "./layout.js";
import { goTo } from "./pages.js";
import { toggleProjector } from "./settings.js";
import { nextImage } from "./topbar.js";

/** @import { Viewer } from "../pages/chain/viewer.js" */

const TYPED_INTO = "input:not([type=range]):not([type=checkbox]), textarea, select";

/** @type {Record<string, () => void>} */
const KEYS = {
  ",": () => nextImage(-1),
  ".": () => nextImage(1),
  // Clickers of lecturers send these two.
  PageUp: () => (state.lesson ? moveLesson(-1) : nextChannel(-1)),
  PageDown: () => (state.lesson ? moveLesson(1) : nextChannel(1)),
  n: () => nextNode(1),
  b: () => nextNode(-1),
  "?": showHelp,
  L: toggleProjector,
  i: toggleWideInspector,
  "`": () => flicker(true),
  Escape: () => {
    setWideInspector(false);
    choose({ pinned: false });
  },
  h: () => goTo("chain"),
  c: () => goTo("space"),
  m: () => goTo("markers"),
  k: () => goTo("kernels"),
  d: () => goTo("detect"),
};

export function listenKeys() {
  addEventListener("keydown", (event) => {
    if (!state.doc) return;
    const target = /** @type {Element} */ (event.target);
    const typing = target.matches?.(TYPED_INTO) || target.closest?.("dialog") !== null;
    if (event.ctrlKey || event.metaKey) withControl(event, typing);
    else if (!event.altKey && !typing) plainKey(event);
  });
  addEventListener("keyup", (event) => {
    if (event.key === "`") flicker(false);
  });
}

/**
 * @param {KeyboardEvent} event
 * @param {boolean} typing
 */
function withControl(event, typing) {
  const key = event.key.toLowerCase();
  if (key === "z" && !typing) {
    event.preventDefault();
    if (event.shiftKey) redo();
    else undo();
  } else if (key === "s") {
    event.preventDefault();
    say(t("saved"));
  }
}

/** @param {KeyboardEvent} event */
function plainKey(event) {
  // Without Shift a letter is meant, whether Caps Lock is on or not.
  const key = event.shiftKey || event.key.length > 1 ? event.key : event.key.toLowerCase();
  const then = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  if (!then) return;
  if (event.key.startsWith("Page")) event.preventDefault();
  then();
}

/** @param {boolean} on */
function flicker(on) {
  const viewer = /** @type {Viewer | null} */ (document.querySelector("spel-viewer"));
  viewer?.flicker(on);
}

/** @param {1 | -1} by */
function nextChannel(by) {
  const channels = step()?.shape?.[2] ?? 1;
  choose({ channel: (state.channel + by + channels) % channels });
}

/** @param {1 | -1} by */
function nextNode(by) {
  const names = ["input", ...(network()?.nodes ?? []).map((n) => n.name)];
  const next = names.at((names.indexOf(state.node) + by) % names.length);
  if (next) choose({ node: next });
}
