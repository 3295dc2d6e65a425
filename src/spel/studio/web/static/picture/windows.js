// @ts-check
// The window that a spel of a step reads, on the picture that the step reads.

import { tight } from "../base/numbers.js";
import { node, sourceOf, state, step } from "../store.js";
import { cellColors, magnitude, signedScale } from "./colors.js";

/** @import { Adjacency, NetworkNode, Place, Reach, Step, Terms } from "../server/types.js" */

const WEIGHTS_FROM = 26;

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

/**
 * The neighbours of the spel in the inspector, on the picture that its step reads.
 * @typedef {object} Neighbours
 * @property {Array<[number, number]>} corners row and column of each on the image
 * @property {readonly [number, number]} size of one of them
 * @property {number[] | null} weights of the kernel; null where there is none
 * @property {number} winner the one that a pooling took, or -1
 */

/** @returns {Neighbours | null} null where the step reads no window */
export function neighbours() {
  const last = state.trace?.steps.at(-1);
  const shown = last && step(last.node);
  /** @type {Place[] | undefined} */
  const displacements = last?.terms.displacements;
  const window = last && shown?.shape ? outlineOf(node(last.node), shown, last.at) : null;
  if (!last || !displacements || !window) return null;
  const reach = node(last.node)?.bank?.reach ?? reachOf(node(last.node)?.fields.adjacency);
  const size = sourceOf(last.node)?.scale ?? /** @type {const} */ ([1, 1]);
  const [top = 0, left = 0] = window;
  const corners = displacements.map(([row, col]) => {
    const down = row - (reach?.[0][0] ?? 0);
    const right = col - (reach?.[1][0] ?? 0);
    return /** @type {[number, number]} */ ([top + down * size[0], left + right * size[1]]);
  });
  return { corners, size, weights: weightsOf(last.terms), winner: winnerOf(last.terms) };
}

/** @param {Terms} terms */
function weightsOf({ kernel }) {
  if (!Array.isArray(kernel?.[0])) return null;
  return kernel.map((/** @type {number[]} */ row) => row[state.slice] ?? 0);
}

/** @param {Terms} terms */
function winnerOf({ winner, displacements }) {
  return displacements.findIndex(
    (/** @type {Place} */ d) => d[0] === winner?.[0] && d[1] === winner[1],
  );
}

/**
 * The number of the neighbour at a place of the image, or null.
 * @param {Neighbours | null} neighbours
 * @param {Place} place
 */
export function neighbourAt(neighbours, [row, col]) {
  const hit = neighbours?.corners.findIndex(
    ([r, c]) =>
      row >= r && row < r + neighbours.size[0] && col >= c && col < c + neighbours.size[1],
  );
  return hit === undefined || hit < 0 ? null : hit;
}

/**
 * Each neighbour with its weight; the one that is pointed at has a thick rim.
 * @param {CanvasRenderingContext2D} pen
 * @param {number} zoom
 * @param {Neighbours} neighbours
 */
export function drawNeighbours(pen, zoom, { corners, size: [high, wide], weights, winner }) {
  const scale = signedScale(magnitude(weights ?? []));
  corners.forEach(([row, col], i) => {
    const weight = weights?.[i];
    if (weight !== undefined) {
      pen.globalAlpha = 0.45;
      pen.fillStyle = cellColors(weight, scale).background;
      pen.fillRect(col, row, wide, high);
      pen.globalAlpha = 1;
      if (zoom * wide >= WEIGHTS_FROM) drawWeight(pen, weight, [row, col], wide, high);
    }
    pen.lineWidth = 1.5 / zoom;
    pen.strokeStyle = i === winner ? "#3dff9a" : "#ffd23f";
    pen.strokeRect(col, row, wide, high);
  });
  const pointed = state.term === null ? undefined : corners[state.term];
  if (!pointed) return;
  for (const [line, ink] of /** @type {const} */ ([
    [6, "#000"],
    [3, "#fff"],
  ])) {
    pen.lineWidth = line / zoom;
    pen.strokeStyle = ink;
    pen.strokeRect(pointed[1], pointed[0], wide, high);
  }
}

/**
 * A weight in the lower right corner of its spel, under the spel's own number.
 * @param {CanvasRenderingContext2D} pen
 * @param {number} weight
 * @param {Place} corner
 * @param {number} wide
 * @param {number} high
 */
function drawWeight(pen, weight, [row, col], wide, high) {
  pen.font = `700 ${0.22 * high}px ui-monospace, monospace`;
  pen.textAlign = "right";
  pen.textBaseline = "bottom";
  pen.lineWidth = 0.06 * high;
  pen.strokeStyle = "#fff";
  pen.fillStyle = "#7a2c04";
  const text = `×${tight(weight, 6)}`;
  pen.strokeText(text, col + wide * 0.95, row + high * 0.99);
  pen.fillText(text, col + wide * 0.95, row + high * 0.99);
}
