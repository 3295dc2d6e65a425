// @ts-check
// Two networks on the same image: which ones, their difference, the facts about them.

import { num, percent } from "../../base/numbers.js";
import { state } from "../../store.js";

/** @import { Boxes, Judged, Plane, Run } from "../../server/types.js" */

/** The second network: the one chosen, or another one than the first. */
export function otherNetwork() {
  const names = state.doc.networks.map((n) => n.name);
  const { other, network } = state;
  if (other && other !== network && names.includes(other)) return other;
  return names.find((name) => name !== network) ?? network;
}

/**
 * A plane brought to the range from 0 to 1.
 * @param {Plane} plane
 * @returns {Plane}
 */
export function toUnit({ low, high, data, rows, cols }) {
  const span = high - low || 1;
  return { rows, cols, low: 0, high: 1, data: Float32Array.from(data, (v) => (v - low) / span) };
}

/**
 * The first plane minus the second; null if they differ in size.
 * @param {Plane | null | undefined} a
 * @param {Plane | null | undefined} b
 * @returns {Plane | null}
 */
export function difference(a, b) {
  if (!a || !b || a.rows !== b.rows || a.cols !== b.cols) return null;
  const data = Float32Array.from(a.data, (v, i) => v - (b.data[i] ?? 0));
  let top = 0;
  for (const v of data) top = Math.max(top, Math.abs(v));
  return { rows: a.rows, cols: a.cols, data, low: -top, high: top };
}

/**
 * The rows of the table: a name, and a text for each network.
 * @param {string[]} names
 * @param {Run[]} runs
 * @param {Array<Boxes | null>} boxes
 * @param {Array<Judged | null>} judged
 * @returns {Array<[string, string[]]>}
 */
export function factRows(names, runs, boxes, judged) {
  const drawn = Object.values(state.doc.strokes).reduce((sum, of) => sum + of.length, 0);
  const learned = names.map((name) => state.doc.networks.find((n) => n.name === name)?.learned);
  const adds = (/** @type {Run} */ run) =>
    run.multiply_adds === null ? "–" : `${num(run.multiply_adds / 1e6)} M`;
  return [
    ["parameters", runs.map((run) => num(run.parameters, 6))],
    ["adds", runs.map(adds)],
    ["ms", runs.map((run) => `${num(run.ms, 3)} ms`)],
    ["strokes", learned.map((is) => (is ? String(drawn) : "0"))],
    ["boxes", boxes.map((of) => (of ? String(of.count) : "–"))],
    ["precision", judged.map((of) => percent(of?.total.precision))],
    ["recall", judged.map((of) => percent(of?.total.recall))],
  ];
}
