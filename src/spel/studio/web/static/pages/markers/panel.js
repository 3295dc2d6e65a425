// @ts-check
// The panel beside the picture: classes, strokes, files, what lies over the picture.

import {
  chip,
  dot,
  miniButton,
  pickFiles,
  quietField,
  radio,
  slider,
  textField,
} from "../../base/controls.js";
import { h } from "../../base/dom.js";
import { icon } from "../../base/icons.js";
import { say, sayProblem } from "../../base/toasts.js";
import { t } from "../../base/words.js";
import { act, adoptUpload } from "../../commands.js";
import { download, put } from "../../server/api.js";
import {
  choose,
  classOf,
  imageOf,
  imageTitle,
  ownImages,
  shownClasses,
  state,
} from "../../store.js";
import { adviceSection, effectTag } from "./advice.js";
import { boxSection, loadArchive } from "./box-panel.js";
import { cutRow } from "./cut.js";
import { choices, freeClass, savedStrokes } from "./model.js";

/** @import { Class, Labels, Stroke } from "../../server/types.js" */
/** @import { BoxTool } from "./boxes.js" */

const MAX_LISTED = 80;

/**
 * @typedef {object} Actions
 * @property {() => void} changed a choice has changed
 * @property {() => void} overlayChanged the saliency is to be shown otherwise
 * @property {() => void} look where the network wavers is to be shown or not
 * @property {BoxTool} boxes
 * @property {Labels | null} labels
 */

/**
 * @param {number} spels how many spels of the image are drawn on
 * @param {Actions} actions
 */
export function markerPanel(spels, actions) {
  return [
    classSection(actions),
    strokeSection(spels),
    cutRow(),
    fileRow(),
    ...adviceSection(actions.changed, actions.look),
    imageSection(),
    boxSection(actions.boxes),
    overlaySection(actions),
  ];
}

// -- classes -------------------------------------------------------------------------------------

/** @param {Actions} actions */
function classSection({ changed, labels }) {
  const full = freeClass() === null;
  const add = chip(
    { disabled: full, onclick: () => addClass(changed) },
    icon("plus"),
    t("markers.add_class"),
  );
  return [
    h("h2", {}, t("markers.classes")),
    h(
      "ul.classes",
      {},
      shownClasses().map((one) => classItem(one, labels)),
    ),
    h("div.row", { key: "add class" }, add),
  ];
}

/**
 * @param {Class} one
 * @param {Labels | null} labels
 */
function classItem({ label, name, color }, labels) {
  const objects = labels?.classes.find((one) => one.label === label)?.objects;
  const drawn = savedStrokes().filter((s) => s.label === label && s.tool !== "erase").length;
  return h(
    "li",
    { key: label },
    h("input.color", {
      type: "color",
      value: color,
      "aria-label": t("markers.color", { n: label }),
      onchange: ({ currentTarget }) => editClass(label, { color: currentTarget.value }),
    }),
    textField({
      value: name,
      maxLength: 40,
      "aria-label": t("markers.name", { n: label }),
      onpick: (typed) => editClass(label, { name: typed }),
    }),
    h("span.muted.small", { title: t("markers.drawn") }, String(drawn)),
    typeof objects === "number"
      ? h("output.tag", { key: "objects" }, t("markers.objects", { n: objects }))
      : null,
  );
}

/**
 * @param {number} label
 * @param {Partial<Class>} change
 */
function editClass(label, change) {
  const classes = state.doc.classes.map((c) => (c.label === label ? { ...c, ...change } : c));
  act({ do: "set_classes", classes });
}

/** @param {() => void} changed */
async function addClass(changed) {
  const free = freeClass();
  if (!free) return;
  const added = { ...free, name: t("class.n", { n: free.label }) };
  const reply = await act({ do: "set_classes", classes: [...state.doc.classes, added] });
  if (!reply) return;
  choices.label = free.label;
  changed();
}

// -- strokes -------------------------------------------------------------------------------------

/** @param {number} spels */
function strokeSection(spels) {
  const strokes = savedStrokes();
  const counts = { strokes: strokes.length, spels };
  return [
    h("h3", { key: "strokes" }, t("markers.strokes")),
    strokes.length
      ? h("p.muted.small", {}, t("markers.counts", counts))
      : h("p.muted", {}, t("markers.nothing")),
    h("ol.strokes", {}, strokes.slice(-MAX_LISTED).reverse().map(strokeItem)),
  ];
}

/** @param {Stroke} stroke */
function strokeItem({ id, tool, label, points }) {
  const erases = tool === "erase";
  const { name, color } = classOf(label);
  const remove = () => act({ do: "remove_strokes", image: state.image, ids: [id] });
  return h(
    "li",
    { key: id },
    dot(erases ? "transparent" : color),
    h("span", {}, erases ? t("markers.erase") : name),
    h("span.muted.small", {}, tool === "spels" ? String(points.length) : t(`markers.${tool}`)),
    effectTag(id),
    miniButton(icon("close"), t("markers.remove"), remove),
  );
}

// -- files ---------------------------------------------------------------------------------------

function fileRow() {
  const some = savedStrokes().length > 0;
  const view = { page: "markers", network: state.network, image: state.image };
  const clear = () => act({ do: "clear_strokes", image: state.image });
  const save = (/** @type {string} */ kind) =>
    download(`export/markers-${kind}`, view).catch(sayProblem);
  const open = () => pickFiles(".txt,.json,.png,.zip", importMarkers, true);
  const any = Object.keys(state.doc.strokes).length > 0;
  return h(
    "div.row",
    { key: "files" },
    some ? chip({ key: "clear", onclick: clear }, icon("trash"), t("markers.clear")) : null,
    chip({ key: "import", onclick: open }, icon("upload"), t("markers.import")),
    ["json", "txt"].map((kind) =>
      some ? chip({ key: kind, onclick: () => save(kind) }, icon("download"), `.${kind}`) : null,
    ),
    any
      ? chip({ key: "all", onclick: () => save("all") }, icon("download"), t("markers.save_all"))
      : null,
  );
}

/**
 * Marker files; each goes to the image of its name, one alone to the image at hand.
 * @param {File[]} files
 */
export async function importMarkers(files) {
  for (const file of files) {
    if (/\.zip$/i.test(file.name)) {
      await loadArchive(file);
      continue;
    }
    const own = imageNamed(file.name);
    const image = own ?? (files.length === 1 ? state.image : undefined);
    if (!image) {
      say(t("markers.no_image", { name: file.name }), "error");
      continue;
    }
    try {
      const reply = await put("markers", { image, name: file.name }, file);
      adoptUpload(reply);
      say(t("markers.where", { note: reply.note }));
    } catch (problem) {
      sayProblem(problem);
    }
  }
}

/**
 * The image that a file of markers is named after: "a.png" for "a-markers.json" and "a.txt".
 * @param {string} name
 */
function imageNamed(name) {
  const stem = stemOf(name).replace(/-(markers|seeds)$/, "");
  return ownImages().find((image) => stemOf(image.name) === stem)?.id;
}

/** @param {string} name */
const stemOf = (name) => name.replace(/\.[^.]{1,5}$/, "");

// -- all images, what lies over the picture ------------------------------------------------------

function imageSection() {
  const all = Object.entries(state.doc.strokes);
  return [
    h("h3", { key: "all" }, t("markers.all")),
    h(
      "ul.strokes",
      {},
      all.map(([id, strokes]) =>
        h(
          "li",
          { key: id },
          h(
            "button.link",
            { onclick: () => choose({ image: id }) },
            imageTitle(imageOf(id)?.name ?? id),
          ),
          h("span.muted.small", {}, String(strokes.length)),
        ),
      ),
    ),
    all.length ? null : h("p.muted.small", { key: "none" }, "–"),
  ];
}

/**
 * The saliency or the true mask over the picture.
 * @param {() => void} changed
 */
function overPick(changed) {
  const names = /** @type {const} */ (["saliency", "truth"]);
  const shown = names.map((name) => /** @type {const} */ ([name, t(`detect.show.${name}`)]));
  return radio(t("markers.over"), shown, choices.over, (over) => {
    choices.over = over;
    changed();
  });
}

/** @param {Actions} actions */
function overlaySection({ changed, overlayChanged }) {
  const unit = { min: 0, max: 1, step: 0.05 };
  const setOpacity = (/** @type {number} */ value) => {
    choices.opacity = value;
    changed();
  };
  const setSaliency = (/** @type {number} */ value) => {
    choices.saliency = value;
    overlayChanged();
  };
  return [
    h("h3", { key: "overlay" }, t("markers.over")),
    state.doc.masks[state.image] ? overPick(overlayChanged) : null,
    quietField(
      t("markers.opacity"),
      slider({ ...unit, value: choices.opacity, onmove: setOpacity }),
    ),
    quietField(
      t(state.doc.masks[state.image] ? `detect.show.${choices.over}` : "detect.show.saliency"),
      slider({ ...unit, value: choices.saliency, onmove: setSaliency }),
    ),
  ];
}
