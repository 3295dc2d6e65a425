// @ts-check
// Layers that read a window around each spel. They go over the whole image for one neighbour after
// the other: long loops over numbers are many times as fast as a short list for each spel.

import { each } from "./planes.js";

/** @typedef {import("./planes.js").Picture} Picture */
/** @typedef {import("./planes.js").Step} Step */

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
 * Where every spel of the output finds one of its neighbours; outside it is one behind the last.
 * @param {Step} step
 * @param {Picture} x
 * @param {[number, number]} displacement
 * @param {[number, number]} size of the output
 */
function placesOf({ start, stride, border }, x, [dr, dc], [rows, cols]) {
  const places = new Int32Array(rows * cols).fill(x.rows * x.cols);
  const colAt = Int32Array.from({ length: cols }, (_, c) =>
    mirrored(start[1] + c * stride[1] + dc, x.cols, border),
  );
  for (let r = 0; r < rows; r++) {
    const row = mirrored(start[0] + r * stride[0] + dr, x.rows, border);
    if (row < 0) continue;
    colAt.forEach((col, c) => {
      if (col >= 0) places[r * cols + c] = row * x.cols + col;
    });
  }
  return places;
}

/**
 * The numbers of a plane, and behind them what is read outside.
 * @param {Float32Array} plane
 * @param {number} beyond
 */
function withOutside(plane, beyond) {
  const source = new Float64Array(plane.length + 1).fill(beyond);
  source.set(plane);
  return source;
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
export function convolution(step, x) {
  const [rows, cols] = step.size;
  const sources = x.planes.map((plane, c) => withOutside(plane, outside(step, c)));
  const sums = step.weights.map((/** @type {unknown} */ _, /** @type {number} */ k) =>
    new Float64Array(rows * cols).fill(step.bias[k]),
  );
  step.displacements.forEach((/** @type {[number, number]} */ d, /** @type {number} */ n) => {
    const places = placesOf(step, x, d, step.size);
    sums.forEach((/** @type {Float64Array} */ sum, /** @type {number} */ k) => {
      for (const [c, source] of sources.entries()) {
        addProducts(sum, source, places, step.weights[k][n][c]);
      }
    });
  });
  const planes = sums.map((/** @type {Float64Array} */ sum) => Float32Array.from(sum));
  return { rows, cols, planes };
}

/**
 * @param {Float64Array} sum
 * @param {Float64Array} source
 * @param {Int32Array} places
 * @param {number} weight
 */
function addProducts(sum, source, places, weight) {
  for (let i = 0; i < sum.length; i++) {
    sum[i] = (sum[i] ?? 0) + (source[places[i] ?? 0] ?? 0) * weight;
  }
}

/**
 * The neighbours of every spel, combined plane by plane.
 * @param {Step} step
 * @param {Picture} x
 * @param {[number, number]} size of the output
 * @param {{ first: number, beyond: number, combine: (a: number, b: number) => number }} how `first`
 *   is what the first neighbour is combined with, `beyond` what is read outside
 */
function swept(step, x, size, { first, beyond, combine }) {
  const sources = x.planes.map((plane) => withOutside(plane, beyond));
  const results = x.planes.map(() => new Float64Array(size[0] * size[1]).fill(first));
  for (const d of step.displacements) {
    const places = placesOf(step, x, d, size);
    results.forEach((values, c) => {
      const source = sources[c];
      for (let i = 0; source && i < values.length; i++) {
        values[i] = combine(values[i] ?? 0, source[places[i] ?? 0] ?? 0);
      }
    });
  }
  return results;
}

/** @type {Record<string, { first: number, combine: (a: number, b: number) => number }>} */
const POOLS = {
  max_pool: { first: Number.NEGATIVE_INFINITY, combine: (a, b) => Math.max(a, b) },
  min_pool: { first: Number.POSITIVE_INFINITY, combine: (a, b) => Math.min(a, b) },
  mean_pool: { first: 0, combine: (a, b) => a + b },
};

/**
 * @param {Step} step
 * @param {Picture} x
 * @returns {Picture}
 */
export function pool(step, x) {
  const { op, fill, size } = step;
  const how = POOLS[op] ?? { first: 0, combine: (_, b) => b };
  const results = swept(step, x, size, { ...how, beyond: fill ?? how.first });
  const counts = op === "mean_pool" ? countsOf(step, x) : null;
  const planes = results.map((values) =>
    Float32Array.from(values, (value, i) => (counts ? value / (counts[i] ?? 1) : value)),
  );
  return { rows: size[0], cols: size[1], planes };
}

/**
 * How many neighbours a mean is over, at every spel.
 * @param {Step} step
 * @param {Picture} x
 */
function countsOf({ displacements, full, fill, size, ...step }, x) {
  const counts = new Float64Array(size[0] * size[1]);
  if (full || fill !== null) return counts.fill(displacements.length);
  for (const d of displacements) {
    placesOf(/** @type {Step} */ (step), x, d, size).forEach((place, i) => {
      if (place < x.rows * x.cols) counts[i] = (counts[i] ?? 0) + 1;
    });
  }
  return counts.map((count) => Math.max(1, count));
}

/**
 * @param {Step} step
 * @param {Picture} x
 * @returns {Picture}
 */
export function divisive(step, x) {
  /** @type {(sum: number, value: number) => number} */
  const combine = (sum, value) => sum + value * value;
  const squares = swept(step, x, [x.rows, x.cols], { first: 0, beyond: 0, combine });
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
