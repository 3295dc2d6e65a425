// @ts-check
// A network over all images of a folder: which folder, how far, what came of each image.

import { numberField, selectField } from "../../base/controls.js";
import { h } from "../../base/dom.js";
import { icon } from "../../base/icons.js";
import { reasonText } from "../../base/reasons.js";
import { t } from "../../base/words.js";
import { tellsClasses } from "../../picture/labels.js";
import { network, networkTitle, ownImages, state } from "../../store.js";
import { runTask, taskOf, taskRow } from "../../tasks.js";
import { slides } from "../detect/model.js";
import { thumb } from "./thumbs.js";

/** @import { Choices } from "../../base/controls.js" */
/** @import { Task } from "../../server/types.js" */
/** @typedef {{ name: string, count: number | null, problem: string | null }} Row */
/** @typedef {{ id: string, name: string }} Folder */

/** Folder, and how much smaller or larger than the learned ones objects are there. */
const choices = { folder: "session", factor: 1 };

/**
 * @param {Folder[]} folders
 * @param {() => void} redraw
 */
export function runSection(folders, redraw) {
  const task = taskOf("run_folder");
  const running = task?.state === "running";
  const start = async () => {
    const { network, image } = state;
    const factor = factorName() ? choices.factor : 1;
    await runTask("run-folder", { network, image, folder: choices.folder, factor });
    redraw();
  };
  const pick = (/** @type {string} */ id) => {
    choices.folder = id;
    redraw();
  };
  /** @type {Choices} */
  const names = folders.map(({ id, name }) => [
    id,
    name || t("run.session", { n: ownImages().length }),
  ]);
  return h(
    "section",
    { key: "run", "aria-labelledby": "run" },
    h("h1", { id: "run" }, t("run.title")),
    h("p.muted", {}, t("run.about", { network: networkTitle(state.network) })),
    h(
      "div.row",
      { key: "start" },
      selectField(names, choices.folder, pick, { key: "folder", "aria-label": t("run.folder") }),
      factorField(redraw),
      h(
        "button.primary",
        { key: "go", id: "run-folder", disabled: running, onclick: start },
        icon("folder"),
        t("run.start"),
      ),
    ),
    taskRow("run_folder"),
    task ? results(task) : null,
  );
}

/** Which size of objects the network at hand can be applied to; empty if only that of the strokes. */
function factorName() {
  if (slides()) return "enlarge";
  return tellsClasses() || network()?.cut ? "scale" : "";
}

/** @param {() => void} redraw */
function factorField(redraw) {
  const name = factorName();
  if (!name) return null;
  const onpick = (/** @type {number} */ value) => {
    choices.factor = value;
    redraw();
  };
  const limits = { min: "0.125", max: "8", step: "any" };
  return h(
    "label.inline",
    { key: name, title: t(`run.${name}.about`) },
    h("span", {}, t(`run.${name}`)),
    numberField({ ...limits, value: choices.factor, onpick }),
  );
}

/** @param {Task} task */
function results(task) {
  /** @type {Row[]} */
  const rows = task.result.rows ?? [];
  const broken = rows.filter((row) => row.problem).length;
  return h(
    "div",
    { key: "results" },
    h("p.small", { key: "where" }, t("run.where"), h("code", {}, task.result.folder ?? "")),
    broken ? h("p.error.small", { key: "broken" }, t("run.broken", { n: broken })) : null,
    h(
      "ul.image-grid",
      { key: "rows", "aria-label": t("run.results") },
      rows.map((row, index) => resultItem(task, row, index)),
    ),
  );
}

/**
 * @param {Task} task
 * @param {Row} row
 * @param {number} index
 */
function resultItem(task, { name, count, problem }, index) {
  return h(
    "li",
    {
      key: `${task.id} ${index}`,
      class: problem ? "problem" : "",
      title: problem ? reasonText(problem) : name,
    },
    problem ? h("span.thumb-frame.broken", {}, "⚠") : thumb(`tasks/${task.id}/pictures/${index}`),
    h("span.name", {}, name),
    problem
      ? h("span.small.error", {}, reasonText(problem))
      : h("span.small.muted", {}, count === null ? "" : t("run.count", { n: count })),
  );
}
