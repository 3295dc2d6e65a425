// @ts-check
// The curve of an activation function with the spel's point on it.

import { h } from "../base/dom.js";
import { num } from "../base/numbers.js";
import { t } from "../base/words.js";
import { penOf } from "../picture/colors.js";

/** @import { Terms } from "../server/types.js" */

/** For drawing only: numbers come from the engine. @type {Record<string, (x: number, p?: number) => number>} */
const FUNCTIONS = {
  relu: (x) => Math.max(0, x),
  leaky_relu: (x, p = 0.01) => (x > 0 ? x : x * p),
  elu: (x, p = 1) => (x > 0 ? x : p * (Math.exp(x) - 1)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  gelu: (x) => 0.5 * x * (1 + Math.tanh(0.79788456 * (x + 0.044715 * x ** 3))),
  softplus: (x) => Math.log1p(Math.exp(x)),
  hard_sigmoid: (x) => Math.min(1, Math.max(0, x / 6 + 0.5)),
  identity: (x) => x,
  abs: Math.abs,
  square: (x) => x * x,
};

/** @param {Terms} terms */
export function activation(terms) {
  const { function: name, input, value } = terms;
  const canvas = h("canvas.curve", {
    width: 520,
    height: 220,
    role: "img",
    "aria-label": t("inspector.curve", { name }),
    ref: (element) => requestAnimationFrame(() => drawCurve(element, terms)),
  });
  const result = [`${name}(${num(input)}) = `, h("output", {}, num(value, 5))];
  return h("div.arithmetic", {}, canvas, h("p.result", {}, result));
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Terms} terms
 */
function drawCurve(canvas, { function: name, input, value }) {
  const f = FUNCTIONS[name] ?? ((x) => x);
  const pen = penOf(canvas);
  const css = getComputedStyle(canvas);
  const span = Math.max(1, Math.abs(input) * 1.3);
  const low = Math.min(f(-span), f(span), 0, value);
  const high = Math.max(f(-span), f(span), 1e-6, value);
  const toX = (/** @type {number} */ x) => 20 + ((x + span) / (2 * span)) * 480;
  const toY = (/** @type {number} */ y) => 200 - ((y - low) / (high - low)) * 180;
  /** @type {(color: string, width: number, points: number[][]) => void} */
  const line = (color, width, points) => {
    pen.strokeStyle = css.getPropertyValue(color);
    pen.lineWidth = width;
    pen.beginPath();
    for (const [x = 0, y = 0] of points) pen.lineTo(toX(x), toY(y));
    pen.stroke();
  };
  const curve = Array.from({ length: 97 }, (_, i) => -span + (i / 96) * 2 * span);
  const axes = [
    [
      [-span, 0],
      [span, 0],
    ],
    [
      [0, low],
      [0, high],
    ],
  ];
  pen.clearRect(0, 0, canvas.width, canvas.height);
  for (const axis of axes) line("--line", 2, axis);
  line(
    "--accent",
    4,
    curve.map((x) => [x, f(x)]),
  );
  line("--warm", 2, [
    [input, 0],
    [input, value],
    [0, value],
  ]);
  pen.fillStyle = css.getPropertyValue("--warm");
  pen.beginPath();
  pen.arc(toX(input), toY(value), 8, 0, 7);
  pen.fill();
}
