// @ts-check
// The panel of true boxes: their list, files, and the detector that is learned from them.

import {
  checkbox,
  chip,
  dot,
  labelled,
  miniButton,
  pickFiles,
  pickFolder,
  selectField,
} from "../../base/controls.js";
import { h } from "../../base/dom.js";
import { icon } from "../../base/icons.js";
import { say, sayProblem } from "../../base/toasts.js";
import { reasonText } from "../../base/reasons.js";
import { t } from "../../base/words.js";
import { act, adoptUpload } from "../../commands.js";
import { learnBoxes } from "../../learn.js";
import { download, packFiles, put } from "../../server/api.js";
import { classOf, state } from "../../store.js";
import { taskRow } from "../../tasks.js";
import { saveBoxes, savedBoxes } from "./boxes.js";

/** @import { Description } from "../../base/dom.js" */
/** @import { TrueBox } from "../../server/types.js" */
/** @import { BoxTool } from "./boxes.js" */

const MAX_LISTED = 80;
const ANNOTATIONS = /\.(xml|txt|ya?ml|json|names|csv|jsonl|geojson)$/i;
export const TRUTH_FILES = ".json,.jsonl,.csv,.geojson,.png,.tif,.tiff,.npy,.pgm,.bmp";
const choices = { format: "coco", adjust: false };

/** The format of boxes that the user chose last. */
export const boxFormat = () => choices.format;

/**
 * @param {BoxTool} tool
 * @returns {Array<Description | null>}
 */
export function boxSection(tool) {
  const boxes = savedBoxes();
  const known = state.image in { ...state.doc.truth, ...state.doc.masks };
  const images = Object.keys(state.doc.truth).length;
  const text = boxes.length
    ? t("boxes.counts", { n: boxes.length, images })
    : t(known ? "boxes.empty" : "boxes.nothing");
  return [
    h("h3", { key: "boxes" }, t("boxes.title")),
    h("p.muted.small", { key: "box count" }, text),
    h(
      "ol.strokes",
      { key: "box list" },
      boxes.slice(0, MAX_LISTED).map((box, index) => boxItem(box, index, tool)),
    ),
    stateRow(known, boxes.length),
    fileRow(images > 0),
    ...learnRow(images > 0),
  ];
}

/**
 * @param {TrueBox} box
 * @param {number} index
 * @param {BoxTool} tool
 */
function boxItem([x0, y0, x1, y1, label], index, tool) {
  const { name, color } = classOf(label);
  const size = `${Math.round(x1 - x0)} × ${Math.round(y1 - y0)}`;
  const current = index === tool.chosen ? "true" : null;
  return h(
    "li",
    { key: index },
    dot(color),
    h("button.link", { onclick: () => tool.choose(index), "aria-current": current }, name),
    h("span.muted.small", {}, `${size} · ${Math.round(y0)}, ${Math.round(x0)}`),
    miniButton(icon("close"), t("boxes.remove", { n: index + 1 }), () => tool.remove(index)),
  );
}

/**
 * Whether the image is an example without objects.
 * @param {boolean} known
 * @param {number} count
 */
function stateRow(known, count) {
  const clear = () => act({ do: "clear_truth", image: state.image });
  return h(
    "div.row",
    { key: "box state" },
    known
      ? chip({ key: "clear", onclick: clear }, icon("trash"), t("boxes.clear"))
      : chip({ key: "none", onclick: () => saveBoxes([]) }, t("boxes.none")),
    known && !count ? h("span.tag", { key: "tag" }, t("boxes.background")) : null,
    state.doc.masks[state.image] ? h("span.tag", { key: "mask" }, t("boxes.mask")) : null,
  );
}

/** @param {boolean} some */
function fileRow(some) {
  const pick = (/** @type {string} */ format) => {
    choices.format = format;
  };
  const names = state.constants.boxFormats.map((one) => /** @type {const} */ ([one, one]));
  const query = () => ({ network: state.network, image: state.image, format: choices.format });
  const save = () => download("export/true-boxes", query()).catch(sayProblem);
  return h(
    "div.row",
    { key: "box files" },
    chip({ key: "load", onclick: openTruth }, icon("upload"), t("markers.import")),
    chip({ key: "folder", onclick: openTruthFolder }, icon("folder"), t("boxes.folder")),
    some
      ? selectField(names, choices.format, pick, { key: "format", "aria-label": t("boxes.format") })
      : null,
    some ? chip({ key: "save", onclick: save }, icon("download"), t("boxes.save")) : null,
  );
}

export const openTruth = () => pickFiles(TRUTH_FILES, loadTruths, true);

const openTruthFolder = () => pickFolder((files) => loadTruthFolder(files));

/**
 * A folder of annotations: Pascal VOC, YOLO and others. Its images are not sent.
 * @param {Array<{ name: string, file: File }>} files
 */
export async function loadTruthFolder(files) {
  const taken = files.filter(({ name }) => ANNOTATIONS.test(name));
  if (!taken.length) {
    say(t("boxes.folder.none"), "error");
    return;
  }
  await takeTruth("truth-folder", "folder", packFiles(taken), null);
}

/**
 * True boxes of all images that a file names. A mask or a label image is of the image that it is
 * named after; one alone may be of the image at hand.
 * @param {File[]} files
 */
export async function loadTruths(files) {
  const image = files.length === 1 ? state.image : null;
  for (const file of files) await takeTruth("truth", file.name, file, image);
}

/**
 * Markers and masks of all images, as the studio writes them.
 * @param {File} file
 */
export async function loadArchive(file) {
  try {
    const reply = await put("archive", { name: file.name, network: state.network }, file);
    adoptUpload(reply);
    say(t("archive.loaded", { n: reply.files }));
    for (const note of reply.notes) say(reasonText(note));
  } catch (problem) {
    sayProblem(problem);
  }
}

/**
 * @param {string} path
 * @param {string} name
 * @param {Blob} data
 * @param {string | null} image
 */
async function takeTruth(path, name, data, image) {
  try {
    const reply = await put(path, { name, image, network: state.network }, data);
    adoptUpload(reply);
    say(t("detect.truth.loaded", { n: reply.images }));
    for (const note of reply.notes) say(reasonText(note));
  } catch (problem) {
    sayProblem(problem);
  }
}

/**
 * @param {boolean} some
 * @returns {Array<Description | null>}
 */
function learnRow(some) {
  const button = h(
    "button.primary",
    { id: "learn-boxes", disabled: !some, onclick: () => learnBoxes(choices.adjust) },
    icon("learn"),
    t("boxes.learn"),
  );
  const adjust = checkbox({
    id: "adjust-boxes",
    checked: choices.adjust,
    onpick: (on) => {
      choices.adjust = on;
    },
  });
  return [
    h("div.row", { key: "learn boxes" }, button),
    h(
      "div.row",
      { key: "adjust boxes" },
      labelled(t("boxes.adjust"), adjust, { title: t("boxes.adjust.about") }),
    ),
    taskRow("learn_boxes"),
  ];
}
