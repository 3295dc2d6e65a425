// @ts-check
// The cards of the strip: one for the image, one for each step.

import { miniButton } from "../base/controls.js";
import { h } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { t } from "../base/words.js";
import { act } from "../commands.js";
import { choose, imageOf, imageTitle, network, state, step, stepTitle } from "../store.js";
import { HIGH, WIDE } from "./draw.js";
import { openAddMenu } from "./menu.js";
import { factsOf, titleOf, wordsOf } from "./model.js";

/** @import { NetworkNode } from "../server/types.js" */

const DRAGGED = "text/x-spel-step";

/** @param {string} name */
const current = (name) => (name === state.node ? "step" : null);

const thumb = () => h("canvas.thumb", { width: WIDE, height: HIGH, "aria-hidden": "true" });

/** @param {{ rows: number, cols: number, channels: number } | null} size */
export function inputCard(size) {
  return h(
    "li.slot",
    { key: "input", "data-step": "input" },
    h(
      "button.card",
      { onclick: () => choose({ node: "input" }), "aria-current": current("input") },
      h("span.card-name", {}, t("step.input")),
      thumb(),
      h("span.card-words", {}, imageTitle(imageOf()?.name ?? "")),
      h("span.card-facts", {}, size ? `${size.rows} × ${size.cols} × ${size.channels}` : " "),
    ),
  );
}

/**
 * @param {NetworkNode} node
 * @param {number} index among the nodes of the network
 * @param {boolean} fresh the run on the page belongs to this network and image
 */
export function stepCard(node, index, fresh) {
  const nodes = network()?.nodes ?? [];
  const before = node.inputs.length > 1 ? nodes[index - 1]?.name : node.inputs[0];
  const of = fresh ? step(node.name) : undefined;
  const classes = [node.off ? "off" : "", of?.error ? "failed" : ""].join(" ");
  return h(
    "li.slot",
    { key: `step ${node.name}`, "data-step": node.name, ...dragging(node) },
    h("span.gap", {}, adder(before ?? "input")),
    h(
      "div.card-box",
      {},
      h(
        "button.card",
        {
          class: classes,
          title: fresh ? titleOf(of, node) : node.words,
          "aria-current": current(node.name),
          onclick: () => choose({ node: node.name }),
        },
        h("span.card-name", { class: node.name.length > 14 ? "long" : "" }, stepTitle(node.name)),
        thumb(),
        h("span.card-words", {}, wordsOf(node)),
        h("span.card-facts", {}, fresh ? factsOf(of) : " "),
      ),
      tools(node, index),
    ),
  );
}

/** @param {string} after */
export function adder(after) {
  return h(
    "button.add",
    {
      title: t("step.add"),
      "aria-label": `${t("step.add")}: ${stepTitle(after)}`,
      onclick: (event) => openAddMenu(event.currentTarget, after),
    },
    icon("plus"),
  );
}

/**
 * @param {NetworkNode} node
 * @param {number} index
 */
function tools(node, index) {
  const nodes = network()?.nodes ?? [];
  const single = node.inputs.length === 1;
  const where = { network: state.network, node: node.name };
  const before = (index > 1 && nodes[index - 2]?.name) || "input";
  const after = nodes[index + 1]?.name;
  /** @type {(name: string, label: string, then: () => void, more: object) => any} */
  const tool = (name, label, then, more) =>
    miniButton(icon(name), label, then, {
      "aria-label": `${label}: ${stepTitle(node.name)}`,
      ...more,
    });
  return h(
    "span.card-tools",
    {},
    tool("left", t("step.left"), () => move(node.name, before), {
      key: "left",
      disabled: index === 0 || !single,
    }),
    tool(
      node.off ? "off" : "eye",
      t(node.off ? "step.on" : "step.off"),
      () => act({ do: "bypass_step", ...where, off: !node.off }),
      { key: "switch", "aria-pressed": String(node.off) },
    ),
    tool("trash", t("step.remove"), () => act({ do: "remove_step", ...where }), {
      key: "remove",
      disabled: nodes.length === 1,
    }),
    tool("right", t("step.right"), () => after && move(node.name, after), {
      key: "right",
      disabled: !after || !single,
    }),
  );
}

/**
 * Move a step behind another one.
 * @param {string} name
 * @param {string} after
 */
function move(name, after) {
  if (name !== after) act({ do: "move_step", network: state.network, node: name, after });
}

/**
 * Cards can be dragged behind one another.
 * @param {NetworkNode} node
 * @returns {import("../base/dom.js").Attributes}
 */
function dragging(node) {
  return {
    draggable: node.inputs.length === 1,
    ondragstart: ({ dataTransfer }) => {
      dataTransfer?.setData(DRAGGED, node.name);
      if (dataTransfer) dataTransfer.effectAllowed = "move";
    },
    ondragover: (event) => {
      if (!event.dataTransfer?.types.includes(DRAGGED)) return;
      event.preventDefault();
      event.currentTarget.classList.add("target");
    },
    ondragleave: (event) => event.currentTarget.classList.remove("target"),
    ondrop: (event) => {
      event.currentTarget.classList.remove("target");
      const moved = event.dataTransfer?.getData(DRAGGED);
      if (!moved) return;
      event.preventDefault();
      event.stopPropagation();
      move(moved, node.name);
    },
  };
}
