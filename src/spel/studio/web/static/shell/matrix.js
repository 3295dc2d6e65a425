// @ts-check
// A small image typed by hand, or pasted from a spreadsheet.

import { chip } from "../base/controls.js";
import { h } from "../base/dom.js";
import { openSheet } from "../base/sheet.js";
import { sayProblem } from "../base/toasts.js";
import { t } from "../base/words.js";
import { act, adoptUpload } from "../commands.js";
import { put } from "../server/api.js";
import { choose, network } from "../store.js";
import { goTo } from "./pages.js";

/** J of the lecture; its ReLU is R. */
const EXAMPLE = "6, 1, 7, -9\n9, 8, -2, -17\n12, 13, -10, -19\n11, 11, -9, -13";
const RELU = "ReLU";

export function openMatrix() {
  const area = /** @type {HTMLTextAreaElement} */ (document.createElement("textarea"));
  Object.assign(area, { rows: 8, cols: 40, placeholder: EXAMPLE, spellcheck: false });
  area.className = "numbers";
  area.setAttribute("aria-label", t("matrix.numbers"));
  const open = async (/** @type {string} */ text, /** @type {boolean} */ relu) => {
    if (await addMatrix(text, relu)) sheet.close();
  };
  const sheet = openSheet(
    t("matrix"),
    h("p.muted", {}, t("matrix.about")),
    area,
    h(
      "div.row",
      {},
      h("button.primary", { onclick: () => open(area.value, false) }, t("matrix.open")),
      chip({ onclick: () => open(area.value || EXAMPLE, true) }, t("matrix.relu")),
    ),
  );
  area.focus();
}

/**
 * @param {string} text
 * @param {boolean} relu show it with a network of one step
 * @returns {Promise<boolean>} whether it was a matrix
 */
async function addMatrix(text, relu) {
  try {
    const reply = await put("images", { name: `${t("matrix")}.csv` }, new Blob([text]));
    adoptUpload(reply);
    if (relu && !network(RELU)) {
      await act({ do: "add_network", name: RELU, template: "relu" });
    }
    const shown = relu ? { network: RELU, node: "relu" } : { node: "input" };
    choose({ image: reply.id, ...shown });
    goTo("chain");
    return true;
  } catch (problem) {
    sayProblem(problem);
    return false;
  }
}
