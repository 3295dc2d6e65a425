// @ts-check
// Pictures on the cards of the strip.

import { penOf, planeCanvas, scaleFor } from "../picture/colors.js";

/** @import { Step, Thumb } from "../server/types.js" */

export const WIDE = 134;
export const HIGH = 80;

/**
 * Draw up to four pictures side by side; each fills its cell, what is over is cut.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLCanvasElement[]} pictures
 */
export function collage(canvas, pictures) {
  const ratio = devicePixelRatio || 1;
  const pen = penOf(canvas);
  canvas.width = WIDE * ratio;
  canvas.height = HIGH * ratio;
  pen.imageSmoothingQuality = "high";
  const across = pictures.length > 1 ? 2 : 1;
  const down = pictures.length > 2 ? 2 : 1;
  const width = canvas.width / across - (across - 1);
  const height = canvas.height / down - (down - 1);
  pictures.forEach((picture, i) => {
    const x = (i % across) * (width + 2);
    const y = Math.floor(i / across) * (height + 2);
    const zoom = Math.max(width / picture.width, height / picture.height);
    const [w, h] = [picture.width * zoom, picture.height * zoom];
    pen.save();
    pen.beginPath();
    pen.rect(x, y, width, height);
    pen.clip();
    pen.imageSmoothingEnabled = zoom < 1;
    pen.drawImage(picture, x + (width - w) / 2, y + (height - h) / 2, w, h);
    pen.restore();
  });
}

/**
 * The first channels of an activation as pictures.
 * @param {Thumb} thumb
 * @param {Step} step
 * @param {string} map
 */
export function channelPictures({ rows, cols, shown, data }, step, map) {
  const size = rows * cols;
  return Array.from({ length: shown }, (_, c) => {
    const channel = data.subarray(c * size, (c + 1) * size);
    return planeCanvas({ rows, cols, data: channel }, scaleFor(step.low, step.high, map));
  });
}
