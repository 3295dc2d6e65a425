// @ts-check
// Painters: functions that draw over a stage, in spels of the image.

/** @import { Box, Place, TrueBox } from "../server/types.js" */
/** @typedef {(pen: CanvasRenderingContext2D, zoom: number) => void} Painter */

/**
 * @typedef {object} BoxStyle
 * @property {string | ((index: number) => string)} [color]
 * @property {number[]} [dash]
 * @property {((index: number) => string | null) | null} [label]
 * @property {number} [selected]
 * @property {number} [width]
 */

/**
 * A painter of boxes, each with a dark rim and perhaps a label.
 * @param {Array<Box | TrueBox>} boxes
 * @param {BoxStyle} [style]
 * @returns {Painter}
 */
export function boxPainter(
  boxes,
  { color = "#ffd23f", dash = [], label, selected = -1, width = 2 } = {},
) {
  const inkOf = (/** @type {number} */ i) => (typeof color === "function" ? color(i) : color);
  return (pen, zoom) => {
    boxes.forEach(([x0, y0, x1, y1], i) => {
      pen.setLineDash([]);
      pen.lineWidth = (width + (i === selected ? 3.5 : 2)) / zoom;
      pen.strokeStyle = "rgb(0 0 0 / 0.7)";
      pen.strokeRect(x0, y0, x1 - x0, y1 - y0);
      pen.setLineDash(dash.map((d) => d / zoom));
      pen.lineWidth = (width + (i === selected ? 1.5 : 0)) / zoom;
      pen.strokeStyle = inkOf(i);
      pen.strokeRect(x0, y0, x1 - x0, y1 - y0);
      const text = label?.(i);
      if (text) drawLabel(pen, zoom, text, inkOf(i), [y0, x0]);
    });
  };
}

/**
 * Text on a ground of a color, above a place.
 * @param {CanvasRenderingContext2D} pen
 * @param {number} zoom
 * @param {string} text
 * @param {string} ground
 * @param {Place} place
 */
function drawLabel(pen, zoom, text, ground, [row, col]) {
  pen.font = `600 ${12 / zoom}px system-ui, sans-serif`;
  const wide = pen.measureText(text).width + 8 / zoom;
  pen.fillStyle = ground;
  pen.fillRect(col, row - 17 / zoom, wide, 17 / zoom);
  pen.fillStyle = "#000";
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.fillText(text, col + 4 / zoom, row - 8.5 / zoom);
}

/**
 * A ring around the middle of a spel, with a dark rim.
 * @param {CanvasRenderingContext2D} pen
 * @param {number} zoom
 * @param {Place} place
 * @param {string} color
 * @param {number} radius in screen points
 * @param {number} width
 */
export function drawRing(pen, zoom, [row, col], color, radius, width) {
  for (const [line, ink] of /** @type {const} */ ([
    [2 * width, "rgb(0 0 0 / 0.8)"],
    [width, color],
  ])) {
    pen.lineWidth = line / zoom;
    pen.strokeStyle = ink;
    pen.beginPath();
    pen.arc(col + 0.5, row + 0.5, radius / zoom, 0, 7);
    pen.stroke();
  }
}
