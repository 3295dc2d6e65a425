// @ts-check
// The kernels of a convolution: choose one, edit its weights and bias, replace, copy, drop.

import { chip, field, numberField, selectField, slider } from "../base/controls.js";
import { h } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { plain } from "../base/numbers.js";
import { t } from "../base/words.js";
import { act, live } from "../commands.js";
import { kernelCanvas } from "../picture/colors.js";
import { choose, state } from "../store.js";
import { adjacencyField } from "./fields.js";
import { MAX_WEIGHTS, weightGrid } from "./weights.js";

/** @import { Adjacency, BankArrays, Command, NetworkNode } from "../server/types.js" */

const MAX_PICKS = 64;

/**
 * Buttons with pictures of the kernels.
 * @param {BankArrays} bank
 */
export function kernelPicks(bank) {
  const [count, ...shape] = bank.dense.shape;
  const group = { role: "group", "aria-label": t("kernel.choose"), key: "picks" };
  return h(
    "div.kernel-picks",
    group,
    Array.from({ length: Math.min(count, MAX_PICKS) }, (_, i) => {
      const canvas = kernelCanvas(bank.dense.data, shape, i);
      canvas.setAttribute("aria-hidden", "true");
      const name = t("kernel.n", { n: i });
      const attributes = {
        key: i,
        title: name,
        "aria-label": name,
        "aria-pressed": String(i === Math.min(state.kernel, count - 1)),
        onclick: () => choose({ kernel: i, channel: i }),
      };
      return h("button.kernel-pick", attributes, canvas, h("span", {}, String(i)));
    }),
  );
}

/**
 * @param {NetworkNode} node
 * @param {BankArrays} bank
 * @param {number} channel the channel whose weights are shown
 * @param {(channel: number) => void} onchannel
 */
export function kernelSection(node, bank, channel, onchannel) {
  const [count, rows, cols, channels] = bank.dense.shape;
  const kernel = Math.min(state.kernel, count - 1);
  const slice = { node, bank, kernel, channel: Math.min(channel, channels - 1) };
  return h(
    "section.kernel",
    { key: "kernels" },
    h("h2.minor", {}, t("kernel.title")),
    kernelPicks(bank),
    rows * cols <= MAX_WEIGHTS
      ? weightGrid(slice, onchannel)
      : h("p.muted.small", {}, t("kernel.large")),
    biasField(node, bank, kernel),
    kernelAdjacency(node),
    actions(node, kernel, count),
  );
}

/**
 * @param {NetworkNode} node
 * @param {BankArrays} bank
 * @param {number} kernel
 */
function biasField(node, bank, kernel) {
  const value = bank.bias[kernel] ?? 0;
  const span = Math.max(1, Math.abs(value) * 1.5, 1.5 * (bank.norms[kernel] ?? 0));
  const command = (/** @type {number} */ bias) => ({
    do: "set_kernel",
    network: state.network,
    node: node.name,
    kernel,
    bias,
  });
  const move = (/** @type {number} */ bias) => {
    const number = document.getElementById("bias");
    if (number instanceof HTMLInputElement) number.value = plain(bias);
    live(command(bias), `bias-${node.name}-${kernel}`);
  };
  const range = slider({
    min: -span,
    max: span,
    step: span / 400,
    value,
    "aria-label": t("kernel.bias"),
    onmove: move,
  });
  const number = numberField({
    id: "bias",
    step: "any",
    value: plain(value),
    onpick: (bias) => act(command(bias)),
  });
  return field(t("kernel.bias"), "bias", h("span.inputs.wide", {}, range, number));
}

/** @param {NetworkNode} node */
function kernelAdjacency(node) {
  const { network } = state;
  const change = (/** @type {Adjacency} */ adjacency) =>
    act({ do: "set_kernel_adjacency", network, node: node.name, adjacency });
  return adjacencyField({ id: "kernel-adjacency", value: node.bank?.adjacency, change });
}

/**
 * @param {NetworkNode} node
 * @param {number} kernel
 * @param {number} count
 */
function actions(node, kernel, count) {
  const where = { network: state.network, node: node.name };
  const send = (/** @type {Command} */ command) => () => act(command);
  const presets = state.constants.presets.map((p) => /** @type {const} */ ([p, t(`preset.${p}`)]));
  const replace = (/** @type {string} */ preset) =>
    preset && act({ do: "set_bank", ...where, preset, image: state.image });
  const label = { "aria-label": t("kernel.preset") };
  const some = { ...where, kernels: [kernel] };
  return h(
    "div.row",
    { key: "actions" },
    selectField([["", t("kernel.preset")], ...presets], "", replace, label),
    chip(
      { title: t("kernel.copy"), onclick: send({ do: "copy_kernel", ...where, kernel }) },
      icon("copy"),
      t("kernel.copy"),
    ),
    chip({ title: t("kernel.invert"), onclick: send({ do: "invert_kernels", ...some }) }, "±"),
    chip(
      {
        disabled: count < 2,
        title: t("kernel.drop"),
        "aria-label": t("kernel.drop"),
        onclick: send({ do: "drop_kernels", ...some }),
      },
      icon("trash"),
    ),
  );
}
