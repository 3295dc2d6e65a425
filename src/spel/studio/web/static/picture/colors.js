// @ts-check
// From numbers to colors: the same maps as the Python side draws with (spel.draw.shade).

/** @import { Plane } from "../server/types.js" */
/** @typedef {{ kind: string, low: number, high: number }} Scale */

/** @type {Record<string, string[]>} */
const STOPS = {
  grey: ["000000 ffffff"],
  positive: [
    "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779",
    "d0416f e75263 f56b5c fc8961 fea772 fec488 fde2a3 fcfdbf",
  ],
  signed: ["08306b 1f5fa6 4f94cd a3cbe8 fdfdfb f9c38a ee8a3c c4560f 7a2c04"],
};
const NAN = 0xffc800ff; // magenta, as ABGR

/** @param {string} hex */
const parts = (hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));

/**
 * The 255 colors of a map, as ABGR.
 * @param {string} name
 */
function table(name) {
  const stops = (STOPS[name] ?? []).join(" ").split(" ").map(parts);
  const colors = new Uint32Array(255);
  for (let i = 0; i < 255; i++) {
    const x = (i / 254) * (stops.length - 1);
    const k = Math.min(Math.floor(x), stops.length - 2);
    const [low, high] = [stops[k] ?? [], stops[k + 1] ?? []];
    const mixed = low.map((v, c) => Math.round(v + (x - k) * ((high[c] ?? 0) - v)));
    const [r = 0, g = 0, b = 0] = mixed;
    colors[i] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return colors;
}

/** @type {Record<string, Uint32Array>} */
const TABLES = { grey: table("grey"), positive: table("positive"), signed: table("signed") };

/** @param {string} kind */
const colorsOf = (kind) => /** @type {Uint32Array} */ (TABLES[kind]);

/**
 * Kind and range of a map for values from low to high.
 * @param {number} low
 * @param {number} high
 * @param {string} [map]
 * @returns {Scale}
 */
export function scaleFor(low, high, map = "auto") {
  const kind = map === "auto" ? (low < 0 ? "signed" : "positive") : map;
  if (kind === "signed") return signedScale(Math.max(Math.abs(low), Math.abs(high)));
  if (kind === "positive") return { kind, low: Math.min(low, 0), high };
  return { kind, low, high };
}

/**
 * The signed map from -top to top.
 * @param {number} top
 * @returns {Scale}
 */
export const signedScale = (top) => ({ kind: "signed", low: -(top || 1), high: top || 1 });

/**
 * The largest magnitude among some values.
 * @param {Iterable<number>} values
 */
export function magnitude(values) {
  let top = 0;
  for (const v of values) top = Math.max(top, Math.abs(v));
  return top;
}

/**
 * Write the colors of numbers into the bytes of an image.
 * @param {ArrayLike<number>} data
 * @param {Scale} scale
 * @param {Uint8ClampedArray} target
 */
function paint(data, scale, target) {
  const colors = colorsOf(scale.kind);
  const out = new Uint32Array(target.buffer, target.byteOffset, data.length);
  const times = scale.high > scale.low ? 254 / (scale.high - scale.low) : 0;
  for (let i = 0; i < data.length; i++) {
    const x = ((data[i] ?? Number.NaN) - scale.low) * times;
    if (x >= 0 && x <= 254) out[i] = /** @type {number} */ (colors[(x + 0.5) | 0]);
    else if (x > 254) out[i] = /** @type {number} */ (colors[254]);
    else out[i] = x < 0 ? /** @type {number} */ (colors[0]) : NAN;
  }
}

/**
 * CSS colors of one value: its background, and an ink that can be read on it.
 * @param {number} value
 * @param {Scale} scale
 */
export function cellColors(value, scale) {
  const x = scale.high > scale.low ? (value - scale.low) / (scale.high - scale.low) : 0.5;
  const color = colorsOf(scale.kind)[Math.round(Math.min(Math.max(x, 0), 1) * 254)] ?? NAN;
  const [r, g, b] = [color & 255, (color >> 8) & 255, (color >> 16) & 255];
  const light = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  return { background: `rgb(${r} ${g} ${b})`, color: light > 0.179 ? "#000" : "#fff" };
}

/**
 * The light of an sRGB component.
 * @param {number} v
 */
function linear(v) {
  const s = v / 255;
  return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 */
export const penOf = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

/**
 * @param {number} rows
 * @param {number} cols
 */
export function canvasOf(rows, cols) {
  const canvas = document.createElement("canvas");
  canvas.width = cols;
  canvas.height = rows;
  return canvas;
}

/**
 * A canvas with a plane of numbers.
 * @param {Pick<Plane, "rows" | "cols" | "data">} plane
 * @param {Scale} scale
 */
export function planeCanvas(plane, scale) {
  const canvas = canvasOf(plane.rows, plane.cols);
  const pen = penOf(canvas);
  const image = pen.createImageData(plane.cols, plane.rows);
  paint(plane.data, scale, image.data);
  pen.putImageData(image, 0, 0);
  return canvas;
}

/**
 * A saliency to lay over a picture: clear where there is none, so that the picture stays as it is.
 * @param {Pick<Plane, "rows" | "cols" | "data" | "low" | "high">} saliency
 */
export function veilCanvas(saliency) {
  const { rows, cols, data } = saliency;
  const scale = scaleFor(saliency.low, saliency.high, "positive");
  const canvas = canvasOf(rows, cols);
  const pen = penOf(canvas);
  const image = pen.createImageData(cols, rows);
  paint(data, scale, image.data);
  const times = scale.high > 0 ? 255 / scale.high : 0;
  for (let i = 0; i < data.length; i++) image.data[4 * i + 3] = (data[i] ?? 0) * times;
  pen.putImageData(image, 0, 0);
  return canvas;
}

/**
 * A canvas with the first band of an image in grey, or with its three bands as colors.
 * @param {{ grid: readonly [number, number, number], data: ArrayLike<number> }} image
 * @param {readonly [number, number]} limits what black and white stand for
 */
export function imageCanvas({ grid: [rows, cols, bands], data }, [low, high]) {
  const canvas = canvasOf(rows, cols);
  const pen = penOf(canvas);
  const image = pen.createImageData(cols, rows);
  const [green, blue] = bands < 3 ? [0, 0] : [1, 2];
  const times = high > low ? 255 / (high - low) : 0;
  const out = image.data;
  for (let i = 0, j = 0; i < out.length; i += 4, j += bands) {
    out[i] = ((data[j] ?? 0) - low) * times;
    out[i + 1] = ((data[j + green] ?? 0) - low) * times;
    out[i + 2] = ((data[j + blue] ?? 0) - low) * times;
    out[i + 3] = 255;
  }
  pen.putImageData(image, 0, 0);
  return canvas;
}

/**
 * The picture of a kernel (rows, cols, channels): up to nine of its channels side by side.
 * @param {Float32Array} data
 * @param {number[]} shape rows, cols, channels
 * @param {number} [index] of the kernel among those that follow one another
 */
export function kernelCanvas(data, [rows = 1, cols = 1, channels = 1], index = 0) {
  const size = rows * cols * channels;
  const weights = data.subarray(index * size, (index + 1) * size);
  const shown = Math.min(channels, 9);
  const wide = Math.ceil(Math.sqrt(shown));
  const high = Math.ceil(shown / wide);
  const canvas = canvasOf(high * rows + (high - 1), wide * cols + (wide - 1));
  const pen = penOf(canvas);
  const scale = signedScale(magnitude(weights));
  for (let c = 0; c < shown; c++) {
    const slice = Float32Array.from(
      { length: rows * cols },
      (_, i) => weights[i * channels + c] ?? 0,
    );
    const x = (c % wide) * (cols + 1);
    const y = Math.floor(c / wide) * (rows + 1);
    pen.drawImage(planeCanvas({ rows, cols, data: slice }, scale), x, y);
  }
  return canvas;
}
