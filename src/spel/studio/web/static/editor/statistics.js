// @ts-check
// Of which images a batch normalization has mean and deviation, and a button that takes all.

import { chip } from "../base/controls.js";
import { h } from "../base/dom.js";
import { say } from "../base/toasts.js";
import { t } from "../base/words.js";
import { refreshDocument } from "../commands.js";
import { ownImages, state } from "../store.js";
import { runTask, taskOf, taskRow } from "../tasks.js";

/** @import { NetworkNode } from "../server/types.js" */

/** @param {NetworkNode} shown */
export function statisticsSection({ name }) {
  const task = taskOf("fit_statistics");
  const running = task?.state === "running";
  const fit = () => fitStatistics(name);
  return h(
    "section.fields",
    { key: "statistics" },
    h("p.muted.small", {}, t("statistics.about", { first: state.constants.firstImages })),
    chip({ disabled: running, onclick: fit }, t("statistics.fit", { n: ownImages().length })),
    running || task?.state === "failed" ? taskRow("fit_statistics") : null,
  );
}

/** @param {string} node */
async function fitStatistics(node) {
  const task = await runTask("fit-statistics", { network: state.network, node });
  if (task?.state !== "done") return;
  await refreshDocument();
  say(t("statistics.done"));
}
