// @ts-check
// The image itself: what its file holds, what black and white stand for, which plane is shown.

import { chip, field, numberField, radio, slider, tableRow } from "../base/controls.js";
import { h } from "../base/dom.js";
import { clamp, exact } from "../base/numbers.js";
import { t } from "../base/words.js";
import { imageCanvas, penOf } from "../picture/colors.js";
import { countsOf, isChosen, limitsOf, setLimits } from "../picture/contrast.js";
import { choose, imageTitle, sourceIdOf } from "../store.js";

/** @import { Picture, Planes } from "../server/types.js" */
/** @import { Limits } from "../picture/contrast.js" */

const BINS = 128;
const TALL = 70;

/**
 * @param {Picture} picture
 * @param {Planes | null} slices planes of its stack
 */
export function imageForm(picture, slices) {
  const { stack, cut } = picture;
  return [
    h("table.terms", { key: "facts" }, factRows(picture)),
    stack && cut ? planeSection(picture.id, stack, cut, slices) : null,
    contrastSection(picture),
  ];
}

/** @param {Picture} picture */
function factRows({ name, rows, cols, channels, dtype, data }) {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [
    tableRow(t("image"), imageTitle(name)),
    tableRow(t("image.size"), `${rows} × ${cols} × ${channels}`),
    tableRow(t("image.type"), dtype),
    tableRow(t("image.range"), low <= high ? `${exact(low)} … ${exact(high)}` : "–"),
  ];
}

// -- contrast --------------------------------------------------------------------------------------

/** @param {Picture} picture */
function contrastSection(picture) {
  const limits = limitsOf(picture);
  const set = (/** @type {0 | 1} */ i) => (/** @type {number} */ value) => {
    /** @type {Limits} */
    const changed =
      i === 0 ? [value, Math.max(value, limits[1])] : [Math.min(value, limits[0]), value];
    setLimits(picture.id, changed);
  };
  const draw = (/** @type {HTMLCanvasElement} */ canvas) =>
    requestAnimationFrame(() => drawHistogram(canvas, picture, limits));
  return h(
    "section.contrast",
    { key: `contrast ${picture.id}` },
    h("h2.minor", {}, t("contrast")),
    h("canvas.contrast-histogram", {
      role: "img",
      "aria-label": t("contrast.histogram"),
      ref: draw,
    }),
    limitField(picture, "black", limits[0], set(0)),
    limitField(picture, "white", limits[1], set(1)),
    h(
      "div.row",
      {},
      chip({ onclick: () => setLimits(picture.id, middle(picture)) }, t("contrast.stretch")),
      chip(
        { disabled: !isChosen(picture.id), onclick: () => setLimits(picture.id, null) },
        t("contrast.own"),
      ),
    ),
  );
}

/**
 * @param {Picture} picture
 * @param {"black" | "white"} name
 * @param {number} value
 * @param {(value: number) => void} set
 */
function limitField({ low, high }, name, value, set) {
  const label = t(`contrast.${name}`);
  const step = (high - low || 1) / 500;
  const range = slider({ min: low, max: high, step, value, "aria-label": label, onmove: set });
  const id = `contrast-${name}`;
  const number = numberField({ id, step: "any", value: Number(value.toPrecision(6)), onpick: set });
  return field(label, id, h("span.inputs.wide", {}, range, number));
}

/**
 * Limits that leave one part in a hundred of the numbers outside on either side.
 * @param {Picture} picture
 * @returns {Limits}
 */
function middle(picture) {
  const counts = countsOf(picture, 1024);
  const total = counts.reduce((a, b) => a + b, 0);
  const at = (/** @type {number} */ share) => {
    let sum = 0;
    const bin = counts.findIndex((count) => {
      sum += count;
      return sum > share * total;
    });
    return picture.low + (bin / 1024) * (picture.high - picture.low);
  };
  const [low, high] = [at(0.01), at(0.99)];
  return high > low ? [low, high] : [picture.low, picture.high];
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Picture} picture
 * @param {Limits} limits
 */
function drawHistogram(canvas, picture, [black, white]) {
  const counts = countsOf(picture, BINS);
  const most = Math.log1p(Math.max(...counts)) || 1;
  const css = getComputedStyle(canvas);
  Object.assign(canvas, { width: BINS * 4, height: TALL * 2 });
  const pen = penOf(canvas);
  pen.fillStyle = css.getPropertyValue("--strong");
  counts.forEach((count, i) => {
    const tall = (Math.log1p(count) / most) * (canvas.height - 6);
    pen.fillRect(i * 4, canvas.height - tall, 3, tall);
  });
  const { low, high } = picture;
  const toX = (/** @type {number} */ v) =>
    clamp((v - low) / (high - low || 1), 0, 1) * (canvas.width - 4);
  pen.fillStyle = css.getPropertyValue("--accent");
  for (const limit of [black, white]) pen.fillRect(toX(limit), 0, 4, canvas.height);
}

// -- planes ----------------------------------------------------------------------------------------

/**
 * Which plane of a stack is shown: by axis, by number, or by its picture.
 * @param {string} image
 * @param {[number, number, number]} stack
 * @param {[number, number]} cut
 * @param {Planes | null} slices
 */
function planeSection(image, stack, [axis, place], slices) {
  const file = sourceIdOf(image);
  const show = (/** @type {number} */ along, /** @type {number} */ at) =>
    choose({ image: `${file}@${along}.${clamp(at, 0, (stack[along] ?? 1) - 1)}` });
  const axes = [0, 1, 2].map((i) => /** @type {const} */ ([i, t(`plane.axis.${i}`)]));
  const last = (stack[axis] ?? 1) - 1;
  const label = t("plane.number");
  const range = slider({
    min: 0,
    max: last,
    step: 1,
    value: place,
    "aria-label": label,
    onmove: (at) => show(axis, at),
  });
  const number = numberField({
    id: "plane",
    min: 0,
    max: last,
    value: place,
    onpick: (at) => show(axis, Math.round(at)),
  });
  const halfway = (/** @type {number} */ along) => show(along, (stack[along] ?? 1) >> 1);
  return h(
    "section",
    { key: "planes" },
    h("h2.minor", {}, t("plane.title", { n: stack[axis] })),
    radio(t("plane.axis"), axes, axis, halfway),
    field(label, "plane", h("span.inputs.wide", {}, range, number)),
    slices ? planeStrip(slices, place, (at) => show(axis, at)) : null,
  );
}

/**
 * Some planes as small pictures, to choose from.
 * @param {Planes} slices
 * @param {number} place
 * @param {(place: number) => void} show
 */
function planeStrip(slices, place, show) {
  slices.canvases ??= slices.places.map((_, i) => planePicture(slices, i));
  const buttons = slices.places.map((at, i) => {
    const title = t("plane.number.n", { n: at });
    const pressed = String(at === place);
    const names = { title, "aria-label": title, "aria-pressed": pressed };
    return h(
      "button.plane",
      { key: at, ...names, onclick: () => show(at) },
      slices.canvases?.[i],
      h("span", {}, String(at)),
    );
  });
  return h("div.planes", { key: "strip", role: "group", "aria-label": t("plane.strip") }, buttons);
}

/**
 * @param {Planes} slices
 * @param {number} index
 */
function planePicture({ grid: [, rows, cols], data }, index) {
  const size = rows * cols * 3;
  const part = data.subarray(index * size, (index + 1) * size);
  const canvas = imageCanvas({ grid: [rows, cols, 3], data: part }, [0, 255]);
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}
