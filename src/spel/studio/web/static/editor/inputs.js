// @ts-check
// Which steps a step reads: another choice begins a branch, a step of several images joins them.

import { chip, miniButton, selectField } from "../base/controls.js";
import { h } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { stem, t } from "../base/words.js";
import { act } from "../commands.js";
import { network, state, stepTitle } from "../store.js";

/** @import { NetworkNode } from "../server/types.js" */

const JOINS = ["add", "multiply", "concatenate"];

/** @param {NetworkNode} shown */
export function inputsSection(shown) {
  const nodes = network()?.nodes ?? [];
  const place = nodes.findIndex((n) => n.name === shown.name);
  const earlier = ["input", ...nodes.slice(0, place).map((n) => n.name)];
  const { inputs } = shown;
  const change = (/** @type {string[]} */ names) =>
    act({ do: "set_inputs", network: state.network, node: shown.name, inputs: names });
  const row = (/** @type {string} */ input, /** @type {number} */ i) =>
    h(
      "span.inputs",
      { key: i },
      selectField(
        earlier.map((name) => /** @type {const} */ ([name, stepTitle(name)])),
        input,
        (name) => change(inputs.with(i, name)),
        { id: `reads-${i}`, "aria-label": `${t("editor.reads")} ${i + 1}` },
      ),
      JOINS.includes(stem(shown.kind)) && inputs.length > 1
        ? miniButton(icon("trash"), t("editor.reads.less"), () => change(inputs.toSpliced(i, 1)))
        : null,
    );
  const more = () => change([...inputs, inputs.at(-1) ?? "input"]);
  return h(
    "div.field.tall",
    { key: `reads ${shown.name}` },
    h("label", { htmlFor: "reads-0" }, t("editor.reads")),
    h(
      "span.reads",
      {},
      inputs.map(row),
      JOINS.includes(stem(shown.kind))
        ? chip({ key: "more", onclick: more }, t("editor.reads.more"))
        : null,
    ),
  );
}
