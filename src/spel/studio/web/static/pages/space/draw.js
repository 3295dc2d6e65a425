// @ts-check
// The cloud of patches and its hyperplane on a canvas.

import { t } from "../../base/words.js";
import { clamp, num } from "../../base/numbers.js";
import { byDepth, cutOf, footOf, project, projectPoint } from "./model.js";

/** @import { Place } from "../../server/types.js" */
/** @import { Camera, Cloud, Triple } from "./model.js" */
/** @typedef {CanvasRenderingContext2D} Pen */
/** @typedef {{ line: string, muted: string, accent: string, warm: string, ink: string }} Inks */

const GREEN = "#12b886";
const KEPT = "rgb(255 178 64 / 0.75)";

/**
 * The page's colors, for canvases.
 * @param {Element} element
 * @returns {Inks}
 */
export function inksOf(element) {
  const css = getComputedStyle(element);
  const ink = (/** @type {string} */ name) => css.getPropertyValue(`--${name}`);
  return {
    line: ink("line"),
    muted: ink("muted"),
    accent: ink("accent"),
    warm: ink("warm"),
    ink: ink("ink"),
  };
}

/**
 * @param {Pen} pen
 * @param {Array<readonly number[]>} points
 */
function trace(pen, points) {
  pen.beginPath();
  for (const [x = 0, y = 0] of points) pen.lineTo(x, y);
}

/**
 * @param {Pen} pen
 * @param {Array<readonly number[]>} points
 */
function stroke(pen, points) {
  trace(pen, points);
  pen.stroke();
}

/**
 * The name of a direction, which the server gives as a word and numbers.
 * @param {string} name
 */
function axisName(name) {
  const [word, n, c] = name.split(" ");
  return word ? t(`axis.${word}`, { n, c }) : "";
}

/**
 * Axes through zero with their names.
 * @param {Pen} pen
 * @param {Camera} camera
 * @param {Cloud} cloud
 * @param {Inks} inks
 */
export function drawAxes(pen, camera, cloud, inks) {
  pen.strokeStyle = inks.line;
  pen.fillStyle = inks.muted;
  pen.lineWidth = camera.ratio;
  pen.font = `${12 * camera.ratio}px system-ui, sans-serif`;
  if (camera.dims === 2) drawFlatAxes(pen, camera, cloud);
  else drawDeepAxes(pen, camera, cloud);
}

/**
 * @param {Pen} pen
 * @param {Camera} camera
 * @param {Cloud} cloud
 */
function drawFlatAxes(pen, camera, cloud) {
  const { width, height, ratio } = camera;
  const [x, y] = project(camera, 0, 0, 0);
  stroke(pen, [
    [0, y],
    [width, y],
  ]);
  stroke(pen, [
    [x, 0],
    [x, height],
  ]);
  pen.textAlign = "right";
  pen.fillText(`${axisName(cloud.names[0])} →`, width - 10 * ratio, height - 9 * ratio);
  pen.textAlign = "left";
  pen.fillText(`↑ ${axisName(cloud.names[1])}`, 10 * ratio, 18 * ratio);
}

/**
 * @param {Pen} pen
 * @param {Camera} camera
 * @param {Cloud} cloud
 */
function drawDeepAxes(pen, camera, cloud) {
  const { width, height, ratio } = camera;
  const { reach, center } = camera.frame;
  pen.textAlign = "center";
  cloud.names.forEach((name, axis) => {
    const end = (/** @type {1 | -1} */ sign) => {
      const at = /** @type {Triple} */ (center.map((v, i) => (i === axis ? v + sign * reach : v)));
      return project(camera, ...at);
    };
    const tip = end(1);
    stroke(pen, [end(-1), tip]);
    const x = clamp(tip[0], 60 * ratio, width - 60 * ratio);
    pen.fillText(axisName(name), x, clamp(tip[1], 14 * ratio, height - 8 * ratio));
  });
}

/**
 * The points: larger and warm on the positive side, in their class's color where strokes are.
 * @param {Pen} pen
 * @param {Camera} camera
 * @param {Cloud} cloud
 * @param {Inks} inks
 * @param {Map<number, string>} colors of classes
 */
export function drawPoints(pen, camera, cloud, inks, colors) {
  const { labels, distances, count } = cloud;
  const order = camera.dims === 3 ? byDepth(camera, cloud) : null;
  let top = 1e-9;
  for (let i = 0; i < count; i += 7) top = Math.max(top, Math.abs(distances[i] ?? 0));
  for (let k = 0; k < count; k++) {
    const i = order?.[k] ?? k;
    const label = labels[i] ?? -1;
    const distance = distances[i] ?? 0;
    const marked = label >= 0;
    const grown = distance > 0 ? 1 + 0.8 * Math.min(1, distance / top) : 0.85;
    const size = 1.5 * camera.ratio * (marked ? 1.9 : 1) * grown;
    pen.globalAlpha = marked ? 0.95 : distance > 0 ? 0.75 : 0.38;
    if (marked) pen.fillStyle = colors.get(label) ?? inks.ink;
    else pen.fillStyle = distance > 0 ? inks.warm : inks.muted;
    const [x, y] = projectPoint(camera, cloud, i);
    if (label > 0) fillTriangle(pen, x, y, size);
    else pen.fillRect(x - size, y - size, 2 * size, 2 * size);
  }
  pen.globalAlpha = 1;
}

/**
 * @param {Pen} pen
 * @param {number} x
 * @param {number} y
 * @param {number} size
 */
function fillTriangle(pen, x, y, size) {
  trace(pen, [
    [x, y - size * 1.3],
    [x + size * 1.2, y + size],
    [x - size * 1.2, y + size],
  ]);
  pen.fill();
}

/**
 * The hyperplane in 2D: a line, its positive side, an arrow along the normal.
 * @param {Pen} pen
 * @param {Camera} camera
 * @param {Cloud} cloud
 * @param {Inks} inks
 */
export function drawPlaneLine(pen, camera, cloud, inks) {
  const { frame, width, height, ratio } = camera;
  const [a, b, k] = cutOf(cloud, frame);
  const size = Math.hypot(a, b);
  if (!size) return;
  const [cx, cy] = frame.center;
  const [nx, ny] = [a / size, b / size];
  const along = (a * cx + b * cy + k) / size;
  const far = frame.reach * 6;
  /** The place at a distance along the plane and beside it. @type {(u: number, v: number) => Triple} */
  const at = (u, v) =>
    project(
      camera,
      cx - nx * along - ny * u + nx * v,
      cy - ny * along + nx * u + ny * v,
      frame.third,
    );
  pen.save();
  pen.beginPath();
  pen.rect(0, 0, width, height);
  pen.clip();
  pen.globalAlpha = 0.09;
  pen.fillStyle = inks.warm;
  trace(pen, [at(-far, 0), at(far, 0), at(far, far), at(-far, far)]);
  pen.fill();
  pen.globalAlpha = 1;
  pen.strokeStyle = inks.accent;
  pen.lineWidth = 2.5 * ratio;
  stroke(pen, [at(-far, 0), at(far, 0)]);
  const [fx, fy] = [cx - nx * along, cy - ny * along];
  const arm = frame.reach * 0.16;
  const [sx, sy] = frame.stretch;
  const tip = project(camera, fx + (nx * arm) / sx, fy + (ny * arm) / sy, frame.third);
  drawArrow(pen, at(0, 0), tip, inks, ratio);
  pen.restore();
}

/**
 * @param {Pen} pen
 * @param {Triple} root
 * @param {Triple} tip
 * @param {Inks} inks
 * @param {number} ratio
 */
function drawArrow(pen, root, tip, inks, ratio) {
  stroke(pen, [root, tip]);
  pen.fillStyle = inks.accent;
  pen.beginPath();
  pen.arc(tip[0], tip[1], 5 * ratio, 0, 7);
  pen.fill();
}

/**
 * The hyperplane in 3D: a square of it, an arrow along the normal.
 * @param {Pen} pen
 * @param {Camera} camera
 * @param {Cloud} cloud
 * @param {Inks} inks
 */
export function drawPlaneSquare(pen, camera, { plane }, inks) {
  const { center, reach } = camera.frame;
  const size = Math.hypot(...plane.normal);
  if (!size) return;
  const normal = scaled(plane.normal, 1 / size);
  const along = (dot(plane.normal, center) + plane.offset) / size;
  const foot = added(center, normal, -along);
  const u = unit(cross(normal, Math.abs(normal[0]) < 0.8 ? [1, 0, 0] : [0, 1, 0]));
  const v = cross(normal, u);
  const half = reach * 0.85;
  const corners = [
    [1, 1],
    [1, -1],
    [-1, -1],
    [-1, 1],
  ].map(([s = 0, q = 0]) => project(camera, ...added(added(foot, u, half * s), v, half * q)));
  trace(pen, corners);
  pen.closePath();
  pen.globalAlpha = 0.16;
  pen.fillStyle = inks.accent;
  pen.fill();
  pen.globalAlpha = 1;
  pen.strokeStyle = inks.accent;
  pen.lineWidth = 2 * camera.ratio;
  pen.stroke();
  const tip = project(camera, ...added(foot, normal, reach * 0.3));
  drawArrow(pen, project(camera, ...foot), tip, inks, camera.ratio);
}

/** @type {(a: Triple, b: Triple) => number} */
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
/** @type {(a: Triple, k: number) => Triple} */
const scaled = (a, k) => [a[0] * k, a[1] * k, a[2] * k];
/** @type {(a: Triple, b: Triple, k: number) => Triple} */
const added = (a, b, k) => [a[0] + k * b[0], a[1] + k * b[1], a[2] + k * b[2]];
/** @type {(a: Triple) => Triple} */
const unit = (a) => scaled(a, 1 / Math.hypot(...a));
/** @type {(a: Triple, b: Triple) => Triple} */
const cross = (a, b) => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/**
 * Squares around the points in the lasso.
 * @param {Pen} pen
 * @param {Camera} camera
 * @param {Cloud} cloud
 * @param {number[]} points
 */
export function drawLassoed(pen, camera, cloud, points) {
  const half = 3 * camera.ratio;
  pen.strokeStyle = GREEN;
  pen.lineWidth = 1.5 * camera.ratio;
  for (const i of points) {
    const [x, y] = projectPoint(camera, cloud, i);
    pen.strokeRect(x - half, y - half, 2 * half, 2 * half);
  }
}

/**
 * A ring around the point under the pointer, and the perpendicular from it to the plane with its
 * length.
 * @param {Pen} pen
 * @param {Camera} camera
 * @param {Cloud} cloud
 * @param {number} index
 * @param {Inks} inks
 */
export function drawHovered(pen, camera, cloud, index, inks) {
  const [x, y] = projectPoint(camera, cloud, index);
  pen.strokeStyle = inks.ink;
  pen.lineWidth = 2 * camera.ratio;
  pen.beginPath();
  pen.arc(x, y, 8 * camera.ratio, 0, 7);
  pen.stroke();
  const [fx, fy] = project(camera, ...footOf(cloud, index));
  pen.setLineDash([4 * camera.ratio, 3 * camera.ratio]);
  stroke(pen, [
    [x, y],
    [fx, fy],
  ]);
  pen.setLineDash([]);
  pen.font = `600 ${13 * camera.ratio}px system-ui, sans-serif`;
  pen.fillStyle = inks.ink;
  pen.textAlign = "center";
  const text = num(cloud.distances[index], 3);
  const half = pen.measureText(text).width / 2 + 4 * camera.ratio;
  const middle = clamp((x + fx) / 2, half, camera.width - half);
  pen.fillText(text, middle, clamp((y + fy) / 2 - 8 * camera.ratio, 14, camera.height));
}

/**
 * The lasso while it is drawn.
 * @param {Pen} pen
 * @param {Camera} camera
 * @param {Place[]} path
 */
export function drawLasso(pen, camera, path) {
  pen.strokeStyle = GREEN;
  pen.lineWidth = 1.5 * camera.ratio;
  pen.setLineDash([5, 4]);
  trace(pen, path);
  pen.closePath();
  pen.stroke();
  pen.setLineDash([]);
}

/**
 * Spels of the patches, on the image: those on the positive side of the plane, and those in the
 * lasso.
 * @param {Pen} pen
 * @param {number} zoom
 * @param {Cloud} cloud
 * @param {number[]} lassoed
 * @param {(spel: Place) => Place} onImage
 */
export function drawSpels(pen, zoom, { spels, distances, count }, lassoed, onImage) {
  const dot = (/** @type {number} */ i, /** @type {number} */ size) => {
    const [row, col] = onImage([spels[i * 2] ?? 0, spels[i * 2 + 1] ?? 0]);
    pen.fillRect(col + 0.5 - size / 2, row + 0.5 - size / 2, size, size);
  };
  pen.fillStyle = KEPT;
  for (let i = 0; i < count; i++) if ((distances[i] ?? 0) > 0) dot(i, Math.max(1, 2 / zoom));
  pen.fillStyle = GREEN;
  for (const i of lassoed) dot(i, Math.max(1, 5 / zoom));
}
