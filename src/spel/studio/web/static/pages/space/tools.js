// @ts-check
// The tools above the cloud of patches, and the words below it.

import { chip, dot, labelled, numberField, radio, selectField } from "../../base/controls.js";
import { h } from "../../base/dom.js";
import { num, percent } from "../../base/numbers.js";
import { t } from "../../base/words.js";
import { act } from "../../commands.js";
import { choose, classOf, convolutions, network, state, stepTitle } from "../../store.js";

/** @import { Cloud } from "./model.js" */
/** @typedef {"plane" | "lasso" | "turn"} ToolName */

/**
 * What the user chose for the cloud.
 * @typedef {object} Options
 * @property {"kernel" | "components" | "entries"} directions
 * @property {2 | 3} dims
 * @property {boolean} normalized
 * @property {ToolName} tool
 * @property {number[]} entries
 */

/** Networks whose patches have two or three entries, with the dimensions of their cloud. */
const TOYS = /** @type {const} */ ([
  ["pair", 2],
  ["colours", 3],
]);

const DIRECTIONS = ["kernel", "components", "entries"];

/**
 * @param {Options} options
 * @param {number} length entries of a patch
 * @param {(change: Partial<Options>) => void} change
 */
export function spaceTools(options, length, change) {
  const directions = DIRECTIONS.map((d) => /** @type {const} */ ([d, t(`space.${d}`)]));
  const pickDirections = (/** @type {any} */ value) => change({ directions: value });
  return [
    layerPick(),
    labelled(t("space.directions"), selectField(directions, options.directions, pickDirections)),
    options.directions === "entries" ? entryFields(options, length, change) : null,
    dimensionPick(options, change),
    h(
      "span",
      { key: "normalized", title: t("space.normalized.about") },
      radio(
        t("space.normalized"),
        [
          [false, t("space.before")],
          [true, t("space.after")],
        ],
        options.normalized,
        (normalized) => change({ normalized }),
      ),
    ),
    toolPick(options, change),
    toyPicks(change),
  ];
}

/** @param {(change: Partial<Options>) => void} change */
function toyPicks(change) {
  const show = async (/** @type {string} */ name, /** @type {2 | 3} */ dims) => {
    if (!network(name)) await act({ do: "add_network", name, template: name });
    if (!network(name)) return;
    choose({ network: name, node: name, kernel: 0 });
    const tool = dims === 3 ? "turn" : "plane";
    change({ directions: "entries", entries: [0, 1, 2], dims, tool });
  };
  const chips = TOYS.map(([name, dims]) =>
    chip({ key: name, onclick: () => show(name, dims) }, t(`export.template.${name}`)),
  );
  return h("span.group", { key: "toys", title: t("space.toys") }, chips);
}

function layerPick() {
  const names = convolutions().map((n) => /** @type {const} */ ([n.name, stepTitle(n.name)]));
  return labelled(
    t("kernels.layer"),
    selectField(names, state.node, (node) => choose({ node })),
  );
}

/**
 * @param {Options} options
 * @param {number} length
 * @param {(change: Partial<Options>) => void} change
 */
function entryFields({ entries, dims }, length, change) {
  return entries.slice(0, dims).map((entry, i) =>
    numberField({
      key: `entry ${i}`,
      min: 0,
      max: length - 1,
      value: entry,
      "aria-label": t("space.axis", { n: i + 1 }),
      onpick: (value) => change({ entries: entries.with(i, value) }),
    }),
  );
}

/**
 * @param {Options} options
 * @param {(change: Partial<Options>) => void} change
 */
function dimensionPick({ dims }, change) {
  return radio(
    t("space.dimensions"),
    [
      [2, "2D"],
      [3, "3D"],
    ],
    dims,
    (picked) => change({ dims: picked === 3 ? 3 : 2, tool: picked === 3 ? "turn" : "plane" }),
  );
}

/**
 * @param {Options} options
 * @param {(change: Partial<Options>) => void} change
 */
function toolPick({ dims, tool }, change) {
  /** @type {Array<[ToolName, string]>} */
  const tools = [
    ["plane", t("space.drag_plane")],
    ["lasso", t("space.lasso")],
  ];
  if (dims === 3) tools.push(["turn", t("space.turn")]);
  return radio(t("markers.tools"), tools, tool, (picked) => change({ tool: picked }));
}

/**
 * What stands in the place of the tools where no convolution is chosen.
 * @param {(change: Partial<Options>) => void} change
 */
export function noConvolution(change) {
  const names = convolutions().map((n) => n.name);
  return [
    names.length ? null : h("p.muted", {}, t("space.no_conv")),
    names.map((name) =>
      chip({ key: name, onclick: () => choose({ node: name }) }, stepTitle(name)),
    ),
    toyPicks(change),
  ];
}

/**
 * @param {Cloud} cloud
 * @param {number} share of the patches on the positive side
 * @param {number} lassoed how many patches are in the lasso
 */
export function statusOf(cloud, share, lassoed) {
  const words = [t("space.kept", { part: percent(share) }), `bias ${num(cloud.bias)}`];
  if (lassoed) words.unshift(t("space.lassoed", { n: lassoed }));
  return words.join(" · ");
}

/** @param {Cloud} cloud */
export function legend({ labels }) {
  const drawn = [...new Set(labels)].sort((a, b) => a - b);
  const kept = h("span.key", { key: "kept" }, dot("var(--warm)"), t("space.kept.key"));
  const classes = drawn.map((label) => {
    const { color, name } = classOf(label);
    const mark = label > 0 ? "i.dot.tri" : "i.dot";
    return label < 0
      ? h("span.key", { key: label }, dot("var(--muted)"), t("space.unmarked"))
      : h("span.key", { key: label }, dot(color, mark), name);
  });
  return [kept, ...classes];
}
