// @ts-check
// Layers with a short formula: the rule, the numbers in it, the value.

import { tableRow } from "../base/controls.js";
import { h } from "../base/dom.js";
import { num } from "../base/numbers.js";
import { t, textOr } from "../base/words.js";

/** @import { Children } from "../base/dom.js" */
/** @import { Terms } from "../server/types.js" */

/**
 * @param {string} rule
 * @param {string} numbers the rule with numbers in the place of letters
 * @param {number | string} value
 * @param {Children} [more]
 */
export function formula(rule, numbers, value, more = null) {
  const shown = typeof value === "number" ? num(value, 5) : value;
  const result = h("p.result", {}, numbers, " = ", h("output", {}, shown));
  return h("div.arithmetic", {}, h("p.rule", {}, rule), result, more);
}

/**
 * A table of terms by name.
 * @param {Terms} terms
 * @param {string[]} names
 */
export const termsTable = (terms, names) =>
  h(
    "table.terms",
    {},
    names.map((name) => tableRow(textOr(`term.${name}`, name), num(terms[name], 5))),
  );

/** @param {Terms} terms */
export function linear(terms) {
  const { input, min, max, value } = terms;
  const numbers = `(${num(input)} − ${num(min)}) / (${num(max)} − ${num(min)})`;
  const table = termsTable(terms, ["input", "min", "max"]);
  return formula(t("formula.linear"), numbers, value, table);
}

/** @param {Terms} terms */
export function threshold(terms) {
  const numbers = `${num(terms.input)} > ${num(terms.threshold)}`;
  return formula("x > t", numbers, t(terms.value ? "yes" : "no"));
}

/** @param {Terms} terms */
export function scale({ input, factor, shift, value }) {
  return formula("x · f + s", `${num(input)} · ${num(factor)} + ${num(shift)}`, value);
}

/**
 * Of a batch, by spel or by channel, or of groups of channels, whose σ has its ε already.
 * @param {Terms} terms
 */
export function normalization(terms) {
  const { input, mean, deviation, epsilon, gamma, beta } = terms;
  const [divisor, by] =
    terms.over === "channel"
      ? ["√(σ² + ε)", Math.hypot(deviation, Math.sqrt(epsilon))]
      : terms.over === "spel"
        ? ["(σ + ε)", deviation + epsilon]
        : ["σ", deviation];
  const numbers = `(${num(input)} − ${num(mean)}) / ${num(by)} · ${num(gamma)} + ${num(beta)}`;
  const table = termsTable(terms, ["mean", "deviation", "gamma", "beta"]);
  return formula(`(x − μ) / ${divisor} · γ + β`, numbers, terms.value, table);
}

/** @param {Terms} terms */
export function center({ input, median, value }) {
  return formula("x − median", `${num(input)} − ${num(median)}`, value);
}

/** @param {Terms} terms */
export function residue(terms) {
  const a = terms["input scale"];
  const b = terms["normalized scale"];
  const [x, n] = [num(terms.input), num(terms.normalized)];
  if (a === undefined) return formula("ReLU(x − n)", `${x} − ${n}`, terms.value);
  const numbers = `${x} · ${num(a)} − ${n} · ${num(b)}`;
  const note = h("p.small.muted", {}, t("inspector.scaled"));
  return formula("ReLU(x − n)", numbers, terms.value, note);
}

/** @param {Terms} terms */
export function color(terms) {
  /** @type {number[]} */
  const values = Array.isArray(terms.input) ? terms.input : [terms.input];
  const luma = values.length >= 3 && terms.space === "grey";
  const rule = luma ? "(0.299 R + 0.587 G + 0.114 B) / w" : String(terms.space);
  const list = values.map((v) => num(v)).join(", ");
  const [first = 0] = values;
  const shown = values.length >= 3 ? values.slice(0, 3) : [first, first, first];
  const levels = shown.map((v) => Math.round((v / terms.white) * 255)).join(" ");
  const sample = h("span.swatch", { style: { background: `rgb(${levels})` } });
  const numbers = luma ? `${list} / ${num(terms.white)}` : list;
  return formula(rule, numbers, terms.value, h("div.swatches", { "aria-hidden": "true" }, sample));
}
