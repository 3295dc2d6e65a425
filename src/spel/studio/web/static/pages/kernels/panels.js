// @ts-check
// The tools above the gallery, and the panel beside it.

import { chip, labelled, numberField, quietField, selectField } from "../../base/controls.js";
import { h } from "../../base/dom.js";
import { icon } from "../../base/icons.js";
import { reasonText } from "../../base/reasons.js";
import { t } from "../../base/words.js";
import { act } from "../../commands.js";
import { cutSwitch } from "../../learn.js";
import { choose, imageTitle, network, node, ownImages, state, stepTitle } from "../../store.js";
import { choices, SORTS } from "./model.js";

/** @import { ImageName } from "../../server/types.js" */

const MAX_PINS_LISTED = 40;

/**
 * @typedef {object} ToolActions
 * @property {() => void} clear nothing is picked any more
 * @property {() => void} redraw
 * @property {(count: number) => void} suggest
 * @property {(what: string, kernels: number[]) => void} edit
 */

/**
 * @param {number[]} picked
 * @param {ToolActions} actions
 */
export function galleryTools(picked, actions) {
  const count = node()?.bank?.kernels ?? 0;
  const half = Math.ceil(count / 2);
  const suggest = () => actions.suggest(half);
  return [
    layerPick(actions),
    sortPick(actions),
    count > 4
      ? chip({ key: "suggest", onclick: suggest }, t("kernels.suggest", { n: half }))
      : null,
    h("span.spread"),
    picked.length ? pickedTools(picked, count, actions) : null,
  ];
}

/** @param {ToolActions} actions */
function layerPick({ clear }) {
  const layers = (network()?.nodes ?? []).filter((n) => n.bank || n.waits);
  const choicesOf = layers.map((n) => {
    const title = stepTitle(n.name);
    const text = n.bank ? `${title} · ${n.bank.kernels}` : title;
    return /** @type {const} */ ([n.name, text]);
  });
  const shown = layers.some((n) => n.name === state.node);
  const all = shown ? choicesOf : [/** @type {const} */ (["", "–"]), ...choicesOf];
  const pick = (/** @type {string} */ name) => {
    if (!name) return;
    clear();
    choose({ node: name });
  };
  return labelled(t("kernels.layer"), selectField(all, shown ? state.node : "", pick));
}

/** @param {ToolActions} actions */
function sortPick({ redraw }) {
  const names = SORTS.map((s) => /** @type {const} */ ([s, t(`kernels.sort.${s}`)]));
  const pick = (/** @type {string} */ sort) => {
    choices.sort = sort;
    redraw();
  };
  return labelled(t("kernels.sort"), selectField(names, choices.sort, pick));
}

/**
 * @param {number[]} picked
 * @param {number} count
 * @param {ToolActions} actions
 */
function pickedTools(picked, count, { edit }) {
  const all = picked.length >= count;
  return [
    h("span.muted.small", {}, t("kernels.selected", { n: picked.length })),
    chip({ key: "keep", onclick: () => edit("keep_kernels", picked) }, t("kernels.keep")),
    chip(
      { key: "drop", disabled: all, onclick: () => edit("drop_kernels", picked) },
      icon("trash"),
      t("kernels.drop"),
    ),
    chip(
      { key: "invert", onclick: () => edit("invert_kernels", picked) },
      `± ${t("kernels.invert")}`,
    ),
  ];
}

/**
 * The panel beside the gallery.
 * @param {(start?: string) => void} learn from a layer on
 * @param {() => void} redraw
 */
export function learnPanel(learn, redraw) {
  const drawn = Object.values(state.doc.strokes);
  const strokes = drawn.reduce((sum, of) => sum + of.length, 0);
  return [
    h("h2.minor", {}, t("markers.learn")),
    h("p.muted.small", {}, t("kernels.strokes", { n: strokes, m: drawn.length })),
    decoderField(redraw),
    h("p.muted.small", { key: "decoder" }, decoderWords()),
    seedField(),
    h("div.row", { key: "cut" }, cutSwitch(redraw)),
    h(
      "div.row",
      { key: "learn" },
      h(
        "button.primary",
        { id: "learn", disabled: !drawn.length, onclick: () => learn() },
        icon("learn"),
        t("kernels.learn"),
      ),
      relearnButton(learn),
    ),
    h("h2.minor", {}, t("kernels.pins")),
    h("div.row.tight", {}, ownImages().slice(0, MAX_PINS_LISTED).map(pinButton)),
  ];
}

/** What the chosen decoder does, and when. */
const decoderWords = () =>
  `${t(`kernels.decoder.about.${choices.decoder}`)} ${t("kernels.decoder.when")}`;

/** @param {() => void} redraw */
function decoderField(redraw) {
  const names = state.constants.decoders.map((d) => {
    const text = d === "linear" ? t("kernels.decoder.linear") : d;
    return /** @type {const} */ ([d, text]);
  });
  const pick = (/** @type {string} */ decoder) => {
    choices.decoder = decoder;
    redraw();
  };
  return quietField(t("kernels.decoder"), selectField(names, choices.decoder, pick));
}

function seedField() {
  const pick = (/** @type {number} */ seed) => {
    choices.seed = seed;
  };
  const input = numberField({ min: 0, step: 1, value: choices.seed, onpick: pick });
  return quietField(t("kernels.seed"), input);
}

/** @param {(start?: string) => void} learn */
function relearnButton(learn) {
  const shown = node();
  const first = network()?.nodes.find((n) => n.relearn);
  if (!shown?.relearn || first === shown) return null;
  return chip({ key: "relearn", onclick: () => learn(shown.name) }, t("kernels.relearn"));
}

/** @param {ImageName} image */
function pinButton({ id, name: ownName, problem }) {
  const name = imageTitle(ownName);
  const { pins } = state.doc;
  const pinned = pins.includes(id);
  const images = pinned ? pins.filter((p) => p !== id) : [...pins, id];
  const toggle = () => act({ do: "set_pins", images });
  const attributes = {
    key: id,
    pressed: pinned,
    title: problem && reasonText(problem),
    onclick: toggle,
  };
  return chip(attributes, icon("pin"), problem ? `⚠ ${name}` : name);
}
