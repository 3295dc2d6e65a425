// @ts-check
// The true mask of the image, cut along its strokes by its colours.

import { chip } from "../../base/controls.js";
import { h } from "../../base/dom.js";
import { icon } from "../../base/icons.js";
import { percent } from "../../base/numbers.js";
import { say } from "../../base/toasts.js";
import { t } from "../../base/words.js";
import { refreshDocument } from "../../commands.js";
import { refusalText } from "../../server/api.js";
import { state } from "../../store.js";
import { runTask, taskOf, taskRow } from "../../tasks.js";
import { choices, savedStrokes } from "./model.js";

/** The button, and how far the cut is. */
export function cutRow() {
  if (!savedStrokes().length) return null;
  const running = taskOf("cut")?.state === "running";
  const attributes = { id: "cut", disabled: running, title: t("cut.about"), onclick: cut };
  return h(
    "div.rows",
    { key: "cut" },
    h("div.row", {}, chip(attributes, icon("fill"), t("cut"))),
    running ? taskRow("cut") : null,
  );
}

/** Cut the image at hand, and lay the mask over the picture. */
async function cut() {
  const { image } = state;
  const task = await runTask("cut", { image });
  if (task?.state === "failed") say(refusalText(task.message, task.refusal), "error");
  if (task?.state !== "done") return;
  if (image === state.image) choices.over = "truth";
  await refreshDocument();
  const { objects, share, factor, plane } = task.result;
  say(t("cut.done", { n: objects, share: percent(share) }));
  if (factor > 1) say(t("cut.done.factor", { factor }));
  if (plane) say(t("cut.done.plane"));
}
