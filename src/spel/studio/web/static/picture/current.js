// @ts-check

import { picture } from "../server/arrays.js";
import { reportImage, state } from "../store.js";

/** @import { Stage } from "./stage.js" */

/**
 * Show the session's image on a stage. A broken one is marked in the session and leaves the stage
 * empty: nothing of another image stays under its name.
 * @param {Stage} stage
 * @param {number | null} [channel] one of its channels; null for the colors
 * @returns the image; null if it is broken, or if the user has gone on to another one
 */
export async function showCurrentImage(stage, channel = null) {
  const { image } = state;
  try {
    const loaded = await picture(image, channel);
    if (image !== state.image) return null;
    reportImage(image, null);
    stage.setImage(loaded);
    return loaded;
  } catch (problem) {
    if (image === state.image) stage.clear();
    reportImage(image, problem instanceof Error ? problem.message : String(problem));
    return null;
  }
}
