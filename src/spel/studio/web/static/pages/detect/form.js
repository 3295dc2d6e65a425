// @ts-check
// The form of the decision: threshold, filters, selection.

import {
  chip,
  dot,
  fact,
  field,
  numberField,
  quietField,
  radio,
  selectField,
  slider,
  tableRow,
} from "../../base/controls.js";
import { h } from "../../base/dom.js";
import { icon } from "../../base/icons.js";
import { clamp, num, percent } from "../../base/numbers.js";
import { sayProblem } from "../../base/toasts.js";
import { reasonText } from "../../base/reasons.js";
import { t } from "../../base/words.js";
import { act } from "../../commands.js";
import { download } from "../../server/api.js";
import { classOf, network, output, state } from "../../store.js";
import {
  countsOf,
  countWord,
  FILTERS,
  filterScale,
  limits,
  NO_LIMIT,
  RULES,
  ruleOf,
  SELECTIONS,
} from "./model.js";
import { taskOf, taskRow } from "../../tasks.js";
import { boxFormat, openTruth } from "../markers/box-panel.js";
import { UNDECIDED } from "../../picture/labels.js";
import { drawHistogram } from "./draw.js";

/** @import { Boxes, Decision, Labels, Place, Plane } from "../../server/types.js" */
/** @import { Filter } from "./model.js" */

/**
 * What a form shows, and what it does.
 * @typedef {object} AnyView
 * @property {Decision} decision
 * @property {Boxes | null} detected
 * @property {Place} size of the image
 * @property {(change: Decision) => void} set change the document
 * @property {(change: Decision) => void} drag try a change while something is dragged
 * @property {() => void} rest a drag has ended
 * @property {() => void} judge
 */
/** @typedef {AnyView & { saliency: Plane }} FormView */

/** What stands in the place of the form where there is no saliency. */
export function noSaliency() {
  const last = output();
  if (!last) return [h("h2", {}, t("detect.title")), h("p.muted", {}, t("detect.nothing"))];
  const several = (last?.shape?.[2] ?? 0) > 1;
  const where = { network: state.network, after: last?.name, image: state.image };
  const add = () => act({ do: "add_step", kind: "weighted_sum", ...where });
  const button = h("button.primary", { onclick: add }, t("detect.fix"));
  return [
    h("h2", {}, t("detect.title")),
    h("p.error", {}, last?.error ? reasonText(last.error) : t("detect.fix")),
    several ? h("div.row", {}, button) : null,
  ];
}

/**
 * The form of sliding windows: their sizes and scales belong to the kernels.
 * @param {AnyView} view
 */
export function windowsForm(view) {
  const { detected, decision, drag, rest } = view;
  return [
    heading(detected),
    quality(detected),
    h("p.muted.small", { key: "about" }, t("detect.windows")),
    h(
      "div.field.stack",
      { key: "rule" },
      h("label", { htmlFor: "threshold" }, t("detect.probability")),
      h("output.now", {}, detected ? num(detected.threshold) : ""),
    ),
    slider({
      what: "input.wide-slider",
      id: "threshold",
      min: 0,
      max: 1,
      step: 0.01,
      value: Number(decision.threshold ?? detected?.threshold ?? 0.5),
      onmove: (threshold) => drag({ threshold }),
      onrest: rest,
    }),
    mostField(view),
    truthRow(view),
  ];
}

/** How many boxes sliding windows give at most, of each class. @param {AnyView} view */
function mostField({ set }) {
  const own = network()?.decision;
  const value = own?.max_detections ?? own?.classes?.[0]?.windows.max_detections ?? null;
  const label = t("detect.most");
  const pick = (/** @type {number} */ most) => set({ max_detections: most });
  const input = numberField({ min: 1, step: 1, value, "aria-label": label, onpick: pick });
  return quietField(label, input);
}

/**
 * What stands in the place of the form where the network tells classes apart.
 * @param {AnyView} view
 * @param {Labels | null} labels
 */
export function classesForm(view, labels) {
  const rows = (labels?.classes ?? []).map(({ label, objects, share }) =>
    tableRow(
      [dot(classOf(label).color), ` ${classOf(label).name}`],
      objects ?? "–",
      percent(share),
    ),
  );
  const heads = ["detect.class", "detect.objects", "detect.share"].map((key) =>
    h("th", { scope: "col", key }, t(key)),
  );
  return [
    heading(view.detected),
    quality(view.detected),
    h("p.muted.small", { key: "about" }, t("detect.classes")),
    h(
      "table.terms",
      { key: "classes" },
      h("tr", { key: "head" }, heads),
      rows,
      undecidedRow(labels),
    ),
    labels ? undecidedField(labels) : null,
    truthRow(view),
  ];
}

/** The share of the pixels that belong to no class. @param {Labels | null} labels */
function undecidedRow(labels) {
  if (!labels?.limit) return null;
  return tableRow([dot(UNDECIDED), ` ${t("detect.undecided")}`], "–", percent(labels.undecided));
}

/** @param {Labels} labels */
function undecidedField({ limit }) {
  const set = (/** @type {number} */ undecided) =>
    act({ do: "set_undecided", network: state.network, undecided });
  const label = t("detect.undecided.below");
  const range = slider({
    min: 0,
    max: 1,
    step: 0.01,
    value: limit,
    "aria-label": label,
    onrest: set,
  });
  return quietField(label, [range, h("output.now", {}, num(limit, 2))]);
}

/** @param {FormView} view */
export function decisionForm(view) {
  return [
    heading(view.detected),
    quality(view.detected),
    network()?.cut ? h("p.muted.small", { key: "cut" }, t("detect.cut")) : null,
    thresholdField(view),
    histogram(view),
    thresholdSlider(view),
    FILTERS.map((name) => filterField(name, view)),
    selectionField(view),
    view.decision.select === "closest" ? sizeField(view) : null,
    truthRow(view),
  ];
}

/** @param {Boxes | null} detected */
function heading(detected) {
  const count = h(
    "p.count",
    {},
    h("output", {}, detected ? String(detected.count) : "–"),
    h("span", {}, countWord(detected?.count ?? 0)),
  );
  return h("header.row.between", {}, h("h2", {}, t("detect.title")), count);
}

/** @param {Boxes | null} detected */
function quality(detected) {
  const judged = detected?.truth;
  return h(
    "div.facts",
    {},
    judged
      ? [
          fact(t("detect.precision"), percent(judged.precision)),
          fact(t("detect.recall"), percent(judged.recall)),
          fact(t("detect.missed"), judged.missed),
          fact(t("detect.false"), judged.false),
        ]
      : h("span.muted.small", {}, t("detect.truth.none")),
  );
}

/** @param {FormView} view */
function thresholdField({ decision, detected, set }) {
  const rules = RULES.map((r) => /** @type {const} */ ([r, r]));
  const pick = (/** @type {string} */ threshold) => set({ threshold });
  return h(
    "div.field.stack",
    { key: "rule" },
    h("label", { htmlFor: "threshold" }, t("detect.threshold")),
    h(
      "span.inputs",
      {},
      radio(t("detect.rule"), rules, ruleOf(decision), pick),
      h("output.now", {}, detected ? num(detected.threshold) : ""),
    ),
  );
}

/** Counts of the saliency drawn last. @type {WeakMap<Plane, Float32Array>} */
const counted = new WeakMap();

/** @param {FormView} view */
function histogram({ saliency, detected }) {
  const draw = (/** @type {HTMLCanvasElement} */ canvas) => {
    const counts = counted.get(saliency) ?? countsOf(saliency);
    counted.set(saliency, counts);
    // In its first patch the canvas has no size yet.
    requestAnimationFrame(() => {
      if (canvas.clientWidth) drawHistogram(canvas, saliency, counts, detected?.threshold ?? 0);
    });
  };
  const label = t("detect.threshold");
  return h("canvas.histogram", { role: "img", "aria-label": label, ref: draw });
}

/** @param {FormView} view */
function thresholdSlider({ saliency, detected, decision, drag, rest }) {
  const { low, high } = saliency;
  const now = typeof decision.threshold === "number" ? decision.threshold : detected?.threshold;
  return slider({
    what: "input.wide-slider",
    id: "threshold",
    min: low,
    max: high,
    step: (high - low) / 500 || 1,
    value: clamp(now ?? low, low, high),
    "aria-label": t("detect.threshold"),
    onmove: (threshold) => drag({ threshold }),
    onrest: rest,
  });
}

/**
 * @param {Filter} name
 * @param {FormView} view
 */
function filterField(name, { decision, size, set, drag, rest }) {
  const [low, high] = decision[name] ?? [0, NO_LIMIT];
  const { top, power } = filterScale(name, size);
  const id = `filter-${name}`;
  const text = t(`detect.${name}`);
  const from = `${text} ${t("detect.from")}`;
  const number = { min: 0, step: "any" };
  const shown = name === "aspect" ? low.toFixed(2) : String(Math.round(low * 100) / 100);
  const first = numberField({
    ...number,
    id,
    value: low > 0 ? shown : null,
    placeholder: "0",
    "aria-label": from,
    onpick: (value) => set({ [name]: limits(value, high) }),
    onempty: () => set({ [name]: limits(0, high) }),
  });
  const last = numberField({
    ...number,
    key: "to",
    value: high >= NO_LIMIT ? null : high,
    placeholder: "∞",
    "aria-label": `${text} ${t("detect.to")}`,
    onpick: (value) => set({ [name]: limits(low, value) }),
    onempty: () => set({ [name]: limits(low, NO_LIMIT) }),
  });
  const rounded = (/** @type {number} */ v) =>
    name === "aspect" ? Number(v.toFixed(2)) : Math.round(v);
  const range = slider({
    min: 0,
    max: 1,
    step: 0.002,
    value: (low / top) ** (1 / power),
    "aria-label": from,
    "data-filter": name,
    onmove: (value) => drag({ [name]: limits(rounded(value ** power * top), high) }),
    onrest: rest,
  });
  const inputs = h("span.inputs.nowrap", {}, first, range, last);
  return h("div.field.filter", { key: id }, h("label", { htmlFor: id }, text), inputs);
}

/** @param {FormView} view */
function selectionField({ decision, set }) {
  const names = SELECTIONS.map((s) => /** @type {const} */ ([s, t(`detect.select.${s}`)]));
  const pick = (/** @type {string} */ select) =>
    set({ select, size: select === "closest" ? (decision.size ?? [90, 30]) : null });
  const label = { "aria-label": t("detect.select") };
  return quietField(t("detect.select"), selectField(names, decision.select ?? "all", pick, label));
}

/** @param {FormView} view */
function sizeField({ decision, set }) {
  const [width, height] = decision.size ?? [90, 30];
  return field(
    t("detect.size"),
    "closest-width",
    numberField({
      id: "closest-width",
      min: 1,
      value: width,
      "aria-label": t("detect.width"),
      onpick: (value) => set({ size: [value, height] }),
    }),
    numberField({
      key: "height",
      min: 1,
      value: height,
      "aria-label": t("detect.height"),
      onpick: (value) => set({ size: [width, value] }),
    }),
  );
}

/** The boxes of all images, in the format that is chosen for boxes. */
function saveDetected() {
  const { network, image } = state;
  download("export/detected-boxes", { network, image, format: boxFormat() }).catch(sayProblem);
}

/** @param {AnyView} view */
function truthRow({ judge }) {
  const none = !Object.keys({ ...state.doc.truth, ...state.doc.masks }).length;
  return h(
    "div.row",
    { key: "truth" },
    chip({ key: "judge", onclick: judge, disabled: none }, t("detect.judge")),
    taskOf("judge")?.state === "done" ? null : taskRow("judge"),
    chip({ key: "load", onclick: openTruth }, icon("upload"), t("detect.truth.load")),
    chip({ key: "save", onclick: saveDetected }, icon("download"), t("detect.found.save")),
  );
}
