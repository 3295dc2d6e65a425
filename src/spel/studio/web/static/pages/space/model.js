// @ts-check
// Patch space: points, the hyperplane among them, and where both stand on the canvas.

/** @import { Place } from "../../server/types.js" */
/** @typedef {[number, number, number]} Triple */

/**
 * Patches of a convolution's input in three directions of patch space.
 * @typedef {object} Cloud
 * @property {number} count
 * @property {Float32Array} coordinates three of each point
 * @property {Int32Array} spels (row, col) of each point
 * @property {Int32Array} labels of strokes, or -1
 * @property {Float32Array} distances to the hyperplane, signed
 * @property {[string, string, string]} names of the directions
 * @property {{ normal: Triple, offset: number }} plane normal . y + offset = 0
 * @property {number} bias
 * @property {number} norm of the kernel
 * @property {number} length entries of a patch
 */

/**
 * The part of patch space that fills the canvas.
 * @typedef {object} Frame
 * @property {Triple} center
 * @property {number} reach from the center to the side
 * @property {[number, number]} stretch of the two axes
 * @property {number} third mean of the third coordinate: where a 2D picture is cut
 */

/**
 * How the frame is looked at.
 * @typedef {object} Pose
 * @property {Frame} frame
 * @property {2 | 3} dims
 * @property {boolean} square both axes have one scale
 * @property {number} yaw
 * @property {number} pitch
 * @property {number} width of the canvas
 * @property {number} height
 * @property {number} ratio pixels of the canvas for each screen point
 * @property {{ zoom: number, x: number, y: number }} look how closely, and where the middle is
 */

/**
 * A pose with what every point needs of it, computed once: pixels for one reach along each axis of
 * a 2D picture and in 3D, sines and cosines of the angles.
 * @typedef {Pose & {
 *   scaleX: number, scaleY: number, size: number, middleX: number, middleY: number,
 *   sinYaw: number, cosYaw: number, sinPitch: number, cosPitch: number,
 * }} Camera
 */

const PAD = 26;

/**
 * @param {import("../../server/types.js").Packed} packed
 * @returns {Cloud}
 */
export function cloudFrom(packed) {
  const [coordinates, spels, labels, distances] = /** @type {any[]} */ (packed.arrays).map(
    (a) => a.data,
  );
  const header = /** @type {any} */ (packed);
  const own = Float32Array.from(distances);
  return { ...header, coordinates, spels, labels, distances: own, count: labels.length };
}

/**
 * The frame around nearly all points. Where the axes mean different things each fills its side;
 * components keep one scale.
 * @param {Cloud} cloud
 * @param {2 | 3} dims
 * @param {boolean} square
 * @returns {Frame}
 */
export function frameOf({ coordinates, count }, dims, square) {
  /** @type {Triple} */
  const center = [0, 0, 0];
  const spans = [0, 1, 2].map((axis) => {
    const values = Float32Array.from({ length: count }, (_, i) => coordinates[i * 3 + axis] ?? 0);
    values.sort();
    const low = values[Math.floor(count * 0.005)] ?? 0;
    const high = values[Math.min(count - 1, Math.floor(count * 0.995))] ?? 0;
    center[axis] = (low + high) / 2;
    return (high - low) / 2;
  });
  const most = Math.max(0, ...spans.slice(0, dims));
  const fill = (/** @type {number} */ axis) => most / (spans[axis] || most || 1);
  let third = 0;
  for (let i = 0; i < count; i++) third += (coordinates[i * 3 + 2] ?? 0) / count;
  const stretched = dims === 2 && !square;
  return {
    center,
    reach: (most || 1) * 1.12,
    stretch: stretched ? [fill(0), fill(1)] : [1, 1],
    third,
  };
}

/**
 * @param {Pose} pose
 * @returns {Camera}
 */
export function cameraOf(pose) {
  const { frame, square, yaw, pitch, width, height, ratio, look } = pose;
  const size = (Math.min(width, height) / 2 - PAD * ratio) * look.zoom;
  const wide = square ? size : (width / 2 - PAD * ratio) * look.zoom;
  return {
    ...pose,
    scaleX: wide * frame.stretch[0],
    scaleY: size * frame.stretch[1],
    size,
    middleX: width / 2 + look.x,
    middleY: height / 2 + look.y,
    sinYaw: Math.sin(yaw),
    cosYaw: Math.cos(yaw),
    sinPitch: Math.sin(pitch),
    cosPitch: Math.cos(pitch),
  };
}

/**
 * Where a point of patch space stands on the canvas, and how deep.
 * @param {Camera} camera
 * @param {number} x
 * @param {number} y
 * @param {number} z
 * @returns {Triple}
 */
export function project(camera, x, y, z) {
  const { middleX, middleY, size } = camera;
  const { center, reach } = camera.frame;
  const a = (x - center[0]) / reach;
  const b = (y - center[1]) / reach;
  if (camera.dims === 2) {
    return [middleX + a * camera.scaleX, middleY - b * camera.scaleY, 0];
  }
  const c = (z - center[2]) / reach;
  const across = a * camera.cosYaw + c * camera.sinYaw;
  const inward = -a * camera.sinYaw + c * camera.cosYaw;
  const up = b * camera.cosPitch - inward * camera.sinPitch;
  const depth = b * camera.sinPitch + inward * camera.cosPitch;
  return [middleX + across * size, middleY - up * size, depth];
}

/**
 * @param {Camera} camera
 * @param {Cloud} cloud
 * @param {number} i
 */
export const projectPoint = (camera, { coordinates: c }, i) =>
  project(camera, c[i * 3] ?? 0, c[i * 3 + 1] ?? 0, c[i * 3 + 2] ?? 0);

/**
 * The place in patch space under a point of the canvas (2D).
 * @param {Camera} camera
 * @param {Place} point x and y on the canvas
 * @returns {Place}
 */
export function unproject(camera, [px, py]) {
  const { frame, middleX, middleY, scaleX, scaleY } = camera;
  return [
    ((px - middleX) / scaleX) * frame.reach + frame.center[0],
    (-(py - middleY) / scaleY) * frame.reach + frame.center[1],
  ];
}

/**
 * The hyperplane's cut in two directions: a x + b y + k = 0.
 * @param {Cloud} cloud
 * @param {Frame} frame
 * @returns {Triple}
 */
export function cutOf({ plane }, { third }) {
  const [a, b, c] = plane.normal;
  return [a, b, plane.offset + c * third];
}

/**
 * The foot of the perpendicular from a point to the hyperplane, in the three directions.
 * @param {Cloud} cloud
 * @param {number} i
 * @returns {Triple}
 */
export function footOf({ coordinates: c, plane, distances, norm }, i) {
  const by = (distances[i] ?? 0) / (norm || 1);
  const axis = (/** @type {0 | 1 | 2} */ k) => (c[i * 3 + k] ?? 0) - by * plane.normal[k];
  return [axis(0), axis(1), axis(2)];
}

/**
 * Points from far to near.
 * @param {Camera} camera
 * @param {Cloud} cloud
 */
export function byDepth(camera, cloud) {
  const depth = new Float32Array(cloud.count);
  for (let i = 0; i < cloud.count; i++) depth[i] = projectPoint(camera, cloud, i)[2];
  const order = Uint32Array.from({ length: cloud.count }, (_, i) => i);
  return order.sort((a, b) => (depth[b] ?? 0) - (depth[a] ?? 0));
}

/**
 * The point nearest to a point of the canvas, or -1.
 * @param {Camera} camera
 * @param {Cloud} cloud
 * @param {Place} point
 */
export function pointAt(camera, cloud, [px, py]) {
  let best = -1;
  let least = (10 * camera.ratio) ** 2;
  for (let i = 0; i < cloud.count; i++) {
    const [x, y] = projectPoint(camera, cloud, i);
    const distance = (x - px) ** 2 + (y - py) ** 2;
    if (distance < least) {
      least = distance;
      best = i;
    }
  }
  return best;
}

/**
 * The point whose patch stands nearest to a spel, or -1.
 * @param {Cloud} cloud
 * @param {Place} spel
 */
export function pointOfSpel({ spels, count }, [row, col]) {
  let best = -1;
  let least = 26;
  for (let i = 0; i < count; i++) {
    const distance = ((spels[i * 2] ?? 0) - row) ** 2 + ((spels[i * 2 + 1] ?? 0) - col) ** 2;
    if (distance < least) {
      least = distance;
      best = i;
    }
  }
  return best;
}

/**
 * Points inside a polygon on the canvas.
 * @param {Camera} camera
 * @param {Cloud} cloud
 * @param {Place[]} polygon
 */
export function pointsInside(camera, cloud, polygon) {
  const inside = [];
  for (let i = 0; i < cloud.count; i++) {
    const [x, y] = projectPoint(camera, cloud, i);
    if (isInside(polygon, x, y)) inside.push(i);
  }
  return inside;
}

/**
 * By the even-odd rule.
 * @param {Place[]} polygon
 * @param {number} x
 * @param {number} y
 */
function isInside(polygon, x, y) {
  let odd = false;
  let [xb, yb] = polygon.at(-1) ?? [0, 0];
  for (const [xa, ya] of polygon) {
    if (ya > y !== yb > y && x < ((xb - xa) * (y - ya)) / (yb - ya) + xa) odd = !odd;
    [xb, yb] = [xa, ya];
  }
  return odd;
}

/**
 * The part of the patches on the positive side of the plane, which ReLU keeps.
 * @param {Cloud} cloud
 */
export function positiveShare({ distances, count }) {
  let positive = 0;
  for (const d of distances) positive += d > 0 ? 1 : 0;
  return positive / count;
}
