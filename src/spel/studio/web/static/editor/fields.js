// @ts-check
// A form for the fields of a layer, from the schema that the server sends.

import {
  checkbox,
  chip,
  field,
  labelled,
  numberField,
  selectField,
  textField,
} from "../base/controls.js";
import { h } from "../base/dom.js";
import { choiceName, fieldName, t, textOr } from "../base/words.js";

/** @import { Adjacency, NetworkNode, SchemaField } from "../server/types.js" */

/** @typedef {(value: any) => void} Change */
/** @typedef {{ id: string, value: any, schema: SchemaField, change: Change }} FieldView */

const RULES = ["otsu", "p95"];
const SHAPES = ["rectangle", "disk", "cross"];
/** @type {Record<string, Partial<Adjacency>>} */
const FIRST_SIZES = {
  rectangle: { width: 3, height: 3 },
  disk: { radius: 1 },
  cross: { radius: 1 },
};

/**
 * One row of the form.
 * @param {NetworkNode} node
 * @param {SchemaField} schema
 * @param {Change} change
 */
export function layerField(node, schema, change) {
  const id = `field-${schema.name}`;
  const view = { id, value: node.fields[schema.name], schema, change };
  if (schema.type === "adjacency") return adjacencyField(view);
  return field(fieldName(schema.name), id, inputFor(view));
}

/** @param {FieldView} view */
function inputFor(view) {
  const { id, value, schema, change } = view;
  if (schema.type === "bool") return checkbox({ id, checked: value, onpick: change });
  if (schema.type === "choice" || schema.type === "border") return choiceInput(view);
  if (schema.type === "rule") return ruleInput(view);
  if (schema.type === "vector") return vectorInput(view);
  return numberField({
    what: "input",
    id,
    step: schema.type === "int" ? 1 : "any",
    min: schema.low ?? undefined,
    max: schema.high,
    value: value ?? null,
    placeholder: schema.empty ? t("default") : "",
    onpick: change,
    onempty: schema.empty ? () => change(null) : undefined,
  });
}

/** @param {FieldView} view */
function choiceInput({ id, value, schema, change }) {
  const allowed = schema.values ?? [];
  const values = allowed.includes(value) ? allowed : [...allowed, value];
  const choices = values.map(
    (v, i) => /** @type {const} */ ([String(i), choiceName(schema.name, v)]),
  );
  const pick = (/** @type {string} */ i) => change(values[Number(i)]);
  return selectField(choices, String(values.indexOf(value)), pick, { id });
}

/** @param {FieldView} view */
function ruleInput({ id, value, change }) {
  const number = typeof value === "number" ? value : null;
  const placeholder = String(value);
  return [
    numberField({ what: "input", id, step: "any", value: number, placeholder, onpick: change }),
    RULES.map((rule) =>
      chip({ key: rule, pressed: value === rule, onclick: () => change(rule) }, rule),
    ),
  ];
}

/** @param {FieldView} view */
function vectorInput({ id, value, change }) {
  const text = value.map(String); // all digits of all values: every one of them is written back
  const pick = (/** @type {string} */ typed) =>
    change(
      typed
        .trim()
        .split(/[\s;]+/)
        .map(Number),
    );
  return textField({ id, value: text.join(" "), onpick: pick });
}

/** @param {Pick<FieldView, "id" | "value" | "change">} view */
export function adjacencyField({ id, value, change }) {
  /** @type {Adjacency} */
  const adjacency = value;
  const custom = adjacency.shape === "custom";
  const shapes = custom ? [...SHAPES, "custom"] : SHAPES;
  const choices = shapes.map((s) => /** @type {const} */ ([s, textOr(`shape.${s}`, s)]));
  const reshape = (/** @type {string} */ shape) =>
    change({ shape, dilation: adjacency.dilation, ...FIRST_SIZES[shape] });
  const sizes = adjacency.shape === "rectangle" ? ["width", "height"] : ["radius"];
  const names = custom ? [] : [...sizes, "dilation"];
  return h(
    "div.field.tall",
    { key: id },
    h("label", { htmlFor: id }, fieldName("adjacency")),
    h(
      "span.inputs",
      {},
      selectField(choices, adjacency.shape, reshape, { id }),
      names.map((name) => adjacencySize(adjacency, name, change)),
    ),
  );
}

/**
 * @param {Adjacency} adjacency
 * @param {string} name
 * @param {Change} change
 */
function adjacencySize(adjacency, name, change) {
  const real = adjacency.shape === "disk" && name === "radius";
  const input = numberField({
    min: name === "radius" ? 0 : 1,
    max: 129,
    step: real ? "any" : 1,
    value: /** @type {any} */ (adjacency)[name],
    onpick: (value) => change({ ...adjacency, [name]: value }),
  });
  return labelled(fieldName(name), input);
}
