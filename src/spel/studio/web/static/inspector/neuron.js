// @ts-check
// A convolution at one spel as the drawing of a perceptron: inputs, weights, sum, bias, activation.

import { h } from "../base/dom.js";
import { short } from "../base/numbers.js";
import { stem, t } from "../base/words.js";
import { penOf } from "../picture/colors.js";
import { network, state } from "../store.js";

/** @import { Terms, TraceStep } from "../server/types.js" */

const MOST = 9;
const ROW = 34;
const WIDE = 520;

/**
 * @typedef {object} Drawing
 * @property {Array<{ x: number, weight: number }>} shown
 * @property {number} hidden how many inputs are left out
 * @property {Terms} terms
 * @property {string} value the sum with its bias; a question mark while a lesson asks for it
 * @property {string | null} then the activation function of the next step
 */

/**
 * @param {TraceStep} step
 * @param {number} channel of the step's input
 * @param {{ neuron: boolean, redraw: () => void }} view
 */
export function neuron({ node: name, terms }, channel, view) {
  const drawing = drawingOf(name, terms, channel);
  const toggled = (/** @type {HTMLDetailsElement} */ details) => {
    if (details.open === view.neuron) return;
    view.neuron = details.open;
    view.redraw();
    if (details.open) details.scrollIntoView({ block: "nearest" });
  };
  return h(
    "details.neuron",
    { open: view.neuron, ontoggle: (event) => toggled(event.currentTarget) },
    h("summary", {}, t("inspector.neuron")),
    view.neuron ? picture(drawing) : null,
  );
}

/** @param {Drawing} drawing */
function picture(drawing) {
  const { shown, hidden, value } = drawing;
  const sum = t("inspector.neuron.label", { n: shown.length + hidden, sum: value });
  return h("canvas.curve", {
    width: WIDE * 2,
    height: (shown.length + 2) * ROW * 2,
    role: "img",
    "aria-label": sum,
    ref: (element) => requestAnimationFrame(() => draw(element, drawing)),
  });
}

/**
 * The inputs of a channel; of many those with the largest products.
 * @param {string} name
 * @param {Terms} terms
 * @param {number} channel
 * @returns {Drawing}
 */
function drawingOf(name, terms, channel) {
  const at = (/** @type {number[][]} */ rows, /** @type {number} */ i) => rows[i]?.[channel] ?? 0;
  const all = terms.patch.map((/** @type {unknown} */ _, /** @type {number} */ i) => i);
  const size = (/** @type {number} */ i) => Math.abs(at(terms.products, i));
  const largest = [...all].sort((a, b) => size(b) - size(a)).slice(0, MOST);
  const shown = largest
    .sort((a, b) => a - b)
    .map((i) => ({ x: at(terms.patch, i), weight: at(terms.kernel, i) }));
  const next = network()?.nodes.find((n) => n.inputs[0] === name);
  const then = next && stem(next.kind) === "activation" ? String(next.fields.function) : null;
  const channels = terms.patch[0]?.length ?? 1;
  const value = state.asked === name ? "?" : short(terms.value);
  return { shown, hidden: all.length * channels - shown.length, terms, value, then };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Drawing} drawing
 */
function draw(canvas, { shown, hidden, terms, value, then }) {
  const { write, line, circle } = pencil(canvas);
  const middle = ((shown.length + 1) / 2) * ROW;
  const top = Math.max(...shown.map(({ weight }) => Math.abs(weight)), 1e-12);
  shown.forEach(({ x, weight }, i) => {
    const y = (i + 1) * ROW;
    const width = 1 + (4 * Math.abs(weight)) / top;
    line([86, y], [270, middle], weight < 0 ? "--accent" : "--warm", width);
    write(66, y, short(x), "right");
    circle(80, y, 6, "");
    write(100, y - 10, short(weight), "left", "--muted");
  });
  const last = (shown.length + 1) * ROW + 6;
  if (hidden > 0) write(80, last, t("inspector.neuron.more", { n: hidden }));
  line([270, middle - 70], [270, middle], "--ink", 1.5);
  write(270, middle - 82, `${t("kernel.bias")} ${short(terms.bias)}`);
  line([270, middle], [WIDE - 20, middle], "--ink", 1.5);
  circle(270, middle, 26, "Σ + b");
  write(336, middle - 12, value);
  if (then) circle(430, middle, 36, then);
}

/**
 * Words, lines and circles in the colors of the page.
 * @param {HTMLCanvasElement} canvas
 */
function pencil(canvas) {
  const pen = penOf(canvas);
  const css = getComputedStyle(canvas);
  const color = (/** @type {string} */ name) => css.getPropertyValue(name);
  pen.setTransform(2, 0, 0, 2, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.font = `15px ${css.fontFamily}`;
  pen.textBaseline = "middle";
  /** @type {(x: number, y: number, text: string, align?: CanvasTextAlign, tone?: string) => void} */
  const write = (x, y, text, align = "center", tone = "--ink") => {
    pen.fillStyle = color(tone);
    pen.textAlign = align;
    pen.fillText(text, x, y);
  };
  /** @type {(from: [number, number], to: [number, number], tone: string, width: number) => void} */
  const line = (from, to, tone, width) => {
    pen.strokeStyle = color(tone);
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    pen.stroke();
  };
  /** @type {(x: number, y: number, radius: number, text: string) => void} */
  const circle = (x, y, radius, text) => {
    pen.beginPath();
    pen.arc(x, y, radius, 0, 7);
    pen.fillStyle = color("--surface");
    pen.fill();
    pen.strokeStyle = color("--ink");
    pen.lineWidth = 1.5;
    pen.stroke();
    write(x, y, text);
  };
  return { write, line, circle };
}
