// @ts-check
// Pages by address.

import { h, patch } from "../base/dom.js";
import { t } from "../base/words.js";
import { beginLesson } from "../pages/lessons/lesson.js";
import { lessonList } from "../pages/lessons/progress.js";
import { choose, convolutions, emit, node, state } from "../store.js";

export const PAGES = [
  "images",
  "chain",
  "space",
  "markers",
  "kernels",
  "detect",
  "compare",
  "export",
  "lessons",
];
/** Pages that show a heading of their own. */
const WITH_HEADING = ["images", "export", "lessons"];
/** Pages about kernels: they need a step that has some. */
const ABOUT_KERNELS = ["space", "kernels"];

/** The address that `goTo` has set, until the browser tells of it: the state may be ahead by then. */
let expected = "";

/** Show the page that the address names: "#space", or "#space/lesson/plate/4" in a lesson. */
export function route() {
  const own = location.hash === expected;
  expected = "";
  const [named = "", word, id, number] = location.hash.slice(1).split("/");
  const page = PAGES.includes(named) ? named : state.page;
  const index = Number(number) - 1;
  if (!own && word === "lesson" && id && (state.lesson?.id !== id || state.lessonStep !== index)) {
    openLesson(id, index, page);
    return;
  }
  if (location.hash !== addressOf(page)) history.replaceState(null, "", addressOf(page));
  showPage(page);
}

/** @param {string} page */
export function goTo(page) {
  if (location.hash === addressOf(page)) showPage(page);
  else location.hash = expected = addressOf(page);
}

/**
 * The address of a page, with the step of the lesson.
 * @param {string} page
 */
function addressOf(page) {
  const { lesson, lessonStep } = state;
  return lesson ? `#${page}/lesson/${lesson.id}/${lessonStep + 1}` : `#${page}`;
}

/**
 * @param {string} id
 * @param {number} index of the step
 * @param {string} page to show if there is no such lesson
 */
async function openLesson(id, index, page) {
  const lesson = (await lessonList()).find((one) => one.id === id);
  if (lesson) await beginLesson(lesson, index);
  else {
    history.replaceState(null, "", addressOf(page));
    showPage(page);
  }
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
  const title = WITH_HEADING.includes(page)
    ? null
    : h("h1.hidden", { key: "title" }, t(`page.${page}`));
  patch(main, title, lesson, h(`page-${page}`, { key: page }));
  document.title = `${t(`page.${page}`)} · spel studio`;
  choose({ page });
  emit("page");
}
