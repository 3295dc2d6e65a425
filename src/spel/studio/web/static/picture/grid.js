// @ts-check
// What a stage draws over its picture: lines between spels, numbers, the cursor.

import { clamp, tight } from "../base/numbers.js";
import { cellColors } from "./colors.js";

/** @import { Place, Plane } from "../server/types.js" */
/** @import { Scale } from "./colors.js" */
/** @import { View } from "./view.js" */

/**
 * A canvas, and where it lies on the image.
 * @typedef {object} Layer
 * @property {HTMLCanvasElement} canvas
 * @property {readonly [number, number]} scale
 * @property {readonly [number, number]} offset
 * @property {number} [grain]
 * @property {number} [alpha]
 * @property {Plane} [plane]
 * @property {Scale} [colors]
 * @property {Float64Array} [numbers] of the image's file, band by band in each spel
 * @property {number} [bands]
 * @property {readonly [number, number]} [limits] what black and white stand for
 */

const LINES_FROM = 12;
export const NUMBERS_FROM = 34;
/** The width of a digit in parts of the size of its font. */
const DIGIT = 0.62;

/**
 * Lines between spels from 12 screen points on, numbers from 34 on.
 * @param {CanvasRenderingContext2D} pen
 * @param {Layer} layer
 * @param {View} view
 * @param {{ clientWidth: number, clientHeight: number }} room
 * @param {boolean} numbered whether large spels carry their numbers
 */
export function drawGrid(pen, layer, view, room, numbered) {
  const [high, wide] = layer.scale;
  const [top, left] = layer.offset;
  if (view.zoom * wide < LINES_FROM) return;
  const { width: cols, height: rows } = layer.canvas;
  const rowAt = (/** @type {number} */ y) => ((y - view.y) / view.zoom - top) / high;
  const colAt = (/** @type {number} */ x) => ((x - view.x) / view.zoom - left) / wide;
  const visible = {
    r0: clamp(Math.floor(rowAt(0)), 0, rows),
    r1: clamp(Math.ceil(rowAt(room.clientHeight)), 0, rows),
    c0: clamp(Math.floor(colAt(0)), 0, cols),
    c1: clamp(Math.ceil(colAt(room.clientWidth)), 0, cols),
  };
  drawLines(pen, layer, view.zoom, visible);
  if (!numbered || view.zoom * wide < NUMBERS_FROM) return;
  if (layer.numbers) drawImageNumbers(pen, layer, visible);
  else if (layer.plane) drawNumbers(pen, layer, visible);
}

/** @typedef {{ r0: number, r1: number, c0: number, c1: number }} Visible rows and columns on the screen */

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Layer} layer
 * @param {number} zoom
 * @param {Visible} visible
 */
function drawLines(pen, { scale: [high, wide], offset: [top, left] }, zoom, { r0, r1, c0, c1 }) {
  pen.lineWidth = 1 / zoom;
  pen.strokeStyle = "rgb(128 128 128 / 0.35)";
  pen.beginPath();
  for (let r = r0; r <= r1; r++) {
    pen.moveTo(left + c0 * wide, top + r * high);
    pen.lineTo(left + c1 * wide, top + r * high);
  }
  for (let c = c0; c <= c1; c++) {
    pen.moveTo(left + c * wide, top + r0 * high);
    pen.lineTo(left + c * wide, top + r1 * high);
  }
  pen.stroke();
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Layer} layer
 * @param {Visible} visible
 */
function drawNumbers(pen, { canvas, plane, colors, scale, offset }, { r0, r1, c0, c1 }) {
  if (!plane || !colors) return;
  for (let r = r0; r < r1; r++) {
    for (let c = c0; c < c1; c++) {
      const value = plane.data[r * canvas.width + c] ?? Number.NaN;
      const middle = { x: offset[1] + (c + 0.5) * scale[1], y: offset[0] + (r + 0.5) * scale[0] };
      drawNumber(pen, value, middle, scale[1], cellColors(value, colors).color);
    }
  }
}

/**
 * One number for each band of the image, below one another.
 * @param {CanvasRenderingContext2D} pen
 * @param {Layer} layer
 * @param {Visible} visible
 */
function drawImageNumbers(pen, layer, { r0, r1, c0, c1 }) {
  const { canvas, numbers, bands = 1, limits: [low, high] = [0, 255], offset } = layer;
  if (!numbers) return;
  const middleOf = (low + high) / 2;
  for (let r = r0; r < r1; r++) {
    for (let c = c0; c < c1; c++) {
      const first = (r * canvas.width + c) * bands;
      const values = [...numbers.subarray(first, first + bands)];
      const [red = 0, green = red, blue = red] = values;
      const ink = 0.3 * red + 0.6 * green + 0.1 * blue > middleOf ? "#000" : "#fff";
      values.forEach((value, k) => {
        const y = offset[0] + r + (k + 1) / (bands + 1);
        drawNumber(pen, value, { x: offset[1] + c + 0.5, y }, 1, ink, 0.9 / (bands + 1));
      });
    }
  }
}

/**
 * A number as large as its spel allows.
 * @param {CanvasRenderingContext2D} pen
 * @param {number} value
 * @param {{ x: number, y: number }} middle
 * @param {number} wide of the spel
 * @param {string} ink
 * @param {number} [high] of a line, in parts of the spel
 */
function drawNumber(pen, value, { x, y }, wide, ink, high = 0.3) {
  const text = tight(value, 6);
  const size = Math.min(high, 0.88 / (DIGIT * text.length)) * wide;
  pen.font = `${size}px ui-monospace, monospace`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = ink;
  pen.fillText(text, x, y);
}

/**
 * The spel under the cursor, and around it the frame of what it reads, or a cross.
 * @param {CanvasRenderingContext2D} pen
 * @param {number} zoom
 * @param {Place} cursor a spel of the layer
 * @param {Layer | null} layer
 * @param {number[] | null} outline [r0, c0, r1, c1] on the image
 */
export function drawCursor(pen, zoom, [row, col], layer, outline) {
  const { scale, offset } = layer ?? { scale: [1, 1], offset: [0, 0] };
  const [high = 1, wide = 1] = scale;
  const [top = 0, left = 0] = offset;
  const frame = (/** @type {number[]} */ [r0 = 0, c0 = 0, r1 = 0, c1 = 0]) => {
    return () => pen.rect(c0, r0, c1 - c0, r1 - r0);
  };
  const middle = [top + (row + 0.5) * high, left + (col + 0.5) * wide];
  const around = outline ? frame(outline) : () => tracePlus(pen, zoom, middle);
  // A large spel needs no cross, which would cover its number.
  if (outline || zoom * wide < NUMBERS_FROM) {
    drawRimmed(pen, zoom, outline ? 3 : 3.5, "#ffd23f", around);
  }
  const spel = [
    top + row * high,
    left + col * wide,
    top + (row + 1) * high,
    left + (col + 1) * wide,
  ];
  drawRimmed(pen, zoom, 3, "#ffffff", frame(spel));
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} zoom
 * @param {number[]} middle
 */
function tracePlus(pen, zoom, [row = 0, col = 0]) {
  const gap = 7 / zoom;
  const arm = 15 / zoom;
  for (const [dr, dc] of /** @type {const} */ ([
    [0, 1],
    [0, -1],
    [1, 0],
    [-1, 0],
  ])) {
    pen.moveTo(col + dc * gap, row + dr * gap);
    pen.lineTo(col + dc * arm, row + dr * arm);
  }
}

/**
 * A path drawn twice: dark and wide, then in its color.
 * @param {CanvasRenderingContext2D} pen
 * @param {number} zoom
 * @param {number} width of the dark rim
 * @param {string} color
 * @param {() => void} trace
 */
function drawRimmed(pen, zoom, width, color, trace) {
  for (const [line, ink] of /** @type {const} */ ([
    [width, "rgb(0 0 0 / 0.75)"],
    [1.5, color],
  ])) {
    pen.lineWidth = line / zoom;
    pen.strokeStyle = ink;
    pen.beginPath();
    trace();
    pen.stroke();
  }
}
