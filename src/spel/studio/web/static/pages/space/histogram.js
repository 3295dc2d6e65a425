// @ts-check
// How many patches lie at which distance from the hyperplane.

import { clamp, num } from "../../base/numbers.js";
import { penOf } from "../../picture/colors.js";

/** @import { Inks } from "./draw.js" */
/** @import { Cloud } from "./model.js" */

const BINS = 96;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Cloud} cloud
 * @param {Inks} inks
 * @param {number} ratio
 */
export function drawHistogram(canvas, { distances }, inks, ratio) {
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
  const pen = penOf(canvas);
  let low = 0;
  let top = 0;
  for (const d of distances) {
    low = Math.min(low, d);
    top = Math.max(top, d);
  }
  const span = top - low || 1;
  const counts = new Float32Array(BINS);
  for (const d of distances) {
    const bin = Math.min(BINS - 1, Math.floor(((d - low) / span) * BINS));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const { width, height } = canvas;
  const floor = height - 14 * ratio;
  drawBars(pen, counts, { low, span, width, floor, ratio }, inks);
  drawZero(pen, ((0 - low) / span) * width, { floor, width, height, ratio }, inks);
  pen.fillStyle = inks.muted;
  pen.textAlign = "left";
  pen.fillText(num(low, 3), 2, height - 2 * ratio);
  pen.textAlign = "right";
  pen.fillText(num(top, 3), width - 2, height - 2 * ratio);
}

/**
 * Bars as high as the root of the counts, so that few patches can be seen beside many.
 * @param {CanvasRenderingContext2D} pen
 * @param {Float32Array} counts
 * @param {{ low: number, span: number, width: number, floor: number, ratio: number }} size
 * @param {Inks} inks
 */
function drawBars(pen, counts, { low, span, width, floor, ratio }, inks) {
  const most = Math.sqrt(Math.max(...counts)) || 1;
  counts.forEach((count, i) => {
    const positive = low + ((i + 0.5) / BINS) * span > 0;
    const tall = (Math.sqrt(count) / most) * (floor - 4 * ratio);
    pen.fillStyle = positive ? inks.warm : inks.muted;
    pen.globalAlpha = positive ? 0.85 : 0.45;
    pen.fillRect((i / BINS) * width, floor - tall, width / BINS - ratio * 0.6, tall);
  });
  pen.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x
 * @param {{ floor: number, width: number, height: number, ratio: number }} size
 * @param {Inks} inks
 */
function drawZero(pen, x, { floor, width, height, ratio }, inks) {
  pen.strokeStyle = inks.accent;
  pen.lineWidth = 2.5 * ratio;
  pen.beginPath();
  pen.moveTo(x, 0);
  pen.lineTo(x, floor);
  pen.stroke();
  pen.font = `${11 * ratio}px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.fillStyle = inks.accent;
  pen.fillText("0 · ReLU", clamp(x, 50 * ratio, width - 50 * ratio), height - 2 * ratio);
}
