// @ts-check
// Pages by address.

import { h, patch } from "../base/dom.js";
import { t } from "../base/words.js";
import { choose, convolutions, emit, node, state } from "../store.js";

export const PAGES = [
  "chain",
  "space",
  "markers",
  "kernels",
  "detect",
  "compare",
  "export",
  "lessons",
];
/** Pages about kernels: they need a step that has some. */
const ABOUT_KERNELS = ["space", "kernels"];

/** Show the page that the address names. */
export function route() {
  const named = location.hash.slice(1);
  const page = PAGES.includes(named) ? named : state.page;
  if (location.hash !== `#${page}`) history.replaceState(null, "", `#${page}`);
  showPage(page);
}

/** @param {string} page */
export function goTo(page) {
  if (location.hash === `#${page}`) showPage(page);
  else location.hash = page;
}

/** @param {string} page */
function showPage(page) {
  const [first] = convolutions();
  const shown = node();
  if (ABOUT_KERNELS.includes(page) && (!shown?.bank || shown.off) && first) {
    Object.assign(state, { node: first.name, kernel: 0, channel: 0 });
  }
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  main.classList.toggle("with-lesson", state.lesson !== null);
  const lesson = state.lesson ? h("spel-lesson", { key: "lesson" }) : null;
  patch(main, lesson, h(`page-${page}`, { key: page }));
  document.title = `${t(`page.${page}`)} · spel studio`;
  choose({ page });
  emit("page");
}
