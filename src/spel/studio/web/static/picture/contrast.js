// @ts-check
// What black and white stand for in each image: its own limits, or those that the user chose.

import { emit } from "../store.js";
import { imageCanvas } from "./colors.js";

/** @import { Picture } from "../server/types.js" */
/** @typedef {readonly [low: number, high: number]} Limits */

/** By image. @type {Map<string, Limits>} */
const chosen = new Map();

/**
 * @param {Picture} picture
 * @returns {Limits}
 */
export const limitsOf = ({ id, low, high }) => chosen.get(id) ?? [low, high];

/**
 * @param {string} image
 * @param {Limits | null} limits null for the image's own
 */
export function setLimits(image, limits) {
  if (limits) chosen.set(image, limits);
  else chosen.delete(image);
  emit("contrast");
}

/** Whether the user chose limits for an image. @param {string} image */
export const isChosen = (image) => chosen.has(image);

/**
 * The picture with its limits.
 * @param {Picture} picture
 */
export function paintedImage(picture) {
  const limits = limitsOf(picture);
  const key = limits.join("/");
  if (picture.painted?.key !== key) {
    picture.painted = { key, canvas: imageCanvas(picture, limits) };
  }
  return picture.painted.canvas;
}

/**
 * How often the numbers of a picture occur, in ranges between its lowest and its highest.
 * @param {Picture} picture
 * @param {number} bins
 */
export function countsOf({ data, low, high }, bins) {
  const counts = new Float32Array(bins);
  const times = bins / (high - low || 1);
  for (const value of data) {
    const bin = Math.min(bins - 1, Math.max(0, Math.floor((value - low) * times)));
    if (!Number.isNaN(bin)) counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}
