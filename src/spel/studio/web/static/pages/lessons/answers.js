// @ts-check
// The numbers that lessons ask for, computed from the very state that is on the screen.

import { picture, trace, valuesAt } from "../../server/arrays.js";
import { node, onStep, state, step } from "../../store.js";

/** @import { LessonStep, Terms } from "../../server/types.js" */

/**
 * @param {LessonStep} shown
 * @returns {Promise<number | undefined>}
 */
export async function answerOf(shown) {
  const { of = "value" } = shown.ask;
  if (of === "input") return shown.at && (await valuesAt(state.image, shown.at))[0];
  if (of === "parameters") return node(shown.node)?.parameters;
  if (of === "count" || of === "rows") {
    const shape = await shapeOf(shown.node);
    return of === "rows" ? shape[0] : shape.reduce((a, b) => a * b, 1);
  }
  const terms = await termsOf(shown);
  if (!terms) return undefined;
  if (of === "neighbours") return terms.displacements.length;
  if (of === "distance") return (terms.sum + terms.bias) / terms.norm;
  return terms[of];
}

/** @param {string} name */
async function shapeOf(name) {
  if (name !== "input") return step(name)?.shape ?? [];
  const { rows, cols, channels } = await picture(state.image);
  return [rows, cols, channels];
}

/**
 * @param {LessonStep} shown
 * @returns {Promise<Terms | undefined>}
 */
async function termsOf({ node: name, at }) {
  if (!at) return undefined;
  const [row, col] = onStep(step(name), at);
  const { network, image } = state;
  const traced = await trace({ network, image, node: name, row, col, channel: 0 });
  return traced?.steps.at(-1)?.terms;
}
