// @ts-check
// Arrays of the server by their ids; those used last stay in memory.

import { latest } from "../base/latest.js";
import { state } from "../store.js";
import { get, getPacked, RequestError } from "./api.js";

/** @import { BankArrays, ImageWindow, Labels, NetworkNode, Picture, Place } from "./types.js" */
/** @import { Plane, Planes, Thumb, Trace } from "./types.js" */

const MAX_BYTES = 256 << 20;

/** @type {Map<string, { value: any, size: number }>} */
const cache = new Map();
/** @type {Map<string, Promise<any>>} */
const pending = new Map();
let bytes = 0;

/**
 * Take a value into the cache; the oldest ones make room.
 * @template V
 * @param {string} key
 * @param {V} value
 * @param {number} size in bytes
 * @returns {V}
 */
function store(key, value, size) {
  cache.set(key, { value, size });
  bytes += size;
  for (const [old, entry] of cache) {
    if (bytes <= MAX_BYTES || old === key) break;
    cache.delete(old);
    bytes -= entry.size;
  }
  return value;
}

/**
 * The value of a key, made at most once at a time.
 * @template {{ data: { byteLength: number } }} V
 * @param {string} key
 * @param {() => Promise<V>} make
 * @returns {Promise<V>}
 */
function cached(key, make) {
  const entry = cache.get(key);
  if (entry) {
    cache.delete(key);
    cache.set(key, entry);
    return Promise.resolve(entry.value);
  }
  const running = pending.get(key);
  if (running) return running;
  const work = make()
    .then((value) => store(key, value, value.data.byteLength))
    .finally(() => pending.delete(key));
  pending.set(key, work);
  return work;
}

/**
 * One channel of an activation; with a grain, every so many spels of it.
 * @param {string} id
 * @param {number} channel
 * @param {number} [grain]
 * @returns {Promise<Plane>}
 */
export const plane = (id, channel, grain = 1) =>
  cached(`${id}/${channel}/${grain}`, async () => {
    const packed = await askPlane(id, channel, grain);
    const [{ shape, data }] = /** @type {[any]} */ (packed.arrays);
    const { low, high } = packed;
    return { id, grain, rows: shape[0], cols: shape[1], data, low, high };
  });

/**
 * @param {string} id
 * @param {number} channel
 * @param {number} grain
 */
async function askPlane(id, channel, grain) {
  const ask = () => getPacked(`arrays/${id}/${channel}`, { step: grain > 1 ? grain : null });
  try {
    return await ask();
  } catch (problem) {
    if (!(problem instanceof RequestError) || problem.status !== 404) throw problem;
    // The server has let it go; running the network again brings it back.
    await get("run", { network: state.network, image: state.image });
    return ask();
  }
}

/**
 * An image.
 * @param {string} id
 * @param {number | null} [channel] one of its channels; null for the colors
 * @returns {Promise<Picture>}
 */
export const picture = (id, channel = null) =>
  cached(`image/${id}/${channel}`, async () => {
    const packed = /** @type {any} */ (await getPacked(`images/${id}`, { channel }));
    const [{ shape, data }] = packed.arrays;
    return { ...packed, grid: shape, data, arrays: null };
  });

/**
 * The mask that a network makes of an image, as `spel segment` writes it.
 * @param {string} id of what made it
 * @param {{ network: string, image: string }} query
 * @returns {Promise<Plane>}
 */
export const mask = (id, query) =>
  cached(`mask/${id}`, async () => {
    const [{ shape, data }] = /** @type {[any]} */ ((await getPacked("mask", query)).arrays);
    return { id, grain: 1, rows: shape[0], cols: shape[1], data, low: 0, high: 1 };
  });

/**
 * The true mask of an image: 0 where there is no object.
 * @param {string} image
 * @param {string} name of its content
 * @returns {Promise<{ rows: number, cols: number, data: Uint8Array }>}
 */
export const trueMask = (image, name) =>
  cached(`true/${name}`, async () => {
    const packed = /** @type {any} */ (await getPacked(`true-masks/${image}`));
    const [{ shape, data }] = packed.arrays;
    return { rows: shape[0], cols: shape[1], data };
  });

/**
 * The numbers of an image's file around a place.
 * @param {string} id
 * @param {number} row
 * @param {number} col
 * @param {number} size rows and columns
 * @returns {Promise<ImageWindow>}
 */
export const imageWindow = (id, row, col, size) =>
  cached(`window/${id}/${row}/${col}/${size}`, async () => {
    const packed = /** @type {any} */ (await getPacked(`images/${id}/window`, { row, col, size }));
    const [{ shape, data }] = packed.arrays;
    return { row: packed.row, col: packed.col, grid: shape, data };
  });

/**
 * Some planes of a stack as small pictures.
 * @param {string} image
 * @param {number} axis
 * @returns {Promise<Planes>}
 */
export const planes = (image, axis) =>
  cached(`planes/${image.split("@")[0]}/${axis}`, async () => {
    const packed = /** @type {any} */ (await getPacked(`images/${image}/planes`, { axis }));
    const [{ shape, data }] = packed.arrays;
    return { places: packed.places, grid: shape.slice(0, 3), data };
  });

const TILE = 64;

/**
 * The numbers of an image's file at one place, every channel.
 * @param {string} id
 * @param {Place} at
 * @returns {Promise<number[]>}
 */
export async function valuesAt(id, [row, col]) {
  const [r, c] = [row - (row % TILE), col - (col % TILE)];
  const { grid, data } = await imageWindow(id, r, c, TILE);
  const start = ((row - r) * grid[1] + (col - c)) * grid[2];
  return [...data.subarray(start, start + grid[2])];
}

/**
 * Small pictures of activations, null for those that there are none of.
 * @param {string[]} ids
 * @returns {Promise<Array<Thumb | null>>}
 */
export async function thumbs(ids) {
  const missing = ids.filter((id) => id && !cache.has(`thumb/${id}`));
  if (missing.length) {
    const packed = await getPacked("thumbs", { ids: [...new Set(missing)].join(","), side: 176 });
    packed.thumbs.forEach((/** @type {Thumb} */ header, /** @type {number} */ i) => {
      const { shape, data } = /** @type {any} */ (packed.arrays[i]);
      const [shown, rows, cols] = shape;
      store(`thumb/${header.id}`, { ...header, shown, rows, cols, data }, data.byteLength);
    });
  }
  return ids.map((id) => cache.get(`thumb/${id}`)?.value ?? null);
}

/**
 * The weights of a node that has kernels.
 * @param {string} network
 * @param {NetworkNode} node
 * @returns {Promise<BankArrays>}
 */
export const bankArrays = (network, node) =>
  cached(`bank/${node.bank?.print}`, async () => {
    const packed = /** @type {any} */ (await getPacked("bank", { network, node: node.name }));
    const [dense, weights] = packed.arrays;
    return { ...packed, dense, weights, data: dense.data };
  });

/**
 * The engine's numbers behind a spel; of many requests only the last one is sent.
 * @type {(query: import("./api.js").Query) => Promise<Trace | undefined>}
 */
export const trace = latest((query) => get("trace", query));

/**
 * The label image of a run.
 * @param {string} id of its output
 * @param {{ network: string, image: string }} query
 * @returns {Promise<Labels>}
 */
export function labels(id, query) {
  return cached(`labels/${id}`, async () => {
    const { classes, limit, undecided, scale, offset, arrays } = await getPacked("labels", query);
    const [{ shape, data }] = /** @type {[any]} */ (arrays);
    return { rows: shape[0], cols: shape[1], data, classes, limit, undecided, scale, offset };
  });
}
