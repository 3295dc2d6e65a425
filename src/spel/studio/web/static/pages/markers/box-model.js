// @ts-check
// True boxes under the pointer: which part of which box, and what a drag makes of it.

import { clamp } from "../../base/numbers.js";

/** @import { Place, TrueBox } from "../../server/types.js" */

/**
 * What a drag does to a box: the sides that it moves, in the order x0, y0, x1, y1.
 * @typedef {{ index: number, sides: [boolean, boolean, boolean, boolean] }} Grip
 */

const ALL = /** @type {Grip["sides"]} */ ([true, true, true, true]);
const MIN_SIDE = 1;

/**
 * The part of a box at a place: sides within reach of the pointer, or the whole box. Of several
 * boxes the chosen one comes first, then the smallest.
 * @param {TrueBox[]} boxes
 * @param {Place} place
 * @param {number} reach in spels
 * @param {number} chosen
 * @returns {Grip | null}
 */
export function gripAt(boxes, place, reach, chosen) {
  const order = boxes.map((_, index) => index).sort((a, b) => rank(a) - rank(b));
  /** @param {number} i */
  function rank(i) {
    return i === chosen ? -1 : areaOf(boxes[i]);
  }
  for (const index of order) {
    const sides = sidesAt(/** @type {TrueBox} */ (boxes[index]), place, reach);
    if (sides) return { index, sides };
  }
  return null;
}

/** @param {TrueBox | undefined} box */
const areaOf = (box) => (box ? (box[2] - box[0]) * (box[3] - box[1]) : 0);

/**
 * @param {TrueBox} box
 * @param {Place} place
 * @param {number} reach
 * @returns {Grip["sides"] | null}
 */
function sidesAt([x0, y0, x1, y1], [row, col], reach) {
  if (col < x0 - reach || col > x1 + reach || row < y0 - reach || row > y1 + reach) return null;
  // Of a small box the middle third moves all of it.
  const wide = Math.min(reach, (x1 - x0) / 3);
  const high = Math.min(reach, (y1 - y0) / 3);
  /** @type {Grip["sides"]} */
  const sides = [col <= x0 + wide, row <= y0 + high, col >= x1 - wide, row >= y1 - high];
  return sides.some(Boolean) ? sides : ALL;
}

/**
 * A box after a drag; it stays inside the image, and no side passes the opposite one.
 * @param {TrueBox} box
 * @param {Grip["sides"]} sides
 * @param {Place} by rows and columns
 * @param {Place} size of the image
 * @returns {TrueBox}
 */
export function dragged([x0, y0, x1, y1, label], sides, [down, right], [rows, cols]) {
  if (sides.every(Boolean)) {
    const dx = clamp(right, -x0, cols - x1);
    const dy = clamp(down, -y0, rows - y1);
    return [x0 + dx, y0 + dy, x1 + dx, y1 + dy, label];
  }
  const [left, top, far, bottom] = sides;
  return [
    left ? clamp(x0 + right, 0, x1 - MIN_SIDE) : x0,
    top ? clamp(y0 + down, 0, y1 - MIN_SIDE) : y0,
    far ? clamp(x1 + right, x0 + MIN_SIDE, cols) : x1,
    bottom ? clamp(y1 + down, y0 + MIN_SIDE, rows) : y1,
    label,
  ];
}

/**
 * The box between two places, in whole spels; null if it is too small to be meant.
 * @param {Place} from
 * @param {Place} to
 * @param {Place} size
 * @param {number} label
 * @returns {TrueBox | null}
 */
export function boxBetween([r0, c0], [r1, c1], [rows, cols], label) {
  /** @type {(a: number, b: number, most: number) => [number, number]} */
  const side = (a, b, most) => [
    clamp(Math.floor(Math.min(a, b)), 0, most),
    clamp(Math.ceil(Math.max(a, b)), 0, most),
  ];
  const [x0, x1] = side(c0, c1, cols);
  const [y0, y1] = side(r0, r1, rows);
  return x1 - x0 > MIN_SIDE && y1 - y0 > MIN_SIDE ? [x0, y0, x1, y1, label] : null;
}

/**
 * A box in whole spels.
 * @param {TrueBox} box
 * @returns {TrueBox}
 */
export function rounded([x0, y0, x1, y1, label]) {
  return [Math.round(x0), Math.round(y0), Math.round(x1), Math.round(y1), label];
}
