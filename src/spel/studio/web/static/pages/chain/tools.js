// @ts-check
// The tools above the stage of the chain.

import { chip, labelled, selectField, slider } from "../../base/controls.js";
import { h } from "../../base/dom.js";
import { t } from "../../base/words.js";
import { channelName } from "../../inspector/inspector.js";
import { choose, node, state } from "../../store.js";

/**
 * @typedef {object} ToolActions
 * @property {boolean} sideBySide
 * @property {import("../../base/dom.js").Child} play
 * @property {import("../../base/dom.js").Child[]} invert
 * @property {number} overlay
 * @property {(on: boolean) => void} flicker
 * @property {() => void} toggleSide
 * @property {boolean | null} three whether a volume is shown in three directions; null for images
 * @property {() => void} toggleThree
 * @property {(value: number) => void} setOverlay
 */

const MAPS = ["auto", "signed", "positive", "grey"];

/**
 * @param {number} channels of the step on the stage
 * @param {number} bands channels of the image
 * @param {ToolActions} actions
 */
export function viewerTools(channels, bands, actions) {
  const { sideBySide, overlay, toggleSide, setOverlay } = actions;
  return [
    state.node === "input" ? bandPick(bands) : null,
    state.node !== "input" && channels > 1 ? channelPick(channels) : null,
    mapPick(),
    chip(
      { key: "side", pressed: sideBySide, title: t("stage.side"), onclick: toggleSide },
      t("stage.side"),
    ),
    actions.three === null
      ? null
      : chip(
          { key: "three", pressed: actions.three, onclick: actions.toggleThree },
          t("stage.three"),
        ),
    actions.play,
    flickerButton(actions.flicker),
    ...actions.invert,
    labelled(
      t("stage.overlay"),
      slider({
        what: "input.alpha",
        min: 0,
        max: 1,
        step: 0.05,
        value: overlay,
        "aria-label": t("stage.overlay"),
        onmove: setOverlay,
      }),
    ),
    h("span.spread"),
  ];
}

/** @param {number} channels */
function channelPick(channels) {
  const choices = Array.from(
    { length: channels },
    (_, i) => /** @type {const} */ ([`${i}`, `${i}`]),
  );
  const pick = (/** @type {string} */ value) => {
    const channel = Number(value);
    choose({ channel, kernel: node()?.bank ? channel : state.kernel });
  };
  const now = Math.min(state.channel, channels - 1);
  return labelled(t("channel"), selectField(choices, String(now), pick));
}

/**
 * The colors of the image, or one of its channels.
 * @param {number} bands
 */
function bandPick(bands) {
  if (bands < 2) return null;
  const channels = Array.from(
    { length: bands },
    (_, i) => /** @type {const} */ ([`${i}`, channelName(i, bands)]),
  );
  /** @type {Array<readonly [string, string]>} */
  const choices = bands === 3 || bands === 4 ? [["", t("channel.colors")], ...channels] : channels;
  const pick = (/** @type {string} */ value) => choose({ band: value === "" ? null : +value });
  const now = state.band ?? (bands === 3 || bands === 4 ? "" : 0);
  return labelled(t("channel"), selectField(choices, String(now), pick));
}

function mapPick() {
  const choices = MAPS.map((map) => /** @type {const} */ ([map, t(`map.${map}`)]));
  const attributes = { key: "map", "aria-label": t("stage.map"), title: t("stage.map") };
  return selectField(choices, state.map, (map) => choose({ map }), attributes);
}

/** @param {(on: boolean) => void} flicker */
function flickerButton(flicker) {
  const on = () => flicker(true);
  const off = () => flicker(false);
  const keydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && !event.repeat) flicker(true);
  };
  return chip(
    {
      key: "flicker",
      title: `${t("stage.flicker")} (\`)`,
      onpointerdown: on,
      onpointerup: off,
      onpointerleave: off,
      onkeydown: keydown,
      onkeyup: off,
    },
    t("stage.flicker"),
  );
}
