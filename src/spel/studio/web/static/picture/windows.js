// @ts-check
// The window that a spel of a step reads, on the picture that the step reads.

import { sourceOf } from "../store.js";

/** @import { Adjacency, NetworkNode, Place, Reach, Step } from "../server/types.js" */

/**
 * The window that a spel of a step reads, as [r0, c0, r1, c1] on the image.
 * @param {NetworkNode | undefined} node
 * @param {Step} step
 * @param {Place} at a spel of the step
 */
export function outlineOf(node, step, at) {
  const reach = node?.bank?.reach ?? reachOf(node?.fields?.adjacency);
  if (!reach) return null;
  const source = sourceOf(node?.name);
  // The window lies around the middle of the spel, and is as large as its reach in spels of what
  // the step reads.
  const axis = (/** @type {0 | 1} */ i) => {
    const middle = (at[i] + 0.5) * step.scale[i] + step.offset[i];
    const half = ((reach[i][1] - reach[i][0] + 1) / 2) * (source?.scale[i] ?? 1);
    return [middle - half, middle + half];
  };
  const [[top = 0, bottom = 0], [left = 0, right = 0]] = [axis(0), axis(1)];
  return [top, left, bottom, right];
}

/**
 * @param {Adjacency | undefined} adjacency
 * @returns {Reach | null}
 */
function reachOf(adjacency) {
  if (!adjacency) return null;
  const { shape, dilation: k, width = 1, height = 1, radius = 0, displacements = [] } = adjacency;
  if (shape === "rectangle") {
    const low = (/** @type {number} */ n) => -Math.floor(n / 2);
    /** @type {(n: number) => [number, number]} */
    const side = (n) => [low(n) * k, (n - 1 + low(n)) * k];
    return [side(height), side(width)];
  }
  if (shape === "custom") {
    /** @type {(i: 0 | 1) => [number, number]} */
    const axis = (i) => {
      const steps = displacements.map((d) => d[i]);
      return [Math.min(...steps), Math.max(...steps)];
    };
    return [axis(0), axis(1)];
  }
  const r = Math.floor(radius + 1e-9) * k;
  return [
    [-r, r],
    [-r, r],
  ];
}
