// @ts-check
// Requests to the server. Arrays come packed: four bytes of length, a JSON header, then their bytes.

import { reasonText } from "../base/reasons.js";
import { fieldName, t, textOr } from "../base/words.js";

/** @import { Numbers, Packed } from "./types.js" */
/** @typedef {Record<string, string | number | null | undefined>} Query */

// The token of this run comes in the address's fragment, which no server receives. It is kept in
// storage of this origin: unlike a cookie, no other server on this machine receives it.
const STORED = "spel-key";
const key = /^#key=([\w-]+)$/.exec(location.hash)?.[1];
if (key) {
  localStorage.setItem(STORED, key);
  history.replaceState(null, "", location.pathname);
}

function authorization() {
  return { Authorization: `Bearer ${localStorage.getItem(STORED) ?? ""}` };
}

/** A request that the server refused, or with status 0 one that did not reach it. */
export class RequestError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {any} body the JSON that came with it
   */
  constructor(status, message, body) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/**
 * @param {string} path
 * @param {Query} [query]
 * @param {RequestInit & { headers?: Record<string, string> }} [options]
 * @returns {Promise<Response>}
 */
async function request(path, query = {}, options = {}) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  const address = `/api/${path}${text ? `?${text}` : ""}`;
  const headers = { ...options.headers, ...authorization() };
  /** @type {Response} */
  let response;
  try {
    response = await fetch(address, { ...options, headers });
  } catch {
    throw new RequestError(0, t("server.gone"), null);
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/** @param {Response} response */
async function refusal(response) {
  const text = (await response.text()) || String(response.status);
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // Plain text is its own message.
  }
  const message = refusalText(body?.error ?? text, body);
  return new RequestError(response.status, message, body);
}

/**
 * Why something was refused, in the user's language.
 * @param {string} said the sentence in English
 * @param {{ code?: string, values?: Record<string, string> } | null} [refused]
 */
export function refusalText(said, refused) {
  const values = { ...refused?.values };
  if (values.reason) values.reason = reasonText(values.reason);
  if (values.field) values.field = fieldName(values.field);
  const plain = reasonText(said);
  return refused?.code ? textOr(`refused.${refused.code}`, plain, values) : plain;
}

/**
 * @param {string} path
 * @param {Query} [query]
 * @returns {Promise<any>}
 */
export async function get(path, query) {
  return (await request(path, query)).json();
}

/**
 * @param {string} path
 * @param {unknown} body
 * @param {boolean} [keepalive] send it even while the page closes
 * @returns {Promise<any>}
 */
export async function post(path, body, keepalive = false) {
  const headers = { "Content-Type": "application/json" };
  const options = { keepalive, method: "POST", headers, body: JSON.stringify(body) };
  return (await request(path, {}, options)).json();
}

/**
 * @param {string} path
 * @param {Query} query
 * @param {Blob} data
 * @returns {Promise<any>}
 */
export async function put(path, query, data) {
  const headers = { "Content-Type": "application/octet-stream" };
  return (await request(path, query, { method: "PUT", headers, body: data })).json();
}

/**
 * Files in one body: four bytes of length, a list of names and sizes, then their bytes.
 * @param {Array<{ name: string, file: File }>} files
 */
export function packFiles(files) {
  const list = files.map(({ name, file }) => ({ name, size: file.size }));
  const header = new TextEncoder().encode(JSON.stringify(list));
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, header.length, true);
  return new Blob([length.buffer, header, ...files.map(({ file }) => file)]);
}

/** @type {Record<string, any>} */
const TYPES = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
};

/**
 * @param {string} path
 * @param {Query} [query]
 * @returns {Promise<Packed>}
 */
export async function getPacked(path, query) {
  const response = await request(path, query);
  const buffer = await response.arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  const arrays = header.arrays.map((/** @type {{ shape: number[], dtype: string }} */ one) => {
    const Type = TYPES[one.dtype];
    const count = one.shape.reduce((a, b) => a * b, 1);
    /** @type {Numbers} */
    const data = new Type(buffer, at, count);
    at += Math.ceil((count * Type.BYTES_PER_ELEMENT) / 8) * 8;
    return { shape: one.shape, data };
  });
  return { ...header, arrays };
}

/**
 * Save what the server sends as a file.
 * @param {string} path
 * @param {Query} query
 */
export async function download(path, query) {
  const response = await request(path, query);
  const named = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = named?.[1] ?? "download";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 5000);
}
