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
