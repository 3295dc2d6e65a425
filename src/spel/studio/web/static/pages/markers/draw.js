// @ts-check
// Strokes, the brush and labels over the picture.

import { classOf } from "../../store.js";
import { choices } from "./model.js";

/** @import { Place, Stroke } from "../../server/types.js" */
/** @import { Ink } from "../../picture/ink.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

/**
 * @param {Pen} pen
 * @param {Ink} ink
 */
export function drawInk(pen, ink) {
  pen.imageSmoothingEnabled = false;
  pen.globalAlpha = choices.opacity;
  pen.drawImage(ink.canvas, 0, 0, ink.cols * ink.grain, ink.rows * ink.grain);
  pen.globalAlpha = 1;
}

/**
 * The label of each stroke beside it: its class by more than color.
 * @param {Pen} pen
 * @param {number} zoom
 * @param {Stroke[]} strokes
 */
export function drawLabels(pen, zoom, strokes) {
  pen.font = `700 ${12 / zoom}px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineWidth = 3 / zoom;
  pen.strokeStyle = "rgb(0 0 0 / 0.8)";
  pen.fillStyle = "#fff";
  for (const { tool, label, points } of strokes) {
    const [first] = points;
    if (tool === "erase" || !first) continue;
    const [row, col] = first;
    pen.strokeText(String(label), col, row - 11 / zoom);
    pen.fillText(String(label), col, row - 11 / zoom);
  }
}

/**
 * A line or a filled shape while it is drawn.
 * @param {Pen} pen
 * @param {Stroke} stroke
 */
export function drawShape(pen, { tool, label, radius, points }) {
  if (tool !== "line" && tool !== "fill") return;
  const { color } = classOf(label);
  pen.strokeStyle = color;
  pen.fillStyle = color;
  pen.lineCap = "round";
  pen.lineJoin = "round";
  pen.globalAlpha = 0.6;
  pen.beginPath();
  for (const [row, col] of points) pen.lineTo(col, row);
  if (tool === "fill") {
    pen.closePath();
    pen.fill();
  } else {
    pen.lineWidth = 2 * radius;
    pen.stroke();
  }
  pen.globalAlpha = 1;
}

/**
 * The rim of the brush under the pointer.
 * @param {Pen} pen
 * @param {number} zoom
 * @param {Place} pointer
 */
export function drawBrush(pen, zoom, [row, col]) {
  const color = choices.tool === "erase" ? "#fff" : classOf(choices.label).color;
  for (const [width, ink] of /** @type {const} */ ([
    [3, "rgb(0 0 0 / 0.7)"],
    [1.5, color],
  ])) {
    pen.lineWidth = width / zoom;
    pen.strokeStyle = ink;
    pen.beginPath();
    pen.arc(col, row, Math.max(choices.radius, 1 / zoom), 0, 7);
    pen.stroke();
  }
}
