// @ts-check
// How the page is laid out: three columns, two ("compact"), or one ("narrow").

import { bus, state } from "../store.js";

const root = document.documentElement;
const NARROW_BELOW = 900;
/** Widths of the lesson, and of the least that three columns need: type is larger in a projector. */
const WIDTHS = {
  usual: { lesson: 340, columns: 1080 },
  projector: { lesson: 420, columns: 1400 },
};

/** The inspector takes more than half of the page. */
export function toggleWideInspector() {
  setWideInspector(root.dataset.wide !== "on");
}

/** @param {boolean} on */
export function setWideInspector(on) {
  root.dataset.wide = on ? "on" : "off";
  updateLayout();
}

export function updateLayout() {
  const { lesson, columns } = WIDTHS[root.dataset.projector === "on" ? "projector" : "usual"];
  const room = innerWidth - (state.lesson ? lesson : 0);
  const compact = room < columns || root.dataset.wide === "on";
  root.dataset.layout = innerWidth < NARROW_BELOW ? "narrow" : compact ? "compact" : "wide";
}

export function listenLayout() {
  addEventListener("resize", updateLayout);
  for (const name of ["theme", "page"]) bus.addEventListener(name, updateLayout);
  updateLayout();
}
