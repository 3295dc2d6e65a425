// @ts-check
// Pictures as planes of numbers.

/** @typedef {{ rows: number, cols: number, planes: Float32Array[] }} Picture */
/** @typedef {Record<string, any> & { name: string, inputs: string[], op: string }} Step */

/**
 * @param {number} rows
 * @param {number} cols
 * @param {number} count
 * @returns {Picture}
 */
export const empty = (rows, cols, count) => ({
  rows,
  cols,
  planes: Array.from({ length: count }, () => new Float32Array(rows * cols)),
});

/**
 * Every value by itself.
 * @param {Picture} x
 * @param {(value: number, channel: number, at: number) => number} f
 * @returns {Picture}
 */
export const each = (x, f) => ({
  ...x,
  planes: x.planes.map((plane, c) => plane.map((value, i) => f(value, c, i))),
});
