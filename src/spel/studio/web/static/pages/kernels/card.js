// @ts-check
// The card of one kernel: its picture, what it gives on some images, where it came from.

import { checkbox, dot, miniButton } from "../../base/controls.js";
import { h } from "../../base/dom.js";
import { icon } from "../../base/icons.js";
import { num } from "../../base/numbers.js";
import { t } from "../../base/words.js";
import { kernelCanvas, planeCanvas, scaleFor } from "../../picture/colors.js";
import { classOf, imageOf, imageTitle } from "../../store.js";

/** @import { KernelFacts } from "../../server/types.js" */
/** @import { Gallery } from "./model.js" */

/**
 * @typedef {object} CardActions
 * @property {(index: number, picked: boolean) => void} pick
 * @property {(what: string, index: number) => void} edit
 * @property {(facts: KernelFacts) => void} goTo
 * @property {(facts: KernelFacts | null) => void} showOrigin
 */

/**
 * @param {Gallery} gallery
 * @param {number} index
 * @param {boolean} picked
 * @param {CardActions} actions
 */
export function kernelCard(gallery, index, picked, actions) {
  const facts = /** @type {KernelFacts} */ (gallery.kernels[index]);
  return h(
    "li.kernel-card",
    {
      key: index,
      class: picked ? "on" : "",
      onmouseenter: () => actions.showOrigin(facts),
      onmouseleave: () => actions.showOrigin(null),
    },
    cardHead(gallery, facts, index, picked, actions),
    h("div.kernel-row", {}, kernelPicture(gallery, index), activationPictures(gallery, index)),
    meter(facts),
    h("p.muted.small", {}, origin(facts, actions)),
  );
}

/**
 * @param {Gallery} gallery
 * @param {KernelFacts} facts
 * @param {number} index
 * @param {boolean} picked
 * @param {CardActions} actions
 */
function cardHead(gallery, facts, index, picked, actions) {
  const box = checkbox({
    checked: picked,
    "aria-label": t("kernels.pick", { n: index }),
    onpick: (checked) => actions.pick(index, checked),
  });
  /** @type {(shown: string | Node, what: string, key: string, more?: object) => any} */
  const button = (shown, what, key, more = {}) => {
    const label = t(`kernels.${key}`);
    const attributes = { key, "aria-label": `${label} ${index}`, ...more };
    return miniButton(shown, label, () => actions.edit(what, index), attributes);
  };
  return h(
    "header",
    {},
    box,
    h("b", {}, `#${index}`),
    facts.label === undefined ? null : classTag(facts.label),
    facts.like === null || facts.like === undefined
      ? null
      : h("span.tag.warm", {}, t("kernels.like", { n: facts.like })),
    h("span.spread"),
    button("±", "invert_kernels", "invert"),
    button(icon("trash"), "drop_kernels", "drop", { disabled: gallery.kernels.length < 2 }),
  );
}

/** @param {number} label */
function classTag(label) {
  const { name, color } = classOf(label);
  return h("span.tag", { title: `${label} ${name}` }, dot(color), name);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {string} name of its class
 * @param {string} label
 */
function asImage(canvas, name, label) {
  canvas.className = name;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  return canvas;
}

/**
 * @param {Gallery} gallery
 * @param {number} index
 */
function kernelPicture({ dense }, index) {
  const canvas = kernelCanvas(dense.data, dense.shape.slice(1), index);
  return asImage(canvas, "kernel-picture", t("kernel.n", { n: index }));
}

/**
 * Each picture has its own scale, named in its title: images of different kinds stay visible.
 * @param {Gallery} gallery
 * @param {number} index
 */
function activationPictures({ activations, shown }, index) {
  return activations.map(({ shape: [, rows = 0, cols = 0], data }, i) => {
    const part = data.subarray(index * rows * cols, (index + 1) * rows * cols);
    let low = 0;
    let top = 0;
    for (const v of part) {
      low = Math.min(low, v);
      top = Math.max(top, v);
    }
    const name = imageTitle(imageOf(shown[i]?.image)?.name ?? "");
    const canvas = planeCanvas({ rows, cols, data: part }, scaleFor(low, top));
    canvas.title = `${name}: ${num(low, 3)} … ${num(top, 3)}`;
    return asImage(canvas, "kernel-thumb", `${t("kernel.n", { n: index })}: ${name}`);
  });
}

/** @param {KernelFacts} facts */
function meter({ object, background }) {
  if (object === null && background === null) return null;
  return h(
    "p.meter",
    {},
    h("span", {}, t("kernels.object", { v: num(object, 3) })),
    h("span", {}, t("kernels.background", { v: num(background, 3) })),
  );
}

/**
 * @param {KernelFacts} facts
 * @param {CardActions} actions
 */
function origin(facts, actions) {
  const { image, marker, at } = facts;
  if (image === undefined) return t("kernels.hand");
  const text = t("kernels.from", { name: imageTitle(image), marker, at: at?.join(", ") });
  return h("button.link", { onclick: () => actions.goTo(facts) }, text);
}
