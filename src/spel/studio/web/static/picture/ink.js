// @ts-check
// Strokes as spels, by the very rule of the Python side (spel.studio.strokes): what is seen is learned.

import { canvasOf, penOf } from "./colors.js";

/** @import { Class, Place, Stroke } from "../server/types.js" */

export class Ink {
  /**
   * @param {number} rows
   * @param {number} cols
   * @param {number} [grain] one spel of ink stands for so many rows and columns of a large image
   */
  constructor(rows, cols, grain = 1) {
    this.grain = grain;
    this.rows = Math.ceil(rows / grain);
    this.cols = Math.ceil(cols / grain);
    this.labels = new Int16Array(this.rows * this.cols).fill(-1);
    this.canvas = canvasOf(this.rows, this.cols);
    this.pen = penOf(this.canvas);
    this.image = this.pen.createImageData(this.cols, this.rows);
    this.pixels = new Uint32Array(this.image.data.buffer);
    /** @type {Map<number, string>} */
    this.colors = new Map();
  }

  /**
   * Draw all strokes anew.
   * @param {Stroke[]} strokes
   * @param {Class[]} classes
   */
  redraw(strokes, classes) {
    this.labels.fill(-1);
    this.pixels.fill(0);
    this.colors = new Map(classes.map((c) => [c.label, c.color]));
    for (const stroke of strokes) this.#mark(stroke);
    this.#show();
  }

  /** @param {Stroke} stroke */
  add(stroke) {
    this.#mark(stroke);
    this.#show();
  }

  /**
   * One more piece of a stroke under the brush; only its window is shown anew.
   * @param {Place} from
   * @param {Place} to
   * @param {number} size radius of the brush
   * @param {number} label -1 erases
   */
  extend(from, to, size, label) {
    const [a, b] = [this.#inked(from), this.#inked(to)];
    const radius = size / this.grain;
    this.#capsule(a, b, radius, label);
    this.#putAll([a, b], label);
    const r0 = Math.max(0, Math.floor(Math.min(a[0], b[0]) - radius - 1));
    const c0 = Math.max(0, Math.floor(Math.min(a[1], b[1]) - radius - 1));
    const r1 = Math.min(this.rows, Math.ceil(Math.max(a[0], b[0]) + radius + 2));
    const c1 = Math.min(this.cols, Math.ceil(Math.max(a[1], b[1]) + radius + 2));
    if (r1 > r0 && c1 > c0) this.pen.putImageData(this.image, 0, 0, c0, r0, c1 - c0, r1 - r0);
  }

  /** How many spels of the image are drawn on. */
  get count() {
    let n = 0;
    for (const label of this.labels) n += label >= 0 ? 1 : 0;
    return n * this.grain ** 2;
  }

  /**
   * A place of the image in spels of ink.
   * @param {Place} place
   * @returns {Place}
   */
  #inked([row, col]) {
    return [row / this.grain, col / this.grain];
  }

  #show() {
    this.pen.putImageData(this.image, 0, 0);
  }

  /** @param {Stroke} stroke */
  #mark({ points: places, tool, radius: size, label: drawn }) {
    const label = tool === "erase" ? -1 : drawn;
    const points = places.map((place) => this.#inked(place));
    const radius = size / this.grain;
    const [first] = points;
    if (tool === "fill") this.#polygon(points, label);
    else if (tool !== "spels" && points.length === 1 && first) {
      this.#capsule(first, first, radius, label);
    } else if (tool !== "spels") {
      points.slice(1).forEach((point, i) => {
        this.#capsule(points[i] ?? point, point, radius, label);
      });
    }
    this.#putAll(points, label);
  }

  /**
   * All spels whose middle is at most a radius away from the line between two points.
   * @param {Place} a
   * @param {Place} b
   * @param {number} radius
   * @param {number} label
   */
  #capsule(a, b, radius, label) {
    const low = (/** @type {0 | 1} */ i) => Math.max(0, Math.floor(Math.min(a[i], b[i]) - radius));
    const high = (/** @type {0 | 1} */ i, /** @type {number} */ n) =>
      Math.min(n, Math.ceil(Math.max(a[i], b[i]) + radius) + 1);
    const dr = b[0] - a[0];
    const dc = b[1] - a[1];
    const length = dr * dr + dc * dc;
    const limit = radius * radius + 1e-9;
    for (let r = low(0); r < high(0, this.rows); r++) {
      for (let c = low(1); c < high(1, this.cols); c++) {
        const y = r + 0.5 - a[0];
        const x = c + 0.5 - a[1];
        const s = length > 0 ? Math.min(1, Math.max(0, (y * dr + x * dc) / length)) : 0;
        if ((y - s * dr) ** 2 + (x - s * dc) ** 2 <= limit) this.#put(r, c, label);
      }
    }
  }

  /**
   * All spels whose middle lies inside a polygon, by the even-odd rule.
   * @param {Place[]} points
   * @param {number} label
   */
  #polygon(points, label) {
    const rows = points.map((p) => p[0]);
    const first = Math.max(0, Math.floor(Math.min(...rows)));
    const last = Math.min(this.rows - 1, Math.ceil(Math.max(...rows)));
    for (let r = first; r <= last; r++) {
      const crossings = crossingsAt(points, r + 0.5);
      for (let k = 0; k + 1 < crossings.length; k += 2) {
        const from = Math.max(0, Math.ceil((crossings[k] ?? 0) - 0.5));
        const to = crossings[k + 1] ?? 0;
        for (let c = from; c < this.cols && c + 0.5 < to; c++) this.#put(r, c, label);
      }
    }
  }

  /**
   * @param {Place[]} points
   * @param {number} label
   */
  #putAll(points, label) {
    for (const [r, c] of points) this.#put(Math.floor(r), Math.floor(c), label);
  }

  /**
   * @param {number} r
   * @param {number} c
   * @param {number} label
   */
  #put(r, c, label) {
    if (r < 0 || c < 0 || r >= this.rows || c >= this.cols) return;
    const i = r * this.cols + c;
    this.labels[i] = label;
    this.pixels[i] = label < 0 ? 0 : this.#color(r, c, label);
  }

  /**
   * As ABGR. Not by color alone: object classes are hatched, each in its own direction.
   * @param {number} r
   * @param {number} c
   * @param {number} label
   */
  #color(r, c, label) {
    const along = label % 2 ? r + c : r - c + 6000;
    if (label !== 0 && along % 6 < 2) return 0xffffffff;
    const v = parseInt((this.colors.get(label) ?? "#6f6f6f").slice(1), 16);
    return (200 << 24) | ((v & 255) << 16) | (v & 0xff00) | (v >> 16);
  }
}

/**
 * The columns where a polygon crosses a line of the image, in order.
 * @param {Place[]} points
 * @param {number} y
 */
function crossingsAt(points, y) {
  /** @type {number[]} */
  const crossings = [];
  points.forEach(([r0, c0], i) => {
    const [r1, c1] = points[(i + 1) % points.length] ?? [r0, c0];
    if (r0 === r1 || y < Math.min(r0, r1) || y >= Math.max(r0, r1)) return;
    crossings.push(c0 + ((y - r0) / (r1 - r0)) * (c1 - c0));
  });
  return crossings.sort((p, q) => p - q);
}
