// @ts-check
// A convolution or a weighted sum as arithmetic: patch x kernel = products, their sum + bias.

import { chip } from "../base/controls.js";
import { h } from "../base/dom.js";
import { num, short } from "../base/numbers.js";
import { t } from "../base/words.js";
import { node, pointAt, state } from "../store.js";
import { frameOf, MAX_NUMBERS, matrix } from "./matrix.js";
import { neuron } from "./neuron.js";

/** @import { Place, Terms, TraceStep } from "../server/types.js" */

/**
 * What the user chose for sums; `redraw` shows the inspector again.
 * @typedef {object} SumView
 * @property {Map<string, number>} channels the channel shown, by node
 * @property {boolean} stacked numbers of wide kernels, one matrix below the other
 * @property {boolean} neuron the drawing of the perceptron is open
 * @property {() => void} redraw
 */

/**
 * The arithmetic of a convolution at one spel, one channel at a time.
 * @param {TraceStep} step
 * @param {SumView} view
 */
export function convolutionSum(step, view) {
  const { node: name, terms } = step;
  const shares = sharesOf(terms);
  const channel = shownChannel(name, shares, view);
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
    neuron(step, channel, view),
  );
}

/**
 * What each channel adds to the sum.
 * @param {Terms} terms
 * @returns {number[]}
 */
function sharesOf({ products }) {
  return products[0].map((/** @type {number} */ _, /** @type {number} */ c) =>
    products.reduce((/** @type {number} */ a, /** @type {number[]} */ row) => a + (row[c] ?? 0), 0),
  );
}

/**
 * @param {string} name
 * @param {number[]} shares
 * @param {SumView} view
 */
function shownChannel(name, shares, view) {
  return Math.min(view.channels.get(name) ?? indexOfLargest(shares), shares.length - 1);
}

/**
 * The channel of a step's input whose numbers are shown.
 * @param {TraceStep} step
 * @param {SumView} view
 */
export function sliceOf({ node: name, channel, terms }, view) {
  const sums = terms.products && terms.displacements;
  return sums ? shownChannel(name, sharesOf(terms), view) : channel;
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
      ref: (three) => linkCells(three, terms, channel),
      onpointerover: ({ target }) => pointAtCell(target),
    },
    matrix(t("inspector.patch"), displacements, column(terms.patch), { outside, ...style }),
    operator("×"),
    matrix(t("inspector.kernel"), displacements, column(terms.kernel), signed),
    operator("="),
    matrix(t("inspector.products"), displacements, column(terms.products), signed),
  );
}

/** The terms of a sum on the page. @type {WeakMap<Element, { terms: Terms, channel: number }>} */
const linked = new WeakMap();

/**
 * Remember what the matrices of a sum show, to say more about one neighbour.
 * @param {Element} three
 * @param {Terms} terms
 * @param {number} channel
 */
function linkCells(three, terms, channel) {
  linked.set(three, { terms, channel });
}

/** @param {HTMLElement} cell */
export function pointAtCell(cell) {
  pointAt(cell.dataset?.i === undefined ? null : Number(cell.dataset.i));
}

/**
 * Mark the neighbour that is pointed at in all matrices; below a sum, say how far it has grown.
 * @param {Element} arithmetic of the last step
 */
export function markTerm(arithmetic) {
  for (const cell of arithmetic.querySelectorAll(".same")) cell.classList.remove("same");
  const { term } = state;
  for (const cell of arithmetic.querySelectorAll(`[data-i="${term}"]`)) cell.classList.add("same");
  const three = arithmetic.querySelector(".three");
  const line = three?.nextElementSibling;
  const link = three && linked.get(three);
  if (line) line.textContent = link && term !== null ? termText(link, term) : " ";
}

/**
 * @param {{ terms: Terms, channel: number }} sum
 * @param {number} index
 */
function termText({ terms, channel }, index) {
  /** @type {Place | undefined} */
  const place = terms.displacements[index];
  if (!place) return " ";
  const at = (/** @type {number[][]} */ rows) => num(rows[index]?.[channel], 5);
  const product = `${at(terms.patch)} × ${at(terms.kernel)} = ${at(terms.products)}`;
  const sum = terms.products
    .slice(0, index + 1)
    .reduce((/** @type {number} */ a, /** @type {number[]} */ row) => a + (row[channel] ?? 0), 0);
  return `(${place.join(", ")}): ${product} · ${t("inspector.so_far", { sum: num(sum, 5) })}`;
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
    h("b.sum", {}, num(sum, 5)),
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
