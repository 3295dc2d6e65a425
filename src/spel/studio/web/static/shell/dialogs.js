// @ts-check
// The Python of the view, and the list of keys.

import { create, h } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { openSheet } from "../base/sheet.js";
import { say, sayProblem } from "../base/toasts.js";
import { t } from "../base/words.js";
import { otherNetwork } from "../pages/compare/model.js";
import { get } from "../server/api.js";
import { state } from "../store.js";

const KEYS = [
  "arrows",
  "shift_arrows",
  "wheel",
  "space",
  "ctrl_z",
  "comma",
  "page_keys",
  "p_e_f",
  "brackets",
  "shift_digit",
  "x",
  "i",
  "v",
  "tick",
  "tab",
  "pgup",
  "shift_l",
  "question",
  "esc",
];

export async function showCode() {
  const { page, network, image, node, channel, kernel, cursor } = state;
  const other = otherNetwork();
  const [row, col] = cursor ?? [];
  try {
    const query = { page, network, image, node, channel, kernel, other, row, col };
    const { code } = await get("code", query);
    const copy = () => copyText(code);
    const button = h("button.primary", { onclick: copy }, icon("copy"), t("copy"));
    const text = h("pre.code", { tabIndex: 0 }, code);
    openSheet(t("code"), h("p.muted", {}, t("code.about")), text, h("div.row", {}, button));
  } catch (problem) {
    sayProblem(problem);
  }
}

/** @param {string} text */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    say(t("copied"));
  } catch {
    say(t("copy.failed"), "error");
  }
}

export function showHelp() {
  const rows = KEYS.map((name) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, h("kbd", {}, t(`keys.${name}.key`))),
      h("td", {}, t(`keys.${name}`)),
    ),
  );
  const table = /** @type {HTMLTableElement} */ (create(h("table.terms.keys", {}, rows)));
  const filter = (/** @type {Event & { currentTarget: HTMLInputElement }} */ event) => {
    const wanted = event.currentTarget.value.toLowerCase();
    for (const row of table.rows) {
      row.hidden = !row.textContent?.toLowerCase().includes(wanted);
    }
  };
  const label = t("search");
  const attributes = { type: "search", placeholder: label, "aria-label": label, oninput: filter };
  const version = h("p.muted.small", {}, `spel ${state.constants.version}`);
  openSheet(t("help"), h("input", attributes), table, version);
}
