// Strokes as spels, by the very rule of the Python side (spel.studio.strokes): what is seen is learned.

import { canvasOf } from "./colors.js";

export class Ink {
  constructor(rows, cols) {
    Object.assign(this, { rows, cols });
    this.labels = new Int16Array(rows * cols).fill(-1);
    this.canvas = canvasOf(rows, cols);
    this.pen = this.canvas.getContext("2d");
    this.image = this.pen.createImageData(cols, rows);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }
  /** Draw all strokes anew. */
  redraw(strokes, classes) {
    this.labels.fill(-1);
    this.pixels.fill(0);
    this.colors = new Map(classes.map((c) => [c.label, c.color]));
    for (const stroke of strokes) this.add(stroke, false);
    this.pen.putImageData(this.image, 0, 0);
  }
  add(stroke, show = true) {
    const { points, tool, radius } = stroke,
      label = tool === "erase" ? -1 : stroke.label;
    if (tool === "spels") {
      for (const [r, c] of points) this.put(Math.floor(r), Math.floor(c), label);
      if (show) this.pen.putImageData(this.image, 0, 0);
      return;
    }
    if (tool === "fill") this.polygon(points, label);
    else if (points.length === 1) this.capsule(points[0], points[0], radius, label);
    else
      for (let i = 1; i < points.length; i++) this.capsule(points[i - 1], points[i], radius, label);
    for (const [r, c] of points) this.put(Math.floor(r), Math.floor(c), label);
    if (show) this.pen.putImageData(this.image, 0, 0);
  }
  /** One more piece of a stroke under the brush; only its window is shown anew. */
  extend(a, b, radius, label) {
    this.capsule(a, b, radius, label);
    for (const [r, c] of [a, b]) this.put(Math.floor(r), Math.floor(c), label);
    const r0 = Math.max(0, Math.floor(Math.min(a[0], b[0]) - radius - 1)),
      c0 = Math.max(0, Math.floor(Math.min(a[1], b[1]) - radius - 1));
    const r1 = Math.min(this.rows, Math.ceil(Math.max(a[0], b[0]) + radius + 2)),
      c1 = Math.min(this.cols, Math.ceil(Math.max(a[1], b[1]) + radius + 2));
    if (r1 > r0 && c1 > c0) this.pen.putImageData(this.image, 0, 0, c0, r0, c1 - c0, r1 - r0);
  }
  capsule(a, b, radius, label) {
    const low = (i) => Math.max(0, Math.floor(Math.min(a[i], b[i]) - radius)),
      high = (i, n) => Math.min(n, Math.ceil(Math.max(a[i], b[i]) + radius) + 1);
    const dr = b[0] - a[0],
      dc = b[1] - a[1],
      length = dr * dr + dc * dc,
      limit = radius * radius + 1e-9;
    for (let r = low(0); r < high(0, this.rows); r++)
      for (let c = low(1); c < high(1, this.cols); c++) {
        const y = r + 0.5 - a[0],
          x = c + 0.5 - a[1],
          s = length > 0 ? Math.min(1, Math.max(0, (y * dr + x * dc) / length)) : 0;
        if ((y - s * dr) ** 2 + (x - s * dc) ** 2 <= limit) this.put(r, c, label);
      }
  }
  polygon(points, label) {
    const rows = points.map((p) => p[0]),
      first = Math.max(0, Math.floor(Math.min(...rows))),
      last = Math.min(this.rows - 1, Math.ceil(Math.max(...rows)));
    for (let r = first; r <= last; r++) {
      const y = r + 0.5,
        crossings = [];
      points.forEach(([r0, c0], i) => {
        const [r1, c1] = points[(i + 1) % points.length];
        if (r0 !== r1 && y >= Math.min(r0, r1) && y < Math.max(r0, r1))
          crossings.push(c0 + ((y - r0) / (r1 - r0)) * (c1 - c0));
      });
      crossings.sort((p, q) => p - q);
      for (let k = 0; k + 1 < crossings.length; k += 2)
        for (
          let c = Math.max(0, Math.ceil(crossings[k] - 0.5));
          c < this.cols && c + 0.5 < crossings[k + 1];
          c++
        )
          this.put(r, c, label);
    }
  }
  put(r, c, label) {
    if (r < 0 || c < 0 || r >= this.rows || c >= this.cols) return;
    const i = r * this.cols + c;
    this.labels[i] = label;
    if (label < 0) {
      this.pixels[i] = 0;
      return;
    }
    const color = this.colors.get(label) ?? "#6f6f6f",
      v = parseInt(color.slice(1), 16);
    // Not by color alone: object classes are hatched, each in its own direction.
    const stripe = label === 0 ? false : label % 2 ? (r + c) % 6 < 2 : (r - c + 6000) % 6 < 2;
    this.pixels[i] =
      ((stripe ? 255 : 200) << 24) |
      (stripe ? 0xffffff : ((v & 255) << 16) | (v & 0xff00) | (v >> 16));
  }
  get count() {
    let n = 0;
    for (const label of this.labels) n += label >= 0;
    return n;
  }
}
