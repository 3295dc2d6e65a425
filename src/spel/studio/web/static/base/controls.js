// @ts-check
// Buttons and fields as every page uses them. Handlers get values, not events.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { say } from "./toasts.js";
import { t } from "./words.js";

/** @import { Attributes, Children } from "./dom.js" */
/** @typedef {Array<readonly [value: string, text: string]>} Choices */

/**
 * A button with text. `pressed` makes it a switch.
 * @param {Attributes & { pressed?: boolean }} attributes
 * @param {...Children} children
 */
export function chip({ pressed, ...attributes }, ...children) {
  const state = pressed === undefined ? {} : { "aria-pressed": String(pressed) };
  return h("button.chip", { type: "button", ...state, ...attributes }, ...children);
}

/**
 * A button with a picture only.
 * @param {string} name of the picture
 * @param {string} label
 * @param {() => void} onclick
 * @param {Attributes} [attributes]
 */
export function toolButton(name, label, onclick, attributes = {}) {
  const names = { title: label, "aria-label": label };
  return h("button.tool", { ...names, key: name, onclick, ...attributes }, icon(name));
}

/**
 * A small button with a picture or a sign.
 * @param {string | Node} shown the name of a picture, or what to show
 * @param {string} label
 * @param {() => void} onclick
 * @param {Attributes} [attributes]
 */
export function miniButton(shown, label, onclick, attributes = {}) {
  const names = { title: label, "aria-label": label };
  return h("button.mini", { ...names, key: label, onclick, ...attributes }, shown);
}

/**
 * Buttons of which one is chosen.
 * @template V
 * @param {string} label
 * @param {Array<readonly [value: V, text: Children, title?: string]>} choices
 * @param {V} now
 * @param {(value: V) => void} onpick
 */
export function radio(label, choices, now, onpick) {
  return h(
    "span.group.radio",
    { role: "group", "aria-label": label, key: label },
    choices.map(([value, text, title]) =>
      chip(
        { key: String(value), pressed: value === now, title, onclick: () => onpick(value) },
        text,
      ),
    ),
  );
}

/**
 * A control with its name before it, in one line.
 * @param {string} text
 * @param {Children} control
 * @param {Attributes} [attributes]
 */
export function labelled(text, control, attributes = {}) {
  return h("label.inline", { key: text, ...attributes }, h("span", {}, text), control);
}

/**
 * A row of a form: a name, and one or several inputs of which `id` is the first.
 * @param {string} text
 * @param {string} id
 * @param {...Children} inputs
 */
export function field(text, id, ...inputs) {
  const label = h("label", { htmlFor: id }, text);
  return h("div.field", { key: id }, label, h("span.inputs", {}, ...inputs));
}

/**
 * A row of a form with one control.
 * @param {string} text
 * @param {Children} control
 */
export function quietField(text, control) {
  return h("label.field", { key: text }, h("span.muted.small", {}, text), control);
}

/**
 * @param {Attributes & {
 *   value: number, min: number, max: number, step: number,
 *   onmove?: (value: number) => void, onrest?: (value: number) => void,
 * }} attributes `onmove` while it is dragged, `onrest` when it is let go
 */
export function slider({ what = "input", onmove, onrest, ...attributes }) {
  return h(what, {
    type: "range",
    ...attributes,
    oninput: (event) => onmove?.(Number(event.currentTarget.value)),
    onchange: (event) => onrest?.(Number(event.currentTarget.value)),
  });
}

/**
 * @param {Attributes & { value: string | number | null, onpick: (value: number) => void }} attributes
 *   `onempty` is called where the field may be empty
 */
export function numberField({ what = "input.narrow", value, onpick, onempty, ...attributes }) {
  return h(what, {
    type: "number",
    ...attributes,
    value,
    onchange: (event) => {
      const input = event.currentTarget;
      const number = input.valueAsNumber;
      if (Number.isFinite(number)) onpick(number);
      else if (onempty && !input.validity.badInput) onempty();
      else {
        input.value = value === null ? "" : String(value);
        say(t("field.number"), "error");
      }
    },
  });
}

/** @param {Attributes & { value: string, onpick: (value: string) => void }} attributes */
export function textField({ onpick, ...attributes }) {
  return h("input", { ...attributes, onchange: (event) => onpick(event.currentTarget.value) });
}

/** @param {Attributes & { checked: boolean, onpick: (checked: boolean) => void }} attributes */
export function checkbox({ onpick, ...attributes }) {
  const onchange = (/** @type {Event & { currentTarget: any }} */ event) =>
    onpick(event.currentTarget.checked);
  return h("input", { type: "checkbox", ...attributes, onchange });
}

/**
 * A list to choose from.
 * @param {Choices} choices
 * @param {string | null} now
 * @param {(value: string) => void} onpick
 * @param {Attributes} [attributes]
 */
export function selectField(choices, now, onpick, { what = "select", ...attributes } = {}) {
  return h(
    what,
    { ...attributes, value: now, onchange: (event) => onpick(event.currentTarget.value) },
    choices.map(([value, text]) => h("option", { key: value, value }, text)),
  );
}

/**
 * The same text as value and name of each choice.
 * @param {readonly string[]} values
 * @returns {Choices}
 */
export const plainChoices = (values) =>
  values.map((value) => /** @type {const} */ ([value, value]));

/**
 * Let the user pick files.
 * @param {string} accept
 * @param {(files: File[]) => void} onpick
 * @param {boolean} [multiple]
 */
export function pickFiles(accept, onpick, multiple = false) {
  const input = document.createElement("input");
  Object.assign(input, { type: "file", accept, multiple });
  input.addEventListener("change", () => onpick([...(input.files ?? [])]));
  input.click();
}

/**
 * Let the user pick a folder; the names of its files begin below it.
 * @param {(files: Array<{ name: string, file: File }>) => void} onpick
 */
export function pickFolder(onpick) {
  const input = document.createElement("input");
  Object.assign(input, { type: "file", webkitdirectory: true });
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    const below = (/** @type {File} */ file) => file.webkitRelativePath.split("/").slice(1);
    onpick(files.map((file) => ({ name: below(file).join("/") || file.name, file })));
  });
  input.click();
}

/**
 * A number with its name below.
 * @param {string} name
 * @param {string | number} value
 */
export const fact = (name, value) =>
  h("span.fact", { key: name }, h("b", {}, String(value)), h("small", {}, name));

/** @param {string} color */
export const dot = (color, what = "i.dot") => h(what, { style: { background: color } });

/**
 * A row of a table: a heading and cells.
 * @param {Children} heading
 * @param {...Children} cells
 */
export const tableRow = (heading, ...cells) =>
  h(
    "tr",
    {},
    h("th", { scope: "row" }, heading),
    cells.map((cell) => h("td", {}, cell)),
  );
