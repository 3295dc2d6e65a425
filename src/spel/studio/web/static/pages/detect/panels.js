// @ts-check
// Below the form: the list of boxes, why a box is there, all images judged.

import { chip, dot, fact, numberField, quietField, tableRow } from "../../base/controls.js";
import { h } from "../../base/dom.js";
import { num, percent } from "../../base/numbers.js";
import { t } from "../../base/words.js";
import { kernelCanvas } from "../../picture/colors.js";
import { choose, classOf, imageOf, imageTitle } from "../../store.js";
import { drawCurve } from "./draw.js";

/** @import { Boxes, Judged, KernelShare, Place, Reasons, SizedObjects } from "../../server/types.js" */
/** @import { JudgedMasks } from "../../server/judged.js" */

const MAX_BOXES_LISTED = 40;
const MAX_KERNELS_LISTED = 6;

/**
 * @param {Boxes | null} detected
 * @param {(index: number) => void} open
 */
export function boxList(detected, open) {
  const hint = h("p.muted.small", {}, t("detect.why.hint"));
  if (!detected?.count) return [hint];
  const boxes = detected.boxes.slice(0, MAX_BOXES_LISTED).map((_, i) => {
    const text = t("detect.box", { n: i + 1, s: num(detected.scores[i], 2) });
    return chip({ key: i, onclick: () => open(i) }, text);
  });
  return [h("h3", {}, t("detect.boxes")), hint, h("div.row.tight", {}, boxes)];
}

/** @param {Reasons} reasons */
export function whyPanel(reasons) {
  const { saliency: s, margin: m, threshold, area, kernels, vanishes } = reasons;
  const peak =
    threshold === null
      ? t("detect.why.class", { s: num(s) })
      : t("detect.why.peak", { s: num(s), m: num(m), t: num(threshold) });
  const largest = Math.max(...kernels.map((k) => Math.abs(k.share)), 1e-12);
  const shares = kernels.slice(0, MAX_KERNELS_LISTED).map((k) => shareItem(k, largest));
  const made = h("p.muted.small.space-above", { key: "made" }, t("detect.why.kernels"));
  return [
    h("h3", {}, t("detect.why")),
    h("p", {}, `${peak} ${t("detect.why.area", { a: num(area) })}`),
    kernels.length ? made : null,
    h("ul.shares", {}, shares),
    vanishes.length
      ? h("p.muted.small.space-above", { key: "vanishes" }, t("detect.why.vanishes"))
      : null,
    h("ul.plain", {}, vanishes.map(vanishItem)),
    h("div.row", {}, chip({ onclick: () => inspect(reasons) }, t("detect.why.inspect"))),
  ];
}

/** @param {Reasons["vanishes"][number]} change */
function vanishItem({ what, to }) {
  const key = what === "area" ? "detect.why.minarea" : "detect.why.threshold";
  return h("li", { key: what }, t(key, { v: num(to) }));
}

/** @param {Reasons} reasons */
function inspect({ output, spel }) {
  choose({ node: output, cursor: spel, pinned: true, channel: 0 });
  location.hash = "chain";
}

/**
 * @param {KernelShare} share
 * @param {number} largest
 */
function shareItem({ node, channel, share, label, weights }, largest) {
  const width = `${(Math.abs(share) / largest) * 100}%`;
  return h(
    "li",
    { key: `${node} ${channel}` },
    weights ? weightsPicture(weights) : null,
    h(
      "span",
      {},
      h("b", {}, `${node} #${channel}`),
      label === undefined
        ? null
        : h("span.tag", {}, dot(classOf(label).color), classOf(label).name),
    ),
    h("span.share", {}, h(`i.${share < 0 ? "minus" : "plus"}`, { style: { width } })),
    h("output", {}, num(share, 3)),
  );
}

/** @param {number[][][]} weights */
function weightsPicture(weights) {
  const shape = [weights.length, weights[0]?.length ?? 1, weights[0]?.[0]?.length ?? 1];
  const canvas = kernelCanvas(Float32Array.from(weights.flat(2)), shape);
  canvas.className = "share-kernel";
  return canvas;
}

/**
 * Objects of the learned size, and the rate of false alarms that is stated for them.
 * @param {SizedObjects | null} objects
 * @param {(rate: number) => void} setRate
 */
export function objectsPanel(objects, setRate) {
  if (!objects?.boxes) return null;
  const { boxes, probabilities, rate, min_score: least, backgrounds, marked, reached } = objects;
  const list = boxes.slice(0, MAX_BOXES_LISTED).map((box, i) => {
    const text = t("detect.object", { n: i + 1, p: percent(probabilities[i]) });
    const [x0, y0, x1, y1] = box;
    const cursor = /** @type {Place} */ ([Math.round((y0 + y1) / 2), Math.round((x0 + x1) / 2)]);
    return chip({ key: i, onclick: () => choose({ cursor, pinned: true }) }, text);
  });
  const known = rate !== null;
  const promise = known
    ? t("detect.presence", { rate: percent(rate), s: num(least, 3), n: backgrounds })
    : t("detect.presence.none", { s: num(least, 3) });
  return [
    h("h3", { key: "objects" }, t("detect.sized", { n: boxes.length })),
    h("p.small", { key: "promise" }, promise),
    known ? h("p.small", { key: "cost" }, t("detect.presence.cost", { reached, marked })) : null,
    known
      ? quietField(
          t("detect.presence.rate"),
          numberField({ min: 0.001, max: 0.999, step: 0.01, value: rate, onpick: setRate }),
        )
      : null,
    h("div.row.tight", { key: "list" }, list),
  ];
}

/** @param {Judged} judged */
export function judgedPanel({ rows, masks, ...boxes }) {
  return [
    ...(rows.length || !masks.kind ? judgedBoxes({ rows, ...boxes }) : []),
    ...(masks.kind ? judgedMasks(masks) : []),
  ];
}

/** Figures of masks that are shown, and how many of their digits. */
const MASK_FIGURES = ["dice", "iou", "f_beta", "precision", "recall", "false_alarms"];
const INSTANCE_FIGURES = ["ap", "ap50", "f1", "pq", "aji", "count_error"];

/** @param {JudgedMasks} masks */
function judgedMasks({ figures, instances, rows }) {
  if (!figures) {
    return [
      h("h3", { key: "masks" }, t("detect.masks")),
      h("p.muted.small", { key: "no masks" }, t("detect.masks.none")),
    ];
  }
  const named = Object.keys(figures).filter((name) => /^(mean_)?(dice|iou)_/.test(name));
  const shown = figures.dice === undefined ? ["mean_dice", "mean_iou", ...named] : MASK_FIGURES;
  return [
    h("h3", { key: "masks" }, t("detect.masks")),
    figureTable("masks", shown, figures),
    instances ? h("h3", { key: "instances" }, t("detect.instances")) : null,
    instances ? figureTable("instances", INSTANCE_FIGURES, instances) : null,
    h("p.muted.small", { key: "worst" }, t("detect.masks.worst")),
    h("table.terms", { key: "dices" }, rows.slice(0, MAX_BOXES_LISTED).map(diceRow)),
  ];
}

/**
 * @param {string} key
 * @param {string[]} names
 * @param {Record<string, number | null>} figures
 */
function figureTable(key, names, figures) {
  const rows = names.map((name) => tableRow(figureName(name), shown(figures[name])));
  return h("table.terms", { key: `${key} figures` }, rows);
}

/** @param {number | null | undefined} value */
const shown = (value) => (typeof value === "number" ? num(value, 3) : "–");

/** A figure's name; "dice_2" is the Dice coefficient of class 2. @param {string} name */
function figureName(name) {
  const [, figure, label] = /^(dice|iou)_(\d+)$/.exec(name) ?? [];
  if (!figure) return t(`figure.${name}`);
  return `${t(`figure.${figure}`)}, ${classOf(Number(label)).name}`;
}

/** @param {JudgedMasks["rows"][number]} row */
function diceRow({ image, dice }) {
  const link = h(
    "button.link",
    { onclick: () => choose({ image }) },
    imageTitle(imageOf(image)?.name ?? ""),
  );
  return tableRow(link, num(dice, 3));
}

/** @param {Omit<Judged, "masks" | "failed"> & { failed?: unknown }} judged */
function judgedBoxes({ total, ap, curve, rows }) {
  const draw = (/** @type {HTMLCanvasElement} */ canvas) =>
    requestAnimationFrame(() => drawCurve(canvas, curve));
  const label = t("detect.curve");
  return [
    h("h3", { key: "boxes" }, t("detect.all")),
    h(
      "div.facts",
      {},
      fact(t("detect.precision"), percent(total.precision)),
      fact(t("detect.recall"), percent(total.recall)),
      fact("AP", typeof ap === "number" ? num(ap, 3) : "–"),
    ),
    h("p.muted.small", { key: "axes" }, label),
    h("canvas.curve", { width: 520, height: 240, role: "img", "aria-label": label, ref: draw }),
    h("table.terms", {}, rows.map(judgedRow)),
  ];
}

/** @param {Judged["rows"][number]} row */
function judgedRow({ image, hits, false: wrong, missed }) {
  const link = h(
    "button.link",
    { onclick: () => choose({ image }) },
    imageTitle(imageOf(image)?.name ?? ""),
  );
  return tableRow(link, `✓ ${hits}`, `✗ ${wrong}`, `− ${missed}`);
}
