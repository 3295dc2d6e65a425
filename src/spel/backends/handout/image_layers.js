// @ts-check
// Layers that turn colours, or that look at the whole image: Lab, normalizations.

import { decode, unitOf } from "./decoders.js";
import { empty } from "./planes.js";

/** @typedef {import("./planes.js").Picture} Picture */
/** @typedef {import("./planes.js").Step} Step */
/** @typedef {Float32Array | Float64Array} Plane */

/** @param {number} x */
function rounded(x) {
  const low = Math.floor(x);
  const rest = x - low;
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}

/** @param {number} x */
const half = (x) => Math.min(0.5, Math.max(-0.5, x));

/**
 * Y, Cb and Cr as libift's reader stores them, by the type of file.
 * @type {Record<string, (r: number, g: number, b: number) => number[]>}
 */
const STORED = {
  png: (r, g, b) => {
    const y = 0.2627 * r + 0.678 * g + 0.0593 * b;
    const [cb, cr] = [(b - y) / 1.8814, (r - y) / 1.4746];
    return [
      Math.trunc(y * 219) + 16,
      Math.trunc(half(cb) * 224) + 128,
      Math.trunc(half(cr) * 224) + 128,
    ];
  },
  rgba: (r, g, b) =>
    [
      65.481207 * r + 128.552871 * g + 24.966094 * b + 16,
      -37.796777 * r - 74.203008 * g + 111.999785 * b + 128,
      111.999785 * r - 93.786211 * g - 18.213574 * b + 128,
    ].map(Math.trunc),
  jpeg: (r, g, b) => {
    const y = 0.299 * r + 0.587 * g + 0.114 * b;
    return [
      rounded(255 * y),
      rounded((255 * (b - y)) / 1.772) + 128,
      rounded((255 * (r - y)) / 1.402) + 128,
    ];
  },
};

/** @param {number[]} stored */
function backToRgb([y = 0, cb = 0, cr = 0]) {
  const [luma, blue, red] = [1.164383562 * (y - 16), cb - 128, cr - 128];
  return [
    luma + 1.596026786 * red,
    luma - 0.39176229 * blue - 0.812967647 * red,
    luma + 2.017232143 * blue,
  ].map((v) => Math.min(255, Math.max(0, Math.trunc(v))) / 255);
}

/** @param {number} v */
const linearized = (v) => (v > 0.04045 ? ((v + 0.055) / 1.055) ** 2.4 : v / 12.92);

/**
 * Red, green and blue of each spel in 0 to 1, turned by a function.
 * @param {Step} step
 * @param {Picture} x
 * @param {(rgb: number[]) => number[]} turn
 * @returns {Picture}
 */
function turned({ white }, x, turn) {
  const out = empty(x.rows, x.cols, 3);
  const [red = new Float32Array(), green, blue] = x.planes.length < 3 ? [x.planes[0]] : x.planes;
  for (let i = 0; i < red.length; i++) {
    const first = red[i] ?? 0;
    const rgb = [first, (green ?? red)[i] ?? 0, (blue ?? red)[i] ?? 0].map((v) => v / white);
    const [a = 0, b = 0, c = 0] = turn(rgb);
    out.planes.forEach((plane, k) => {
      plane[i] = [a, b, c][k] ?? 0;
    });
  }
  return out;
}

/** @type {(matrix: number[][], v: number[]) => number[]} */
const times = (matrix, v) =>
  matrix.map((row) => row.reduce((sum, weight, i) => sum + weight * (v[i] ?? 0), 0));

/**
 * @param {Step} step
 * @param {Picture} x
 */
function lab(step, x) {
  const stored = STORED[step.file];
  const f = (/** @type {number} */ t) =>
    t > step.knee ? Math.cbrt(t) : step.slope * t + step.offset;
  return turned(step, x, (unit) => {
    const [r = 0, g = 0, b = 0] = unit;
    const rgb = step.gamma ? unit.map(linearized) : stored ? backToRgb(stored(r, g, b)) : unit;
    const [fx = 0, fy = 0, fz = 0] = times(step.matrix, rgb).map(f);
    const values = [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
    return values.map((v, k) => (v - step.low[k]) / step.extent[k]);
  });
}

/**
 * @param {Step} step
 * @param {Picture} x
 */
const affine = (step, x) =>
  turned(step, x, (rgb) => times(step.matrix, rgb).map((v, k) => v + step.shift[k]));

// -- normalizations ------------------------------------------------------------------------------

/**
 * @param {Step} step
 * @param {Picture} x
 * @returns {Picture}
 */
function linear({ over }, x) {
  if (over === "domain") {
    return { ...x, planes: x.planes.map((plane) => Float32Array.from(unitOf(plane))) };
  }
  const out = empty(x.rows, x.cols, x.planes.length);
  for (let i = 0; i < x.rows * x.cols; i++) {
    const values = unitOf(Float64Array.from(x.planes, (plane) => plane[i] ?? 0));
    out.planes.forEach((plane, k) => {
      plane[i] = values[k] ?? 0;
    });
  }
  return out;
}

/**
 * Each channel without its median.
 * @param {Picture} x
 * @returns {Picture}
 */
function center(x) {
  const planes = x.planes.map((plane) => {
    const sorted = plane.slice().sort();
    const at = (sorted.length - 1) / 2;
    const median = ((sorted[Math.floor(at)] ?? 0) + (sorted[Math.ceil(at)] ?? 0)) / 2;
    return plane.map((v) => v - median);
  });
  return { ...x, planes };
}

/**
 * Numbers of each channel, or of each spel of it.
 * @param {Step} step
 * @param {Picture} x
 * @returns {Picture}
 */
function batch({ subtract, multiply, add }, x) {
  const at = (/** @type {number[]} */ list, /** @type {number} */ i) =>
    (list.length === 1 ? list[0] : list[i]) ?? 0;
  return {
    ...x,
    planes: x.planes.map((plane, k) =>
      plane.map((v, i) => (v - at(subtract[k], i)) * at(multiply[k], i) + at(add[k], i)),
    ),
  };
}

/** @type {Record<string, (step: Step, ...inputs: Picture[]) => Picture>} */
export const IMAGE_LAYERS = {
  lab: (step, x) => lab(step, /** @type {Picture} */ (x)),
  affine: (step, x) => affine(step, /** @type {Picture} */ (x)),
  linear: (step, x) => linear(step, /** @type {Picture} */ (x)),
  center: (_, x) => center(/** @type {Picture} */ (x)),
  batch: (step, x) => batch(step, /** @type {Picture} */ (x)),
  decode: (step, x) => decode(step, /** @type {Picture} */ (x)),
  concatenate: (_, x, ...more) => ({
    .../** @type {Picture} */ (x),
    planes: [x, ...more].flatMap((one) => one?.planes ?? []),
  }),
};
