// @ts-check
// The tools above the picture to draw on.

import { checkbox, chip, dot, labelled, radio, slider } from "../../base/controls.js";
import { h } from "../../base/dom.js";
import { icon } from "../../base/icons.js";
import { num } from "../../base/numbers.js";
import { t } from "../../base/words.js";
import { cutSwitch } from "../../learn.js";
import { shownClasses } from "../../store.js";
import { choices, TOOLS } from "./model.js";

/** @import { ToolName } from "./model.js" */

/**
 * @typedef {object} Actions
 * @property {() => void} changed a choice has changed
 * @property {(label: number) => void} relabel a class was chosen
 * @property {() => void} learn
 */

/** @param {Actions} actions */
export function markerTools({ changed, relabel, learn }) {
  return [
    toolPick(changed),
    radiusSlider(changed),
    classPick(changed, relabel),
    h("span.spread"),
    h(
      "span.group",
      { key: "learning" },
      cutSwitch(changed),
      liveSwitch(changed),
      h("button.primary", { id: "learn", onclick: learn }, icon("learn"), t("kernels.learn")),
    ),
  ];
}

/** @param {() => void} changed */
function liveSwitch(changed) {
  const pick = (/** @type {boolean} */ on) => {
    choices.live = on;
    changed();
  };
  const box = checkbox({ checked: choices.live, onpick: pick });
  return labelled(t("markers.live"), box, { title: t("markers.live.about") });
}

/** @param {() => void} changed */
function toolPick(changed) {
  const names = /** @type {ToolName[]} */ (Object.keys(TOOLS));
  const tools = names.map((name) => {
    const text = t(`markers.${name}`);
    const shown = [icon(name === "move" ? "hand" : name), text];
    return /** @type {const} */ ([name, shown, `${text} (${TOOLS[name].toUpperCase()})`]);
  });
  return radio(t("markers.tools"), tools, choices.tool, (tool) => {
    choices.tool = tool;
    changed();
  });
}

/** @param {() => void} changed */
function radiusSlider(changed) {
  const move = (/** @type {number} */ radius) => {
    choices.radius = radius;
    changed();
  };
  const text = t("markers.radius");
  const { radius } = choices;
  const range = slider({
    min: 0.5,
    max: 64,
    step: 0.5,
    value: radius,
    "aria-label": text,
    onmove: move,
  });
  return labelled(text, [range, h("output", {}, num(radius))], { class: "radius" });
}

/**
 * @param {() => void} changed
 * @param {(label: number) => void} relabel
 */
function classPick(changed, relabel) {
  const pick = (/** @type {number} */ label) => {
    choices.label = label;
    relabel(label);
    changed();
  };
  return h(
    "span.group",
    { role: "group", "aria-label": t("markers.classes"), key: "classes" },
    shownClasses().map(({ label, name, color }) =>
      chip(
        {
          key: label,
          pressed: label === choices.label,
          title: `${name} (Shift+${label})`,
          onclick: () => pick(label),
        },
        dot(color),
        `${label} `,
        name,
      ),
    ),
  );
}
