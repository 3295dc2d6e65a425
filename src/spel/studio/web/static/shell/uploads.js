// @ts-check
// Files that the user adds or drops: images, networks, architectures, markers, true boxes.

import { sayProblem } from "../base/toasts.js";
import { adoptUpload } from "../commands.js";
import { loadArchive, loadTruthFolder, loadTruths } from "../pages/markers/box-panel.js";
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
  /** @type {File[]} */
  const truths = [];
  for (const file of files) {
    const kind = await kindOf(file);
    if (kind === "network") await addNetwork(file);
    else if (kind === "truth") truths.push(file);
    else if (kind === "archive") await loadArchive(file);
    else if (kind === "markers") markers.push(file);
    else await addImages([file]);
  }
  if (truths.length) await loadTruths(truths);
  if (markers.length) await importMarkers(markers);
}

/**
 * @param {File} file
 * @returns {Promise<"network" | "truth" | "markers" | "archive" | "image">}
 */
async function kindOf(file) {
  const name = file.name.toLowerCase();
  if (name.endsWith(".safetensors")) return "network";
  if (name.endsWith(".zip")) return "archive";
  if (/\.(geojson|jsonl)$/.test(name) || MASK.test(name)) return "truth";
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

/** How masks are named after their images: "a_label.png", "a.labels.png", "a_gt.tif". */
const MASK = /[._-](labels?|mask|gt)\.(png|tiff?|npy|pgm|bmp)$/;

const MAX_DEPTH = 5;

/**
 * Every file below a folder, with its name from there.
 * @param {FileSystemDirectoryEntry} folder
 * @param {string} [above]
 * @returns {Promise<Array<{ name: string, file: File }>>}
 */
async function filesBelow(folder, above = "") {
  const reader = folder.createReader();
  /** @type {FileSystemEntry[]} */
  const entries = [];
  while (true) {
    const more = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!more.length) break;
    entries.push(...more);
  }
  const all = entries.map(async (entry) => {
    const name = `${above}${entry.name}`;
    if (entry.isDirectory && name.split("/").length < MAX_DEPTH) {
      return filesBelow(/** @type {FileSystemDirectoryEntry} */ (entry), `${name}/`);
    }
    if (!entry.isFile) return [];
    const file = await new Promise((done, fail) =>
      /** @type {FileSystemFileEntry} */ (entry).file(done, fail),
    );
    return [{ name, file }];
  });
  return (await Promise.all(all)).flat();
}

/**
 * A folder of annotations gives true boxes, any other its files one by one.
 * @param {FileSystemDirectoryEntry} folder
 */
async function addFolder(folder) {
  const files = await filesBelow(folder);
  const annotated = files.some(({ name }) => /\.(xml|ya?ml)$|(^|\/)labels\//i.test(name));
  if (annotated) await loadTruthFolder(files);
  else await addFiles(files.map(({ file }) => file));
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
    const held = event.dataTransfer;
    const files = [...(held?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    const entries = [...(held?.items ?? [])].map((item) => item.webkitGetAsEntry?.() ?? null);
    const folder = entries.find((entry) => entry?.isDirectory);
    if (folder) addFolder(/** @type {FileSystemDirectoryEntry} */ (folder));
    else addFiles(files);
  });
}
