// @ts-check
// The decision in the making, and what is said about boxes.

import { reasonText } from "../../base/reasons.js";
import { num } from "../../base/numbers.js";
import { t } from "../../base/words.js";
import { tellsClasses } from "../../picture/labels.js";
import { network, output, state } from "../../store.js";

/** @import { Box, Boxes, Decision, Network, Place, Plane } from "../../server/types.js" */

/** Choices that stay while the user looks at other pages. */
export const choices = { show: /** @type {"image" | "saliency" | "mask" | "truth"} */ ("mask") };

export const RULES = ["otsu", "p95", "p99"];
export const FILTERS = /** @type {const} */ (["area", "width", "height", "aspect"]);
export const SELECTIONS = ["all", "widest", "largest", "closest"];
/** Larger limits mean that there is none. */
export const NO_LIMIT = 1e9;
/** @typedef {typeof FILTERS[number]} Filter */

/**
 * A decision with some parts changed; null takes a part away.
 * @param {Decision} decision
 * @param {Decision} change
 * @returns {Decision}
 */
export function changed(decision, change) {
  const parts = Object.entries({ ...decision, ...change });
  return Object.fromEntries(parts.filter(([, value]) => value !== null && value !== undefined));
}

/**
 * The rule that chooses the threshold, or "value".
 * @param {Decision} decision
 */
export function ruleOf({ threshold }) {
  if (typeof threshold === "number") return "value";
  return threshold ?? "otsu";
}

/**
 * The limits of a filter, or null if it lets everything through.
 * @param {number} low
 * @param {number} high
 * @returns {[number, number] | null}
 */
export const limits = (low, high) =>
  low <= 0 && high >= NO_LIMIT ? null : [low, Math.min(high, NO_LIMIT)];

/** The largest value on a filter's slider, and the power that spreads small values. */
export function filterScale(/** @type {Filter} */ name, /** @type {Place} */ [rows, cols]) {
  const tops = { area: (rows * cols) / 4, width: cols, height: rows, aspect: 12 };
  return { top: tops[name], power: name === "area" ? 3 : 1 };
}

/**
 * The smallest box at a place, or -1.
 * @param {Box[]} boxes
 * @param {Place} place
 */
export function boxAt(boxes, [row, col]) {
  const area = (/** @type {Box} */ [x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0);
  const hits = boxes
    .map((box, index) => ({ box, index }))
    .filter(({ box: [x0, y0, x1, y1] }) => col >= x0 && col < x1 && row >= y0 && row < y1)
    .sort((p, q) => area(p.box) - area(q.box));
  return hits[0]?.index ?? -1;
}

/** @param {number} count */
export const countWord = (count) => t(count === 1 ? "detect.count.one" : "detect.count");

/** @param {Boxes | null} detected */
export function statusOf(detected) {
  if (!detected) return reasonText(output()?.error ?? "");
  const count = `${detected.count} ${countWord(detected.count)}`;
  const { threshold, ms } = detected;
  const above = threshold === null ? "" : ` · ${t("detect.threshold")} ${num(threshold)}`;
  return `${count}${above} · ${num(ms, 2)} ms`;
}

/**
 * The label on a box: whether it is true, and its score. Where there are many, only the chosen one has it.
 * @param {Boxes} detected
 * @param {number} selected
 */
export function labelOf({ boxes, matched, scores, classes }, selected) {
  const few = boxes.length <= 8;
  return (/** @type {number} */ i) => {
    if (!few && i !== selected) return null;
    const sign = matched ? (matched[i] ? "✓ " : "✗ ") : "";
    const name = classes[i] ? `${classes[i]} ` : "";
    return `${sign}${name}${num(scores[i], 2)}`;
  };
}

/** Whether the network at hand slides its kernels over a scale space of the image. */
export const slides = () => Boolean(network()?.decision.kind);

/** Whether boxes come without a saliency: from sliding windows, or as objects of classes. */
export const needsNoSaliency = () => slides() || tellsClasses();

/**
 * The network's decision; of sliding windows what the page has changed, which is nothing at first:
 * each class has a threshold of its own.
 * @param {Network | undefined} own
 * @returns {Decision}
 */
export function decisionOf(own) {
  const decision = own?.decision ?? {};
  return decision.kind ? {} : { ...decision };
}

/**
 * The color of the class of this name.
 * @param {string | undefined} name
 */
export const colorOf = (name) =>
  state.doc.classes.find((one) => one.name === name)?.color ?? "#ffd23f";

/** The true boxes of the image. */
export const truth = () => state.doc.truth[state.image] ?? [];

/**
 * How often each of a hundred ranges of saliency occurs.
 * @param {Plane} saliency
 */
export function countsOf({ data, low, high }) {
  const bins = 100;
  const counts = new Float32Array(bins);
  const times = bins / (high - low || 1);
  for (let i = 0; i < data.length; i++) {
    const bin = Math.min(bins - 1, Math.floor(((data[i] ?? 0) - low) * times));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}
