// @ts-check
// Layers that look at a window: pooling and divisive normalization.

import { h } from "../base/dom.js";
import { num } from "../base/numbers.js";
import { t } from "../base/words.js";
import { node } from "../store.js";
import { matrix } from "./matrix.js";
import { pointAtCell } from "./sum.js";

/** @import { Place, Terms, TraceStep } from "../server/types.js" */

/**
 * @param {Terms} terms
 * @param {number[]} values
 * @param {number} [mark]
 */
function windowMatrix({ displacements }, values, mark = -1) {
  const title = t("inspector.window", { n: displacements.length });
  const window = matrix(title, displacements, values, { mark, wide: true });
  return h("div", { onpointerover: ({ target }) => pointAtCell(target) }, window);
}

/** @param {TraceStep} step */
export function pooling({ node: name, terms }) {
  const word = node(name)?.kind.startsWith("min") ? "min" : "max";
  /** @type {Place[]} */
  const displacements = terms.displacements;
  /** @type {Place | undefined} */
  const winner = terms.winner;
  const mark = displacements.findIndex((d) => d[0] === winner?.[0] && d[1] === winner[1]);
  const at = winner?.map((d) => (d > 0 ? `+${d}` : d)).join(", ");
  const where = winner ? h("span.muted.taken", {}, ` ${t("inspector.winner", { at })}`) : null;
  const result = h("p.result", {}, `${word} = `, h("output", {}, num(terms.value, 5)), where);
  return h("div.arithmetic", {}, windowMatrix(terms, terms.patch.flat(), mark), result);
}

/** @param {Terms} terms */
export function meanPooling(terms) {
  const { patch, sum, count, value } = terms;
  const result = [`${num(sum)} / ${count} = `, h("output", {}, num(value, 5))];
  return h("div.arithmetic", {}, windowMatrix(terms, patch.flat()), h("p.result", {}, result));
}

/** @param {Terms} terms */
export function divisive(terms) {
  const values = terms.patch.map((/** @type {number | number[]} */ row) =>
    Array.isArray(row) ? row[0] : row,
  );
  const [x, norm] = [num(terms.input), num(terms.norm)];
  const numbers = `${x} / √${num(terms["sum of squares"])} = ${x} / ${norm} = `;
  const result = h("p.result", {}, numbers, h("output", {}, num(terms.value, 5)));
  return h("div.arithmetic", {}, windowMatrix(terms, values), result);
}
