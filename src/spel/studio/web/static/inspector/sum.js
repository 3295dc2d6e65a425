// @ts-check
// A convolution or a weighted sum as arithmetic: patch x kernel = products, their sum + bias.

import { chip } from "../base/controls.js";
import { h } from "../base/dom.js";
import { num, short } from "../base/numbers.js";
import { t } from "../base/words.js";
import { node } from "../store.js";
import { frameOf, MAX_NUMBERS, matrix } from "./matrix.js";

/** @import { Place, Terms, TraceStep } from "../server/types.js" */

/**
 * What the user chose for sums; `redraw` shows the inspector again.
 * @typedef {object} SumView
 * @property {Map<string, number>} channels the channel shown, by node
 * @property {boolean} stacked numbers of wide kernels, one matrix below the other
 * @property {() => void} redraw
 */

/**
 * The arithmetic of a convolution at one spel, one channel at a time.
 * @param {TraceStep} step
 * @param {SumView} view
 */
export function convolutionSum({ node: name, terms }, view) {
  /** @type {number[][]} */
  const products = terms.products;
  const shares = (products[0] ?? []).map((_, c) =>
    products.reduce((a, row) => a + (row[c] ?? 0), 0),
  );
  const strongest = indexOfLargest(shares);
  const channel = Math.min(view.channels.get(name) ?? strongest, shares.length - 1);
  const { across } = frameOf(terms.displacements);
  const wide = across > 3 && terms.displacements.length <= MAX_NUMBERS;
  const show = () => {
    view.stacked = !view.stacked;
    view.redraw();
  };
  return h(
    "div.arithmetic",
    {},
    shares.length > 1 ? channelPicks(name, shares, channel, view) : null,
    threeMatrices(terms, channel, wide, view.stacked),
    h("p.small.muted.linked", {}, " "),
    wide ? chip({ pressed: view.stacked, onclick: show }, t("inspector.numbers")) : null,
    terms.inside.every(Boolean) ? null : borderNote(name),
    total(terms),
    terms.norm > 0 ? distance(terms) : null,
  );
}

/** @param {number[]} values */
function indexOfLargest(values) {
  const sizes = values.map(Math.abs);
  return Math.max(0, sizes.indexOf(Math.max(...sizes)));
}

/**
 * @param {string} name
 * @param {number[]} shares
 * @param {number} now
 * @param {SumView} view
 */
function channelPicks(name, shares, now, view) {
  const order = shares
    .map((share, channel) => ({ share, channel }))
    .sort((a, b) => Math.abs(b.share) - Math.abs(a.share))
    .slice(0, 24);
  const pick = (/** @type {number} */ channel) => {
    view.channels.set(name, channel);
    view.redraw();
  };
  return h(
    "div.slices",
    { role: "group", "aria-label": t("inspector.slices") },
    order.map(({ share, channel }) =>
      chip(
        {
          key: channel,
          pressed: channel === now,
          title: t("inspector.slice", { c: channel }),
          onclick: () => pick(channel),
        },
        `#${channel} `,
        h("b", {}, short(share)),
      ),
    ),
  );
}

/**
 * @param {Terms} terms
 * @param {number} channel
 * @param {boolean} wide
 * @param {boolean} stacked
 */
function threeMatrices(terms, channel, wide, stacked) {
  const { displacements } = terms;
  const column = (/** @type {number[][]} */ rows) => rows.map((row) => row[channel] ?? 0);
  const outside = terms.inside.map((/** @type {boolean} */ v) => !v);
  const style = { wide: wide && stacked, blank: wide && !stacked };
  const signed = { ...style, signed: true };
  const operator = (/** @type {string} */ sign) =>
    h("span.operator", { key: sign, "aria-hidden": "true" }, sign);
  return h(
    "div.three",
    {
      class: wide && stacked ? "stacked" : "",
      onpointerover: ({ currentTarget, target }) =>
        linkCells(currentTarget, target.dataset?.i, terms, channel),
    },
    matrix(t("inspector.patch"), displacements, column(terms.patch), { outside, ...style }),
    operator("×"),
    matrix(t("inspector.kernel"), displacements, column(terms.kernel), signed),
    operator("="),
    matrix(t("inspector.products"), displacements, column(terms.products), signed),
  );
}

/**
 * Mark the same place in all three matrices, and say its product.
 * @param {HTMLElement} three
 * @param {string | undefined} index of the displacement under the pointer
 * @param {Terms} terms
 * @param {number} channel
 */
function linkCells(three, index, terms, channel) {
  const line = /** @type {HTMLElement} */ (three.nextElementSibling);
  for (const cell of three.querySelectorAll(".same")) cell.classList.remove("same");
  line.textContent = " ";
  if (index === undefined) return;
  for (const cell of three.querySelectorAll(`[data-i="${index}"]`)) cell.classList.add("same");
  const at = (/** @type {number[][]} */ rows) => num(rows[Number(index)]?.[channel], 5);
  /** @type {Place} */
  const place = terms.displacements[Number(index)];
  const product = `${at(terms.patch)} × ${at(terms.kernel)} = ${at(terms.products)}`;
  line.textContent = `(${place.join(", ")}): ${product}`;
}

/** @param {string} name */
function borderNote(name) {
  const border = String(node(name)?.fields.border ?? "");
  const sample = h("span.hatch-sample", { "aria-hidden": "true" });
  return h("p.small.muted.border-note", {}, sample, t("inspector.border", { border }));
}

/** @param {Terms} terms */
function distance({ sum, bias, norm }) {
  const text = t("inspector.distance", { d: num((sum + bias) / norm) });
  return h("p.small.muted.distance", {}, text);
}

/** @param {Terms} terms */
function total({ sum, bias, value }) {
  return h(
    "p.result",
    {},
    h("span", {}, t("inspector.sum")),
    num(sum, 5),
    " + ",
    h("span", {}, t("kernel.bias")),
    num(bias),
    " = ",
    h("output", {}, num(value, 5)),
  );
}

/**
 * The largest products of a weighted sum of channels, as bars.
 * @param {Terms} terms
 */
export function weightedSum(terms) {
  /** @type {number[]} */
  const products = terms.products;
  const rows = products
    .map((product, i) => ({ product, i }))
    .sort((a, b) => Math.abs(b.product) - Math.abs(a.product))
    .slice(0, 12);
  const top = Math.max(...rows.map(({ product }) => Math.abs(product)), 1e-12);
  const bar = (/** @type {number} */ product) =>
    h(`span.${product < 0 ? "minus" : "plus"}`, {
      style: { width: `${(Math.abs(product) / top) * 100}%` },
    });
  const lines = rows.map(({ product, i }) =>
    h(
      "tr",
      { key: i },
      h("th", { scope: "row" }, `#${i}`),
      h("td", {}, `${num(terms.patch[i])} × ${num(terms.kernel[i])}`),
      h("td", {}, num(product)),
      h("td.bar", {}, bar(product)),
    ),
  );
  return h("div.arithmetic", {}, h("table.terms.bars", {}, lines), total(terms));
}
