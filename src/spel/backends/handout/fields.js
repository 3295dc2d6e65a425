// @ts-check
// Numbers of the page to hand out: as text, in tables, and in fields.

/** @typedef {import("./planes.js").Step} Step */

/** @param {number} value */
export const num = (value) => String(Number(value.toPrecision(5)));

/**
 * @param {string} title
 * @param {Step} step
 * @param {Array<string | number>} values
 * @param {(n: number, value: number) => void} [edit]
 */
export function table(title, { displacements }, values, edit) {
  const figure = document.createElement("figure");
  const rows = [...new Set(displacements.map((/** @type {number[]} */ d) => d[0]))];
  const body = document.createElement("table");
  for (const r of rows) {
    const line = body.insertRow();
    displacements.forEach((/** @type {number[]} */ d, /** @type {number} */ n) => {
      if (d[0] !== r) return;
      const cell = line.insertCell();
      if (!edit) cell.textContent = String(values[n]);
      else cell.append(field(`${title} ${d}`, Number(values[n]), (value) => edit(n, value)));
    });
  }
  const small = document.createElement("small");
  small.textContent = title;
  figure.append(small, body);
  return figure;
}

/**
 * @param {string} label
 * @param {number} value
 * @param {(value: number) => void} change
 */
function field(label, value, change) {
  const input = document.createElement("input");
  Object.assign(input, {
    type: "number",
    step: "any",
    value: String(Number(value.toPrecision(7))),
  });
  input.setAttribute("aria-label", label);
  input.addEventListener("change", () => {
    if (Number.isFinite(input.valueAsNumber)) change(input.valueAsNumber);
  });
  return input;
}

/**
 * @param {string} name
 * @param {number} value
 * @param {(value: number) => void} change
 */
export function constant(name, value, change) {
  const line = document.createElement("p");
  line.append(`${name} `, field(name, value, change));
  return line;
}
