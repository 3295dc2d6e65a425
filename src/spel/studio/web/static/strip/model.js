// @ts-check
// What a card of the strip says about its step.

import { num, short, tight } from "../base/numbers.js";
import { reasonText } from "../base/reasons.js";
import { choiceName, fieldName, kindName, stem, t, textOr } from "../base/words.js";
import { network, stepTitle } from "../store.js";

/** @import { Adjacency, NetworkNode, Step } from "../server/types.js" */

/**
 * What a step does, in few words.
 * @param {NetworkNode} node
 */
export function wordsOf(node) {
  const from = branchOf(node);
  return from ? `${ownWords(node)} ← ${from}` : ownWords(node);
}

/**
 * What a step reads, if that is not just the step before it.
 * @param {NetworkNode} node
 */
function branchOf({ name, inputs }) {
  const nodes = network()?.nodes ?? [];
  const before = nodes[nodes.findIndex((n) => n.name === name) - 1]?.name ?? "input";
  if (inputs.length === 1 && inputs[0] === before) return "";
  return inputs.map((input) => stepTitle(input)).join(", ");
}

/** @param {NetworkNode} node */
function ownWords(node) {
  const { fields, bank } = node;
  const kind = stem(node.kind);
  const stride = fields.stride > 1 ? ` /${fields.stride}` : "";
  if (bank)
    return `${t("kind.convolution")} ${windowOf(bank.adjacency)} · ${bank.kernels}${stride}`;
  if (fields.adjacency) {
    return `${kindName(kind)} ${windowOf(fields.adjacency)}${stride}`;
  }
  if (kind === "activation") return choiceName("function", fields.function);
  if (kind === "color") return choiceName("space", fields.space);
  if (kind === "threshold") return `> ${num(fields.at)}`;
  if (kind === "decode") return `${kindName(kind)} ${fields.method}`;
  return kindName(kind);
}

/** @param {Adjacency} adjacency */
const windowOf = (adjacency) =>
  `${sizeOf(adjacency)}${adjacency.dilation > 1 ? ` ⤢${adjacency.dilation}` : ""}`;

/** @param {Adjacency} adjacency */
function sizeOf(adjacency) {
  const { shape, width, height, radius, displacements } = adjacency;
  if (shape === "rectangle") return `${width} × ${height}`;
  if (shape === "custom") return `${displacements?.length} ${t("spels")}`;
  return `${textOr(`shape.${shape}`, fieldName(shape))} ${num(radius, 3)}`;
}

/**
 * The line below a card's picture.
 * @param {Step | undefined} step undefined if it is switched off
 */
export function factsOf(step) {
  if (!step) return t("step.is.off");
  if (step.error) return problemOf(step.error);
  return `${step.shape.join(" × ")}\n${tight(step.low, 7)} … ${tight(step.high, 7)}`;
}

/**
 * The text that a card shows when the pointer rests on it.
 * @param {Step | undefined} step
 * @param {NetworkNode} node
 */
export function titleOf(step, node) {
  if (!step) return node.words;
  if (step.error) return reasonText(step.error);
  const range = `${short(step.low)} … ${short(step.high)}`;
  return `${step.shape.join(" × ")} · ${range} · ${num(step.ms, 3)} ms`;
}

/** @param {string} error */
function problemOf(error) {
  if (error.startsWith("waits")) return t("step.waits");
  return t(error.startsWith("Unlearned") ? "step.unlearned" : "step.error");
}
