// @ts-check
// The mask over the picture, the histogram of saliencies, the curve of precision over recall.

import { drawRing } from "../../picture/boxes.js";
import { canvasOf, penOf } from "../../picture/colors.js";

/** @import { Judged, Plane, Reasons } from "../../server/types.js" */

const MASK = 0x996effb4; // translucent green, as ABGR
const PINK = "#ff4fd8";

/**
 * What lies above a threshold. It is drawn here, at once; boxes come from the engine.
 * @param {Plane} saliency
 * @param {number} threshold
 */
export function maskCanvas({ rows, cols, data }, threshold) {
  const canvas = canvasOf(rows, cols);
  const pen = penOf(canvas);
  const image = pen.createImageData(cols, rows);
  const out = new Uint32Array(image.data.buffer);
  for (let i = 0; i < out.length; i++) if ((data[i] ?? 0) > threshold) out[i] = MASK;
  pen.putImageData(image, 0, 0);
  return canvas;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Plane} saliency
 * @param {Float32Array} counts
 * @param {number} threshold
 */
export function drawHistogram(canvas, { low, high }, counts, threshold) {
  const ratio = devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
  const { width, height } = canvas;
  const pen = penOf(canvas);
  const css = getComputedStyle(canvas);
  const most = Math.log1p(Math.max(...counts));
  const span = high - low || 1;
  counts.forEach((count, i) => {
    const above = low + ((i + 0.5) / counts.length) * (high - low) > threshold;
    const tall = (Math.log1p(count) / most) * (height - 3);
    const bar = width / counts.length;
    pen.fillStyle = css.getPropertyValue(above ? "--warm" : "--strong");
    pen.globalAlpha = above ? 0.9 : 0.5;
    pen.fillRect(i * bar, height - tall, bar - 1, tall);
  });
  pen.globalAlpha = 1;
  pen.fillStyle = css.getPropertyValue("--accent");
  pen.fillRect(((threshold - low) / span) * width - ratio, 0, 2 * ratio, height);
}

/**
 * Precision over recall.
 * @param {HTMLCanvasElement} canvas
 * @param {Judged["curve"]} curve
 */
export function drawCurve(canvas, { precision, recall }) {
  const pen = penOf(canvas);
  const css = getComputedStyle(canvas);
  const points = recall.map((r, i) => [30 + r * 480, 215 - (precision[i] ?? 0) * 200]);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.strokeStyle = css.getPropertyValue("--line");
  pen.lineWidth = 2;
  pen.strokeRect(30, 15, 480, 200);
  pen.strokeStyle = css.getPropertyValue("--accent");
  pen.lineWidth = 4;
  pen.beginPath();
  for (const [x = 0, y = 0] of points) pen.lineTo(x, y);
  pen.stroke();
  pen.fillStyle = css.getPropertyValue("--warm");
  for (const [x = 0, y = 0] of points) {
    pen.beginPath();
    pen.arc(x, y, 5, 0, 7);
    pen.fill();
  }
}

/**
 * The spels that made a box, and the strongest of them.
 * @param {CanvasRenderingContext2D} pen
 * @param {number} zoom
 * @param {Reasons} reasons
 */
export function drawReasons(pen, zoom, { spels, spel }) {
  const size = Math.max(1, 3 / zoom);
  pen.fillStyle = PINK;
  for (const [row, col] of spels) {
    pen.fillRect(col + 0.5 - size / 2, row + 0.5 - size / 2, size, size);
  }
  drawRing(pen, zoom, spel, PINK, 8, 2);
}
