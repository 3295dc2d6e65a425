// @ts-check
// Files that the user adds or drops: images, networks, architectures, markers, true boxes.

import { sayProblem } from "../base/toasts.js";
import { adoptUpload } from "../commands.js";
import { loadTruth } from "../pages/markers/box-panel.js";
import { importMarkers } from "../pages/markers/panel.js";
import { put } from "../server/api.js";
import { choose } from "../store.js";

export const IMAGE_FILES = "image/*,.npy,.tif,.tiff,.pgm,.ppm,.csv,.tsv,.txt";

/** @param {Iterable<File>} files */
export async function addImages(files) {
  for (const file of files) await upload("images", file, ({ id }) => choose({ image: id }));
}

/** @param {File} file */
const addNetwork = (file) => upload("networks", file, ({ name }) => choose({ network: name }));

/**
 * @param {string} path
 * @param {File} file
 * @param {(reply: any) => void} then
 */
async function upload(path, file, then) {
  try {
    const reply = await put(path, { name: file.name }, file);
    adoptUpload(reply);
    then(reply);
  } catch (problem) {
    sayProblem(problem);
  }
}

/**
 * Files of any kind, by their names and, for JSON and text, by what is in them.
 * @param {Iterable<File>} files
 */
export async function addFiles(files) {
  /** @type {File[]} */
  const markers = [];
  for (const file of files) {
    const kind = await kindOf(file);
    if (kind === "network") await addNetwork(file);
    else if (kind === "truth") await loadTruth(file);
    else if (kind === "markers") markers.push(file);
    else await addImages([file]);
  }
  if (markers.length) await importMarkers(markers);
}

/**
 * @param {File} file
 * @returns {Promise<"network" | "truth" | "markers" | "image">}
 */
async function kindOf(file) {
  const name = file.name.toLowerCase();
  if (name.endsWith(".safetensors")) return "network";
  if (/\.(geojson|jsonl)$/.test(name)) return "truth";
  const start = /\.(json|txt|csv)$/.test(name) ? await file.slice(0, 4000).text() : "";
  if (name.endsWith(".json")) {
    if (/"(layer\d+|stdev_factor|features)"/.test(start)) return "network";
    return /"(points|labels|strokes)"/.test(start) ? "markers" : "truth";
  }
  // A file of libift's markers begins with how many there are, and the size of the image.
  if (name.endsWith(".txt") && /^\s*\d+ \d+ \d+\s*\n\s*\d+ \d+ \d+ \d+/.test(start))
    return "markers";
  return name.endsWith(".csv") && /^[^\n]*\bx0\b/.test(start) ? "truth" : "image";
}

/** Files can be dropped anywhere on the page; a frame says so. */
export function listenDrops() {
  const { dataset } = document.documentElement;
  const show = (/** @type {boolean} */ on) => {
    if (on) dataset.drop = "on";
    else delete dataset.drop;
  };
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    show(true);
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) show(false);
  });
  addEventListener("drop", (event) => {
    show(false);
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    addFiles(files);
  });
}
