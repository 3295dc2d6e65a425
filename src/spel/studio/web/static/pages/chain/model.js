// @ts-check
// Places and words below the stage of the chain.

import { num } from "../../base/numbers.js";
import { t } from "../../base/words.js";
import { onImage, onStep, state } from "../../store.js";

/** @import { Adjacency, NetworkNode, Picture, Place, Plane, Reach, Step } from "../../server/types.js" */

/**
 * The window that a spel of a step reads, as [r0, c0, r1, c1] on the image.
 * @param {NetworkNode | undefined} node
 * @param {Step} step
 * @param {Place} at a spel of the step
 */
export function outlineOf(node, step, at) {
  const reach = node?.bank?.reach ?? reachOf(node?.fields?.adjacency);
  if (!reach) return null;
  const [row, col] = onImage(step, at);
  const [[top, bottom], [left, right]] = reach;
  return [row + top, col + left, row + bottom + 1, col + right + 1];
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

/**
 * The line below the stage.
 * @param {Step | undefined} step undefined for the image itself
 * @param {Plane | null} plane
 * @param {Picture | null} image
 */
export function statusOf(step, plane, image) {
  const at = state.cursor;
  if (step?.error) return step.error;
  if (!at) return t("stage.hint");
  const words = [t("inspector.at", { row: at[0], col: at[1] })];
  if (plane && step?.shape) {
    const [row, col] = onStep(step, at);
    const grain = plane.grain ?? 1;
    const index = Math.floor(row / grain) * plane.cols + Math.floor(col / grain);
    words.push(num(plane.data[index], 5), readsOf(step), `${num(step.ms, 2)} ms`);
  }
  if (image && image.reduced > 1) words.push(t("stage.reduced", { n: image.reduced }));
  if (image && image.plane !== null) {
    words.push(t("stage.plane", { n: image.plane + 1, of: image.planes }));
  }
  return words.join(" · ");
}

/** @param {Step} step */
function readsOf({ reads }) {
  return typeof reads === "string"
    ? t("stage.reads_all")
    : t("stage.reads", { size: reads.join(" × ") });
}
