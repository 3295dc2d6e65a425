// @ts-check
// Dialogs over the page.

import { chip } from "./controls.js";
import { create, h } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

/** @import { Children } from "./dom.js" */

/**
 * @param {string} title
 * @param {...Children} content
 * @returns {HTMLDialogElement}
 */
export function openSheet(title, ...content) {
  document.querySelector("dialog.sheet")?.remove();
  const close = { title: t("close"), "aria-label": t("close"), onclick: () => sheet.close() };
  const heading = h("header", {}, h("h2", {}, title), h("button.tool", close, icon("close")));
  const sheet = /** @type {HTMLDialogElement} */ (
    create(h("dialog.sheet", { "aria-label": title }, heading, ...content))
  );
  sheet.addEventListener("close", () => sheet.remove());
  sheet.addEventListener("click", (event) => {
    if (event.target === sheet) sheet.close();
  });
  document.body.append(sheet);
  sheet.showModal();
  return sheet;
}

/**
 * Ask the user to choose.
 * @template {string} V
 * @param {string} title
 * @param {string} text
 * @param {Array<readonly [value: V, text: string]>} choices the first one is proposed
 * @returns {Promise<V | null>} null if the user closed the dialog
 */
export function askChoice(title, text, choices) {
  return new Promise((resolve) => {
    /** @type {V | null} */
    let picked = null;
    const buttons = choices.map(([value, label], i) => {
      const onclick = () => {
        picked = value;
        sheet.close();
      };
      const attributes = { key: value, "data-choice": value, onclick };
      return i === 0 ? h("button.primary", attributes, label) : chip(attributes, label);
    });
    const sheet = openSheet(title, h("p", {}, text), h("div.row", {}, buttons));
    sheet.addEventListener("close", () => resolve(picked));
  });
}
