// @ts-check
// One step of a trace as its arithmetic. The terms that the engine used say which kind it is.

import { activation } from "./curve.js";
import {
  center,
  color,
  linear,
  normalization,
  residue,
  scale,
  termsTable,
  threshold,
} from "./formulas.js";
import { convolutionSum, weightedSum } from "./sum.js";
import { divisive, meanPooling, pooling } from "./windows.js";

/** @import { Description } from "../base/dom.js" */
/** @import { TraceStep } from "../server/types.js" */
/** @import { SumView } from "./sum.js" */

/**
 * @param {TraceStep} step
 * @param {SumView} view
 * @returns {Description}
 */
export function arithmetic(step, view) {
  const { terms } = step;
  if (terms.products && terms.displacements) return convolutionSum(step, view);
  if (terms.products) return weightedSum(terms);
  if (terms.function) return activation(terms);
  if ("sum of squares" in terms) return divisive(terms);
  if (terms.patch && "count" in terms) return meanPooling(terms);
  if (terms.winner || (terms.patch && terms.displacements)) return pooling(step);
  if ("normalized" in terms) return residue(terms);
  if ("min" in terms && "max" in terms) return linear(terms);
  if ("threshold" in terms) return threshold(terms);
  if ("factor" in terms) return scale(terms);
  if ("deviation" in terms) return normalization(terms);
  if ("median" in terms) return center(terms);
  if ("space" in terms) return color(terms);
  const simple = Object.keys(terms).filter((name) => typeof terms[name] !== "object");
  return termsTable(terms, simple);
}
