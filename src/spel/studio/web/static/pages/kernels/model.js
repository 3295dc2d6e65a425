// @ts-check
// The gallery of kernels: what the user chose, and the order of the cards.

import { state } from "../../store.js";

/** @import { KernelFacts } from "../../server/types.js" */

/**
 * A bank as a gallery.
 * @typedef {object} Gallery
 * @property {KernelFacts[]} kernels
 * @property {Array<{ image: string }>} shown the images of the activations
 * @property {Array<{ image: string, problem: string }>} failed images that cannot be read
 * @property {{ shape: [number, number, number, number], data: Float32Array }} dense
 * @property {Array<{ shape: number[], data: Float32Array }>} activations one (K, rows, cols) per image
 */

export const SORTS = ["order", "contrast", "norm", "class"];

/** Choices that stay while the user looks at other pages. */
export const choices = { sort: "order", decoder: "linear", seed: 42 };

/** The images whose activations are shown: those that are pinned, and the one on the screen. */
export const pins = () => [...new Set([state.image, ...state.doc.pins])];

/**
 * @param {import("../../server/types.js").Packed} packed
 * @returns {Gallery}
 */
export function galleryFrom(packed) {
  const { kernels, shown, failed, arrays } = /** @type {any} */ (packed);
  const [dense, ...activations] = arrays;
  return { kernels, shown, failed, dense, activations };
}

/** @param {KernelFacts} facts */
const contrast = ({ object, background }) => Math.abs((object ?? 0) - (background ?? 0));

/**
 * The kernels in the order that the user chose.
 * @param {KernelFacts[]} kernels
 */
export function sorted(kernels) {
  const entries = kernels.map((facts, index) => ({ facts, index }));
  if (choices.sort === "contrast") entries.sort((a, b) => contrast(b.facts) - contrast(a.facts));
  if (choices.sort === "norm") entries.sort((a, b) => b.facts.norm - a.facts.norm);
  if (choices.sort === "class") {
    entries.sort((a, b) => (a.facts.label ?? -1) - (b.facts.label ?? -1));
  }
  return entries;
}

/**
 * A suggestion only: those that tell object from background best, without near copies.
 * @param {KernelFacts[]} kernels
 * @param {number} count
 */
export function suggested(kernels, count) {
  return kernels
    .map((facts, index) => ({ index, like: facts.like, value: contrast(facts) || facts.norm }))
    .filter(({ like }) => like === null || like === undefined)
    .sort((a, b) => b.value - a.value)
    .slice(0, count)
    .map(({ index }) => index);
}
