// @ts-check
// The label image of a network that tells classes apart, in the colors of the classes.

import { labels } from "../server/arrays.js";
import { classOf, network, output, state } from "../store.js";
import { canvasOf, penOf } from "./colors.js";

/** @import { Labels } from "../server/types.js" */

const NONE = 255;
/** The color of pixels whose class is undecided. */
export const UNDECIDED = "#9aa0a6";

/** Whether the output of the network at hand is one channel per class. */
export const tellsClasses = () => {
  const count = network()?.classes ?? 0;
  return count > 1 && output()?.shape?.[2] === count;
};

/**
 * The label image of the network on the image at hand; null if the user has gone on meanwhile.
 * @returns {Promise<Labels | null>}
 */
export async function currentLabels() {
  const last = output();
  if (!last?.id || !tellsClasses()) return null;
  const image = await labels(`${last.id}/${network()?.undecided}`, {
    network: state.network,
    image: state.image,
  });
  return output()?.id === last.id ? image : null;
}

/**
 * Each class of objects in its color, undecided spels in grey; the background is left clear.
 * @param {Labels} image
 */
export function labelCanvas({ rows, cols, data, classes }) {
  const canvas = canvasOf(rows, cols);
  const pen = penOf(canvas);
  const pixels = pen.createImageData(cols, rows);
  const out = new Uint32Array(pixels.data.buffer);
  const inks = classes.map(({ label }) => (label === 0 ? 0 : inkOf(classOf(label).color)));
  for (let i = 0; i < out.length; i++) {
    const number = data[i] ?? NONE;
    out[i] = number === NONE ? inkOf(UNDECIDED) : (inks[number] ?? 0);
  }
  pen.putImageData(pixels, 0, 0);
  return canvas;
}

/**
 * A true mask: each number in a color of the classes.
 * @param {{ rows: number, cols: number, data: Uint8Array }} mask
 */
export function trueMaskCanvas({ rows, cols, data }) {
  const canvas = canvasOf(rows, cols);
  const pen = penOf(canvas);
  const pixels = pen.createImageData(cols, rows);
  const out = new Uint32Array(pixels.data.buffer);
  const { classColors } = state.constants;
  const inks = classColors.map((_, i) =>
    inkOf(classColors[(i + 1) % classColors.length] ?? UNDECIDED),
  );
  for (let i = 0; i < out.length; i++) {
    const number = data[i] ?? 0;
    out[i] = number ? (inks[(number - 1) % inks.length] ?? 0) : 0;
  }
  pen.putImageData(pixels, 0, 0);
  return canvas;
}

/** An opaque color as ABGR. @param {string} color */
function inkOf(color) {
  const v = Number.parseInt(color.slice(1), 16);
  return ((255 << 24) | ((v & 255) << 16) | (v & 0xff00) | (v >> 16)) >>> 0;
}
