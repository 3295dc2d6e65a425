// @ts-check
// Advice about strokes: what each new one is worth to the other images, and where to look next.

import { checkbox, chip, labelled } from "../../base/controls.js";
import { h } from "../../base/dom.js";
import { latest } from "../../base/latest.js";
import { num } from "../../base/numbers.js";
import { say } from "../../base/toasts.js";
import { t } from "../../base/words.js";
import { learnable } from "../../learn.js";
import { get } from "../../server/api.js";
import { choose, state } from "../../store.js";

/** @import { Box, Place } from "../../server/types.js" */

/** @typedef {{ images: number, effect?: number, error: number, hurts: boolean }} Effect */

/** Checking a stroke that takes longer than this disturbs the drawing. */
const MAX_CHECK_MS = 4000;

export const advice = {
  /** Check every new stroke. */
  guard: false,
  /** Show where the network wavers. */
  next: false,
  /** What is known of strokes, by their ids. @type {Map<string, Effect>} */
  effects: new Map(),
  /** Where the network wavers on the image. @type {Box[]} */
  regions: [],
};

/** Ask what a stroke is worth to the other marked images. */
export const checkStroke = latest(async (/** @type {string} */ image, /** @type {string} */ id) => {
  const network = learnable()?.name;
  if (!advice.guard || !network) return;
  const begin = performance.now();
  const effect = await get("stroke", { network, image, stroke: id }).catch(() => null);
  if (!effect) return;
  advice.effects.set(id, effect);
  if (effect.hurts) say(t("advice.hurts", valuesOf(effect)), "error");
  if (performance.now() - begin > MAX_CHECK_MS) {
    advice.guard = false;
    say(t("advice.slow"));
  }
});

/** @param {Effect} effect */
const valuesOf = ({ effect, error, images }) => ({
  effect: num(effect, 2),
  error: num(error, 2),
  n: images,
});

/**
 * What is known of a stroke, beside its name.
 * @param {string} id
 */
export function effectTag(id) {
  const effect = advice.effects.get(id);
  if (effect?.effect === undefined) return null;
  const { effect: change, error } = valuesOf(effect);
  const sign = (effect.effect ?? 0) > 0 ? "+" : "";
  const text = `${sign}${change} ± ${error}`;
  const title = t("advice.effect", valuesOf(effect));
  return h("span.tag", { key: "effect", class: effect.hurts ? "error" : "", title }, text);
}

/** Fetch where the network wavers on the image at hand. */
export const lookNext = latest(async () => {
  const { network, image } = state;
  advice.regions = [];
  if (!advice.next || !state.run) return;
  const reply = await get("wavering", { network, image }).catch(() => null);
  if (network === state.network && image === state.image) advice.regions = reply?.boxes ?? [];
});

/**
 * @param {() => void} redraw
 * @param {() => void} look
 */
export function adviceSection(redraw, look) {
  const guard = checkbox({
    checked: advice.guard,
    onpick: (on) => {
      advice.guard = on;
      redraw();
    },
  });
  const next = checkbox({
    checked: advice.next,
    onpick: (on) => {
      advice.next = on;
      look();
    },
  });
  const regions = advice.regions.map(([x0, y0, x1, y1], i) => {
    const cursor = /** @type {Place} */ ([Math.round((y0 + y1) / 2), Math.round((x0 + x1) / 2)]);
    return chip({ key: i, onclick: () => choose({ cursor, pinned: true }) }, String(i + 1));
  });
  return [
    h("h3", { key: "advice" }, t("advice.title")),
    h(
      "div.row",
      { key: "switches" },
      labelled(t("advice.guard"), guard, { title: t("advice.guard.about") }),
      labelled(t("advice.next"), next, { title: t("advice.next.about") }),
    ),
    advice.next ? h("p.muted.small", { key: "about" }, t("advice.next.about")) : null,
    regions.length ? h("div.row.tight", { key: "regions" }, regions) : null,
  ];
}
