// @ts-check
// Layers over the channels of each spel, and over several pictures, value by value.

import { empty } from "./planes.js";

/** @typedef {import("./planes.js").Picture} Picture */
/** @typedef {import("./planes.js").Step} Step */

/**
 * Exponentials of the channels over their sum.
 * @param {Picture} x
 * @returns {Picture}
 */
function softmax(x) {
  const out = empty(x.rows, x.cols, x.planes.length);
  for (let i = 0; i < x.rows * x.cols; i++) {
    const values = x.planes.map((plane) => plane[i] ?? 0);
    const largest = Math.max(...values);
    const powers = values.map((value) => Math.exp(value - largest));
    const sum = powers.reduce((a, b) => a + b, 0);
    out.planes.forEach((plane, c) => {
      plane[i] = (powers[c] ?? 0) / sum;
    });
  }
  return out;
}

/**
 * The number of the channel with the largest value, of equal ones the first.
 * @param {Picture} x
 * @returns {Picture}
 */
function argmax(x) {
  const out = empty(x.rows, x.cols, 1);
  const [target] = out.planes;
  for (let i = 0; target && i < target.length; i++) {
    const values = x.planes.map((plane) => plane[i] ?? 0);
    target[i] = values.indexOf(Math.max(...values));
  }
  return out;
}

/**
 * The sum or the product; one channel serves all channels, and one spel all spels.
 * @param {Step} step
 * @param {Picture[]} pictures
 * @returns {Picture}
 */
function merged({ product }, pictures) {
  const rows = Math.max(...pictures.map((one) => one.rows));
  const cols = Math.max(...pictures.map((one) => one.cols));
  const out = empty(rows, cols, Math.max(...pictures.map((one) => one.planes.length)));
  out.planes.forEach((target, c) => {
    const own = pictures.map((one) => one.planes[one.planes.length === 1 ? 0 : c] ?? target);
    for (let i = 0; i < target.length; i++) {
      const values = own.map((plane) => plane[plane.length === 1 ? 0 : i] ?? 0);
      target[i] = values.reduce((a, b) => Math.fround(product ? a * b : a + b));
    }
  });
  return out;
}

/** @type {Record<string, (step: Step, ...inputs: any[]) => Picture>} */
export const CHANNEL_LAYERS = {
  softmax: (_, x) => softmax(x),
  argmax: (_, x) => argmax(x),
  merge: (step, ...pictures) => merged(step, pictures),
};
