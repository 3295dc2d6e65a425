// @ts-check
// Small pictures that are fetched when they come into sight.

import { h } from "../../base/dom.js";
import { canvasOf, penOf } from "../../picture/colors.js";
import { getPacked } from "../../server/api.js";

const MAX_AT_ONCE = 4;

/** Canvases by the path of their request. @type {Map<string, HTMLCanvasElement>} */
const drawn = new Map();
/** @type {Array<() => Promise<void>>} */
const queue = [];
let running = 0;

const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    watcher.unobserve(target);
    const element = /** @type {HTMLElement} */ (target);
    queue.push(() => load(element));
    next();
  }
});

function next() {
  const work = running < MAX_AT_ONCE ? queue.shift() : undefined;
  if (!work) return;
  running += 1;
  work().finally(() => {
    running -= 1;
    next();
  });
}

/** @param {HTMLElement} frame */
async function load(frame) {
  const path = frame.dataset.path;
  if (!path || !frame.isConnected) return;
  const canvas = drawn.get(path) ?? (await fetchPicture(path).catch(() => null));
  if (!canvas) frame.classList.add("broken");
  else if (frame.dataset.path === path) {
    drawn.set(path, canvas);
    frame.replaceChildren(canvas);
  }
}

/** @param {string} path */
async function fetchPicture(path) {
  const { arrays } = await getPacked(path);
  const [{ shape, data }] = /** @type {[{ shape: number[], data: Uint8Array }]} */ (arrays);
  const [rows = 1, cols = 1] = shape;
  const canvas = canvasOf(rows, cols);
  const pen = penOf(canvas);
  const image = pen.createImageData(cols, rows);
  for (let i = 0, j = 0; i < data.length; i += 3, j += 4) {
    image.data[j] = data[i] ?? 0;
    image.data[j + 1] = data[i + 1] ?? 0;
    image.data[j + 2] = data[i + 2] ?? 0;
    image.data[j + 3] = 255;
  }
  pen.putImageData(image, 0, 0);
  return canvas;
}

/**
 * A small picture of the server; it is fetched when it comes into sight.
 * @param {string} path of the request
 */
export function thumb(path) {
  const watch = (/** @type {HTMLElement} */ element) => {
    if (element.dataset.path === path) return;
    element.dataset.path = path;
    element.classList.remove("broken");
    if (!drawn.has(path)) watcher.observe(element);
  };
  return h("span.thumb-frame", { "aria-hidden": "true", ref: watch }, drawn.get(path) ?? null);
}
