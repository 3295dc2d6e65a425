// @ts-check
// Every weight of one kernel and channel as a number that can be typed over or dragged.

import { chip } from "../base/controls.js";
import { h } from "../base/dom.js";
import { plain } from "../base/numbers.js";
import { t } from "../base/words.js";
import { act, live } from "../commands.js";
import { cellColors, magnitude, signedScale } from "../picture/colors.js";
import { state } from "../store.js";

/** @import { BankArrays, NetworkNode, Place } from "../server/types.js" */

/** Larger kernels are not shown as numbers. */
export const MAX_WEIGHTS = 225;
const DRAG_SLOP = 5;
const PER_POINT = 0.02;

/**
 * One channel of one kernel.
 * @typedef {object} KernelSlice
 * @property {NetworkNode} node
 * @property {BankArrays} bank
 * @property {number} kernel
 * @property {number} channel
 */

/**
 * @param {KernelSlice} slice
 * @param {(channel: number) => void} onchannel
 */
export function weightGrid(slice, onchannel) {
  const { bank, kernel, channel } = slice;
  const [, rows, cols, channels] = bank.dense.shape;
  const count = bank.displacements.length * channels;
  const weights = bank.weights.data.subarray(kernel * count, (kernel + 1) * count);
  const scale = signedScale(magnitude(weights));
  const [[top], [left]] = bank.reach;
  const cells = Array.from({ length: rows * cols }, () => h("span.void"));
  bank.displacements.forEach((d, i) => {
    const weight = weights[i * channels + channel] ?? 0;
    cells[(d[0] - top) * cols + (d[1] - left)] = weightInput(slice, d, i, weight, scale);
  });
  const style = { gridTemplateColumns: `repeat(${cols}, minmax(0, 1fr))` };
  const group = { style, role: "group", "aria-label": t("kernel.weights") };
  return h(
    "div",
    { key: "weights" },
    channels > 1 ? channelPicks(channels, channel, onchannel) : null,
    h("div.weights", group, cells),
  );
}

/**
 * @param {number} channels
 * @param {number} now
 * @param {(channel: number) => void} onchannel
 */
function channelPicks(channels, now, onchannel) {
  const picks = Array.from({ length: Math.min(channels, 64) }, (_, c) =>
    chip({ key: c, pressed: c === now, onclick: () => onchannel(c) }, String(c)),
  );
  return [
    h("p.small.muted", {}, t("kernel.slice")),
    h("div.slices", { role: "group", "aria-label": t("kernel.slice") }, picks),
  ];
}

/**
 * @param {KernelSlice} slice
 * @param {Place} displacement
 * @param {number} index of the displacement
 * @param {number} weight
 * @param {import("../picture/colors.js").Scale} scale
 */
function weightInput(slice, displacement, index, weight, scale) {
  const [row, col] = displacement;
  const send = sender(slice, index);
  const gesture = `key-${slice.kernel}-${index}-${slice.channel}`;
  return h("input.weight", {
    key: `${row},${col}`,
    value: plain(weight),
    inputMode: "decimal",
    "aria-label": t("kernel.weight", { row, col }),
    style: cellColors(weight, scale),
    onchange: ({ currentTarget }) => {
      const value = numberIn(currentTarget);
      if (Number.isFinite(value)) send(value);
      else currentTarget.value = plain(weight);
    },
    onkeydown: (event) => {
      const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      const input = /** @type {HTMLInputElement} */ (event.currentTarget);
      const value = Math.round((numberIn(input) + by * (event.shiftKey ? 1 : 0.1)) * 1e4) / 1e4;
      input.value = plain(value);
      send(value, gesture);
    },
    onpointerdown: (event) => dragWeight(event, weight, scale, send),
  });
}

/** @param {HTMLInputElement} input */
const numberIn = (input) => Number(input.value.replace(",", "."));

/**
 * A function that sends one weight of the kernel.
 * @param {KernelSlice} slice
 * @param {number} index of the displacement
 */
function sender({ node, bank, kernel, channel }, index) {
  const channels = bank.dense.shape[3];
  const count = bank.displacements.length * channels;
  return (/** @type {number} */ value, /** @type {string | undefined} */ gesture = undefined) => {
    const weights = [...bank.weights.data.subarray(kernel * count, (kernel + 1) * count)];
    weights[index * channels + channel] = value;
    const { network } = state;
    const command = { do: "set_kernel", network, node: node.name, kernel, weights };
    return gesture ? live(command, gesture) : act(command);
  };
}

/**
 * Dragging sideways changes the weight; a click still edits the text.
 * @param {PointerEvent & { currentTarget: HTMLInputElement }} event
 * @param {number} weight
 * @param {import("../picture/colors.js").Scale} scale
 * @param {(value: number, gesture?: string) => void} send
 */
function dragWeight(event, weight, scale, send) {
  const input = event.currentTarget;
  const start = event.clientX;
  const gesture = `drag-${Date.now()}`;
  let moved = false;
  const move = (/** @type {PointerEvent} */ { clientX }) => {
    moved ||= Math.abs(clientX - start) >= DRAG_SLOP;
    if (!moved) return;
    const value = Math.round((weight + (clientX - start) * PER_POINT) * 100) / 100;
    input.value = plain(value);
    Object.assign(input.style, cellColors(value, scale));
    send(value, gesture);
  };
  const stop = () => {
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", stop);
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", stop);
}
