// @ts-check
// The frame of the cloud while things change: normalization moves the points inside one frame, and
// fingers or the wheel look closer.

import { clamp } from "../../base/numbers.js";

/** @import { Place } from "../../server/types.js" */
/** @import { Cloud, Frame, Triple } from "./model.js" */

const MOVE_MS = 700;
const MIN_ZOOM = 0.5;
const MAX_ZOOM = 400;

/** How closely the frame is looked at, and where its middle is on the canvas. */
export class Look {
  zoom = 1;
  x = 0;
  y = 0;

  reset() {
    Object.assign(this, { zoom: 1, x: 0, y: 0 });
  }

  /**
   * @param {number} factor
   * @param {Place} at a point from the middle of the canvas, which stays where it is
   */
  zoomBy(factor, [x, y]) {
    const next = clamp(this.zoom * factor, MIN_ZOOM, MAX_ZOOM);
    const k = next / this.zoom;
    Object.assign(this, { zoom: next, x: x - (x - this.x) * k, y: y - (y - this.y) * k });
  }
}

/**
 * A frame around two others and the origin, with one scale for both axes: what a normalization does
 * to the points is then seen as it is.
 * @param {Frame} a
 * @param {Frame} b
 * @returns {Frame}
 */
export function frameAround(a, b) {
  const sides = [a, b].map(({ center, reach, stretch: [x, y] }) => {
    const spans = [reach / x, reach / y, reach];
    return center.map((c, i) => [c - (spans[i] ?? 0), c + (spans[i] ?? 0)]);
  });
  const ends = [0, 1, 2].map((axis) => {
    const all = [0, ...sides.flatMap((side) => side[axis] ?? [])];
    return [Math.min(...all), Math.max(...all)];
  });
  const center = /** @type {Triple} */ (ends.map(([low = 0, high = 0]) => (low + high) / 2));
  const reach = Math.max(...ends.map(([low = 0, high = 0]) => (high - low) / 2)) || 1;
  return { center, reach, stretch: [1, 1], third: b.third };
}

/**
 * Let the points of a cloud come from where they were.
 * @param {Cloud} before
 * @param {Cloud} after its coordinates are changed until they are the final ones
 * @param {() => boolean} draw returns whether the cloud is still shown
 */
export function moveCloud(before, after, draw) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (still || before.count !== after.count) return;
  const end = after.coordinates;
  const start = before.coordinates;
  const begin = performance.now();
  const frame = () => {
    const part = Math.min(1, (performance.now() - begin) / MOVE_MS);
    const eased = part * part * (3 - 2 * part);
    after.coordinates =
      part < 1 ? end.map((v, i) => (start[i] ?? 0) + eased * (v - (start[i] ?? 0))) : end;
    if (draw() && part < 1) requestAnimationFrame(frame);
    else after.coordinates = end;
  };
  frame();
}
