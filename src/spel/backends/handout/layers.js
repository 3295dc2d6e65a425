// @ts-check
// The layers of a network, as the page to hand out computes them.
// Sums are computed with 64 bits, and every step is rounded to 32 as the engine's results are.

import { CHANNEL_LAYERS } from "./channel_layers.js";
import { IMAGE_LAYERS } from "./image_layers.js";
import { empty } from "./planes.js";

/** @typedef {import("./planes.js").Picture} Picture */
/** @typedef {import("./planes.js").Step} Step */

/**
 * Every value by itself.
 * @param {Picture} x
 * @param {(value: number, channel: number, at: number) => number} f
 * @returns {Picture}
 */
const each = (x, f) => ({
  ...x,
  planes: x.planes.map((plane, c) => plane.map((value, i) => f(value, c, i))),
});

/**
 * Where an index outside of 0 to n - 1 reads, or -1.
 * @param {number} i
 * @param {number} n
 * @param {string} border
 */
function mirrored(i, n, border) {
  if (i >= 0 && i < n) return i;
  if (border === "edge") return Math.min(Math.max(i, 0), n - 1);
  const mod = (/** @type {number} */ a, /** @type {number} */ b) => ((a % b) + b) % b;
  if (border === "wrap") return mod(i, n);
  if (border === "symmetric") {
    const k = mod(i, 2 * n);
    return k < n ? k : 2 * n - 1 - k;
  }
  if (border !== "reflect") return -1;
  if (n === 1) return 0;
  const k = mod(i, 2 * n - 2);
  return k < n ? k : 2 * n - 2 - k;
}

/**
 * The places of a window's neighbours in a plane; -1 outside.
 * @param {Step} step
 * @param {Picture} x
 * @param {number} row of the output
 * @param {number} col
 * @returns {number[]}
 */
export function neighbours({ displacements, start, stride, border }, x, row, col) {
  return displacements.map((/** @type {[number, number]} */ [dr, dc]) => {
    const r = mirrored(start[0] + row * stride[0] + dr, x.rows, border);
    const c = mirrored(start[1] + col * stride[1] + dc, x.cols, border);
    return r < 0 || c < 0 ? -1 : r * x.cols + c;
  });
}

/**
 * @param {Step} step
 * @param {Picture} x
 * @returns {Picture}
 */
function convolution(step, x) {
  const [rows, cols] = step.size;
  const out = empty(rows, cols, step.weights.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      const places = neighbours(step, x, r, c);
      step.weights.forEach((/** @type {number[][]} */ kernel, /** @type {number} */ k) => {
        let sum = step.bias[k];
        places.forEach((place, n) => {
          const weights = kernel[n] ?? [];
          x.planes.forEach((plane, channel) => {
            const value = place < 0 ? outside(step, channel) : (plane[place] ?? 0);
            sum += value * (weights[channel] ?? 0);
          });
        });
        const plane = out.planes[k];
        if (plane) plane[r * cols + c] = sum;
      });
    }
  }
  return out;
}

/**
 * @param {Step} step
 * @param {number} channel
 */
export const outside = ({ fill }, channel) => (Array.isArray(fill) ? fill[channel] : fill);

/**
 * @param {Step} step
 * @param {Picture} x
 * @returns {Picture}
 */
function pool(step, x) {
  const [rows, cols] = step.size;
  const out = empty(rows, cols, x.planes.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      const places = neighbours(step, x, r, c);
      x.planes.forEach((plane, channel) => {
        const values = places
          .map((place) => (place < 0 ? step.fill : plane[place]))
          .filter((value) => value !== null);
        const target = out.planes[channel];
        if (target) target[r * cols + c] = pooled(step, values);
      });
    }
  }
  return out;
}

/**
 * @param {Step} step
 * @param {number[]} values
 */
function pooled({ op, full, displacements }, values) {
  if (op === "max_pool") return Math.max(...values);
  if (op === "min_pool") return Math.min(...values);
  const sum = values.reduce((a, b) => a + b, 0);
  return sum / (full ? displacements.length : Math.max(1, values.length));
}

/**
 * @param {Step} step
 * @param {Picture} x
 * @returns {Picture}
 */
function divisive(step, x) {
  const squares = x.planes.map((plane) => {
    const out = new Float64Array(plane.length);
    for (let r = 0; r < x.rows; r++) {
      for (let c = 0; c < x.cols; c++) {
        let sum = 0;
        for (const place of neighbours(step, x, r, c))
          if (place >= 0) sum += (plane[place] ?? 0) ** 2;
        out[r * x.cols + c] = sum;
      }
    }
    return out;
  });
  const norm = (/** @type {number} */ channel, /** @type {number} */ at) =>
    Math.sqrt(
      step.across
        ? squares.reduce((a, plane) => a + (plane[at] ?? 0), 0)
        : (squares[channel]?.[at] ?? 0),
    );
  return each(x, (value, channel, at) => {
    const n = norm(channel, at);
    return n === 0 ? 0 : value / n;
  });
}

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
