// From numbers to colors: the same maps as the Python side draws with (spel.draw.shade).

const STOPS = {
  grey: "000000 ffffff",
  positive:
    "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 d0416f e75263 f56b5c fc8961 fea772 fec488 fde2a3 fcfdbf",
  signed: "08306b 1f5fa6 4f94cd a3cbe8 fdfdfb f9c38a ee8a3c c4560f 7a2c04",
};
const NAN = 0xffc800ff; // magenta, as ABGR

function table(name) {
  const stops = STOPS[name]
    .split(" ")
    .map((w) => [0, 2, 4].map((i) => parseInt(w.slice(i, i + 2), 16)));
  const colors = new Uint32Array(255);
  for (let i = 0; i < 255; i++) {
    const x = (i / 254) * (stops.length - 1),
      k = Math.min(Math.floor(x), stops.length - 2);
    const [r, g, b] = [0, 1, 2].map((c) =>
      Math.round(stops[k][c] + (x - k) * (stops[k + 1][c] - stops[k][c])),
    );
    colors[i] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return colors;
}
const TABLES = { grey: table("grey"), positive: table("positive"), signed: table("signed") };

/** Kind and range of a map for values from low to high. */
export function scaleFor(low, high, map = "auto") {
  const kind = map === "auto" ? (low < 0 ? "signed" : "positive") : map;
  if (kind === "signed") {
    const top = Math.max(Math.abs(low), Math.abs(high)) || 1;
    return { kind, low: -top, high: top };
  }
  if (kind === "positive") return { kind, low: Math.min(low, 0), high };
  return { kind, low, high };
}

export function paint(data, scale, target) {
  const colors = TABLES[scale.kind],
    out = new Uint32Array(target.buffer, target.byteOffset, data.length);
  const times = scale.high > scale.low ? 254 / (scale.high - scale.low) : 0,
    low = scale.low;
  for (let i = 0; i < data.length; i++) {
    const x = (data[i] - low) * times;
    out[i] =
      x >= 0 && x <= 254 ? colors[(x + 0.5) | 0] : x > 254 ? colors[254] : x < 0 ? colors[0] : NAN;
  }
}

/** CSS color of one value, and an ink that can be read on it. */
export function cell(value, scale) {
  const x = scale.high > scale.low ? (value - scale.low) / (scale.high - scale.low) : 0.5;
  const color = TABLES[scale.kind][Math.round(Math.min(Math.max(x, 0), 1) * 254)];
  const [r, g, b] = [color & 255, (color >> 8) & 255, (color >> 16) & 255];
  const linear = (v) => {
    const s = v / 255;
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  };
  const light = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  return { background: `rgb(${r} ${g} ${b})`, color: light > 0.179 ? "#000" : "#fff" };
}

export function canvasOf(rows, cols) {
  const canvas = document.createElement("canvas");
  canvas.width = cols;
  canvas.height = rows;
  return canvas;
}

/** A canvas with a plane of numbers. */
export function planeCanvas(plane, scale) {
  const canvas = canvasOf(plane.rows, plane.cols),
    pen = canvas.getContext("2d");
  const image = pen.createImageData(plane.cols, plane.rows);
  paint(plane.data, scale, image.data);
  pen.putImageData(image, 0, 0);
  return canvas;
}

/** A canvas with an RGB image. */
export function rgbCanvas({ rows, cols, data }) {
  const canvas = canvasOf(rows, cols),
    pen = canvas.getContext("2d"),
    image = pen.createImageData(cols, rows);
  const out = new Uint32Array(image.data.buffer);
  for (let i = 0, j = 0; i < out.length; i++, j += 3)
    out[i] = (255 << 24) | (data[j + 2] << 16) | (data[j + 1] << 8) | data[j];
  pen.putImageData(image, 0, 0);
  return canvas;
}

/** A kernel (rows, cols, channels) as one picture: color for 3 channels of one range, else slices. */
export function kernelCanvas(data, rows, cols, channels, at = 0) {
  const size = rows * cols * channels,
    part = data.subarray(at, at + size);
  let top = 0;
  for (const v of part) top = Math.max(top, Math.abs(v));
  const shown = Math.min(channels, 9),
    wide = Math.ceil(Math.sqrt(shown)),
    high = Math.ceil(shown / wide);
  const canvas = canvasOf(high * rows + (high - 1), wide * cols + (wide - 1)),
    pen = canvas.getContext("2d");
  const scale = { kind: "signed", low: -(top || 1), high: top || 1 };
  for (let c = 0; c < shown; c++) {
    const one = new Float32Array(rows * cols);
    for (let i = 0; i < one.length; i++) one[i] = part[i * channels + c];
    pen.drawImage(
      planeCanvas({ rows, cols, data: one }, scale),
      (c % wide) * (cols + 1),
      Math.floor(c / wide) * (rows + 1),
    );
  }
  return canvas;
}
