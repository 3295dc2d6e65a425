// @ts-check
// The layers of a network, as the page to hand out computes them.
// Sums are computed with 64 bits, and every step is rounded to 32 as the engine's results are.

import { CHANNEL_LAYERS } from "./channel_layers.js";
import { IMAGE_LAYERS } from "./image_layers.js";
import { each, empty } from "./planes.js";
import { convolution, divisive, pool } from "./windows.js";

/** @typedef {import("./planes.js").Picture} Picture */
/** @typedef {import("./planes.js").Step} Step */

/** @param {Float32Array} plane */
function topOf(plane) {
  let top = Number.NEGATIVE_INFINITY;
  for (const value of plane) if (value > top) top = value;
  return top > 0 ? Math.fround(1 / top) : 1;
}

/**
 * @param {Step} step
 * @param {Picture} x
 * @param {Picture} n
 */
function residue({ scaled }, x, n) {
  const a = x.planes.map((plane) => (scaled ? topOf(plane) : 1));
  const b = n.planes.map((plane) => (scaled ? topOf(plane) : 1));
  return each(x, (value, c, i) =>
    Math.max(0, value * (a[c] ?? 1) - (n.planes[c]?.[i] ?? 0) * (b[c] ?? 1)),
  );
}

/** @type {Record<string, (x: number, p: number) => number>} */
const FUNCTIONS = {
  relu: (x) => Math.max(0, x),
  leaky_relu: (x, p) => (x > 0 ? x : x * p),
  elu: (x, p) => (x > 0 ? x : p * Math.expm1(x)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  hard_sigmoid: (x) => Math.min(1, Math.max(0, x / 6 + 0.5)),
  tanh: Math.tanh,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  identity: (x) => x,
  abs: Math.abs,
  square: (x) => x * x,
};

/**
 * @param {Step} step
 * @param {Picture} x
 * @returns {Picture}
 */
function weighted(step, x) {
  const out = empty(x.rows, x.cols, 1);
  const [target] = out.planes;
  for (let i = 0; target && i < target.length; i++) {
    let sum = step.bias;
    x.planes.forEach((plane, c) => {
      sum += (plane[i] ?? 0) * step.weights[c];
    });
    target[i] = sum;
  }
  return out;
}

/** @type {Record<string, (step: Step, ...inputs: any[]) => Picture>} */
export const LAYERS = {
  ...IMAGE_LAYERS,
  ...CHANNEL_LAYERS,
  grey: (step, x) => weighted(step, x),
  convolution,
  max_pool: pool,
  min_pool: pool,
  mean_pool: pool,
  divisive,
  residue,
  weighted,
  activation: (step, x) => {
    const f = FUNCTIONS[step.function];
    return each(x, (value) => (f ? f(value, step.parameter) : value));
  },
  scale: (step, x) => each(x, (value, c) => value * step.factor[c] + step.shift[c]),
  threshold: (step, x) => each(x, (value) => (value > step.at ? 1 : 0)),
};
