// @ts-check
// Values over displacements: numbers in small windows, a picture with numbers on hover in large ones.

import { h } from "../base/dom.js";
import { num, tight } from "../base/numbers.js";
import { cellColors, penOf, planeCanvas, scaleFor } from "../picture/colors.js";

/** @import { Place } from "../server/types.js" */
/** @import { Scale } from "../picture/colors.js" */

/** Larger windows are shown as a picture. */
export const MAX_NUMBERS = 49;
const MAX_ACROSS = 11;

/**
 * @typedef {object} Style
 * @property {boolean} [signed] zero is in the middle of the colors
 * @property {boolean[]} [outside] which values a border supplied
 * @property {number} [mark] the index of the value that won, or -1
 * @property {boolean} [wide]
 * @property {boolean} [blank] colors without numbers
 */

/**
 * Where displacements stand in the smallest grid around them.
 * @param {Place[]} displacements
 */
export function frameOf(displacements) {
  const rows = displacements.map((d) => d[0]);
  const cols = displacements.map((d) => d[1]);
  const top = Math.min(...rows);
  const left = Math.min(...cols);
  const high = Math.max(...rows) - top + 1;
  const across = Math.max(...cols) - left + 1;
  return { top, left, high, across };
}

/**
 * @param {string} title
 * @param {Place[]} displacements
 * @param {number[]} values
 * @param {Style} [style]
 */
export function matrix(title, displacements, values, style = {}) {
  const finite = values.filter((v) => typeof v === "number");
  const low = Math.min(0, ...finite);
  const scale = scaleFor(style.signed ? Math.min(low, -1e-12) : low, Math.max(0, ...finite));
  const { across } = frameOf(displacements);
  const small = displacements.length <= MAX_NUMBERS && across <= MAX_ACROSS;
  const content = (small ? numberGrid : heatMap)(title, displacements, values, scale, style);
  const caption = h("figcaption", {}, title);
  return h(`figure.${style.wide ? "wide" : "third"}`, {}, caption, content);
}

/**
 * @param {string} _title
 * @param {Place[]} displacements
 * @param {number[]} values
 * @param {Scale} scale
 * @param {Style} style
 */
function numberGrid(
  _title,
  displacements,
  values,
  scale,
  { outside = [], mark = -1, wide, blank },
) {
  const { top, left, high, across } = frameOf(displacements);
  const cells = Array.from({ length: high * across }, () => h("span.void"));
  displacements.forEach((d, i) => {
    const value = values[i] ?? Number.NaN;
    const classes = [outside[i] ? "outside" : "", i === mark ? "winner" : ""].join(" ");
    cells[(d[0] - top) * across + (d[1] - left)] = h(
      "span.number",
      {
        class: classes,
        style: cellColors(value, scale),
        title: `(${d.join(", ")}): ${num(value, 7)}`,
        "data-i": i,
      },
      blank ? "" : tight(value, wide ? 6 : 5),
    );
  });
  const style = {
    gridTemplateColumns: `repeat(${across}, minmax(0, 1fr))`,
    maxWidth: `${across * (wide ? 4 : 2.9)}em`,
    // Five digits fit into a cell, however narrow the panel is.
    "--digits": `${(100 / across / 3.3).toFixed(2)}cqw`,
  };
  return h("div.matrix", { style, class: across > 6 ? "tiny" : "" }, cells);
}

/**
 * @param {string} title
 * @param {Place[]} displacements
 * @param {number[]} values
 * @param {Scale} scale
 * @param {Style} style
 */
function heatMap(title, displacements, values, scale, { mark = -1 }) {
  const frame = frameOf(displacements);
  const { top, left, high, across } = frame;
  const data = new Float32Array(high * across).fill(Number.NaN);
  displacements.forEach((d, i) => {
    data[(d[0] - top) * across + (d[1] - left)] = values[i] ?? Number.NaN;
  });
  const canvas = planeCanvas({ rows: high, cols: across, data }, scale);
  canvas.className = "heat";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", title);
  const pen = penOf(canvas);
  const within = new Set(displacements.map((d) => (d[0] - top) * across + (d[1] - left)));
  data.forEach((_, i) => {
    if (!within.has(i)) pen.clearRect(i % across, Math.floor(i / across), 1, 1);
  });
  const won = displacements[mark];
  if (won) {
    pen.fillStyle = "#3dff9a";
    pen.fillRect(won[1] - left, won[0] - top, 1, 1);
  }
  const under = document.createElement("p");
  under.className = "small muted heat-value";
  under.textContent = won ? `★ (${won.join(", ")}): ${num(values[mark])}` : " ";
  tellOnHover(canvas, under, data, frame);
  return [canvas, under];
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement} under the line that names the value under the pointer
 * @param {Float32Array} data
 * @param {{ top: number, left: number, high: number, across: number }} frame
 */
function tellOnHover(canvas, under, data, { top, left, high, across }) {
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const r = Math.floor(((event.clientY - box.top) / box.height) * high);
    const c = Math.floor(((event.clientX - box.left) / box.width) * across);
    const value = data[r * across + c] ?? Number.NaN;
    under.textContent = Number.isNaN(value) ? " " : `(${r + top}, ${c + left}): ${num(value, 5)}`;
  });
}
