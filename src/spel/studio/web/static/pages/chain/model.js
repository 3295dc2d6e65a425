// @ts-check
// The words below the stage of the chain.

import { reasonText } from "../../base/reasons.js";
import { num } from "../../base/numbers.js";
import { hint, t } from "../../base/words.js";
import { onStep, state } from "../../store.js";

/** @import { Picture, Plane, Step } from "../../server/types.js" */

/**
 * The line below the stage.
 * @param {Step | undefined} step undefined for the image itself
 * @param {Plane | null} plane
 * @param {Picture | null} image
 */
export function statusOf(step, plane, image) {
  const at = state.cursor;
  if (step?.error) return reasonText(step.error);
  if (!at) return hint("stage.hint");
  const words = [t("inspector.at", { row: at[0], col: at[1] })];
  if (plane && step?.shape) {
    const [row, col] = onStep(step, at);
    const grain = plane.grain ?? 1;
    const index = Math.floor(row / grain) * plane.cols + Math.floor(col / grain);
    words.push(num(plane.data[index], 5), readsOf(step), `${num(step.ms, 2)} ms`);
  }
  const reduced = step ? (state.run?.reduced ?? 1) : (image?.reduced ?? 1);
  if (reduced > 1) words.push(t("stage.reduced", { n: reduced }));
  if (image?.stack && image.cut) {
    const [axis, place] = image.cut;
    words.push(t("stage.plane", { n: place + 1, of: image.stack[axis] }));
  }
  return words.join(" · ");
}

/** @param {Step} step */
function readsOf({ reads }) {
  return typeof reads === "string"
    ? t("stage.reads_all")
    : t("stage.reads", { size: reads.join(" × ") });
}
