// @ts-check
// Export: files that leave the studio, and the networks of the session.

import { chip, miniButton, pickFiles, textField } from "../../base/controls.js";
import { h, patch } from "../../base/dom.js";
import { icon } from "../../base/icons.js";
import { latest } from "../../base/latest.js";
import { num } from "../../base/numbers.js";
import { Part } from "../../base/part.js";
import { sayProblem } from "../../base/toasts.js";
import { t } from "../../base/words.js";
import { act, adoptUpload, freeName } from "../../commands.js";
import { download, get, put } from "../../server/api.js";
import { bus, choose, state } from "../../store.js";

/** @import { Network } from "../../server/types.js" */

const FILES = [
  "network",
  "onnx",
  "script",
  "command",
  "markers-json",
  "markers-txt",
  "markers-all",
  "masks",
  "results",
  "report",
  "html",
];

class ExportPage extends Part {
  /** The command line that runs the network; empty while every step is off. */
  line = "";
  /** Kinds of files that are on their way. @type {Set<string>} */
  saving = new Set();
  fetch = latest(() => this.load());

  build() {
    this.className = "page";
    this.on(bus, "document image language run select", () => this.fetch());
    this.redraw();
    this.fetch();
  }

  async load() {
    try {
      this.line = (await get("command-line", view())).line;
    } catch {
      this.line = "";
    }
    this.redraw();
  }

  redraw() {
    const cards = FILES.map((kind) => this.card(kind));
    const take = h(
      "section",
      { key: "take", "aria-labelledby": "take" },
      h("h1", { id: "take" }, t("export.title")),
      h("div.export-grid", {}, cards),
    );
    const networks = h(
      "section",
      { key: "networks", "aria-labelledby": "networks" },
      h("h1", { id: "networks" }, t("export.networks")),
      h("ul.networks", {}, state.doc.networks.map(networkItem)),
      newNetworkRow(),
    );
    patch(this, h("div.scroll.padded", {}, take, networks));
  }

  /** @param {string} kind */
  card(kind) {
    const line = kind === "command" && this.line;
    const attributes = {
      "data-export": kind,
      disabled: this.saving.has(kind),
      onclick: () => this.save(kind),
    };
    return h(
      "article.export-card",
      { key: kind },
      h("h2", {}, t(`export.${kind}`)),
      h("p.muted", {}, t(`export.${kind}.about`)),
      line ? h("pre.code.short", { tabIndex: 0 }, line) : null,
      chip(attributes, icon("download"), t("export.save")),
    );
  }

  /** @param {string} kind */
  async save(kind) {
    this.saving.add(kind);
    this.redraw();
    try {
      await download(`export/${kind}`, view());
    } catch (problem) {
      sayProblem(problem);
    }
    this.saving.delete(kind);
    this.redraw();
  }
}
customElements.define("page-export", ExportPage);

function view() {
  const { network, image, node, channel, kernel } = state;
  return { page: "chain", network, image, node, channel, kernel };
}

/** @param {Network} network */
function networkItem({ name, nodes, parameters }) {
  const current = name === state.network;
  const rename = async (/** @type {string} */ typed) => {
    const reply = await act({ do: "rename_network", network: name, name: typed });
    if (reply && current) choose({ network: typed });
  };
  const remove = () => act({ do: "remove_network", network: name });
  const label = `${t("step.remove")} ${name}`;
  const only = state.doc.networks.length < 2;
  const parameterCount = `${num(parameters, 6)} ${t("compare.parameters")}`;
  return h(
    "li",
    { key: name },
    textField({ value: name, maxLength: 60, "aria-label": t("export.name"), onpick: rename }),
    h("span.muted.small", {}, `${t("export.steps", { n: nodes.length })} · ${parameterCount}`),
    h("span.spread"),
    current
      ? h("span.tag", {}, t("export.current"))
      : chip({ key: "use", onclick: () => choose({ network: name }) }, t("export.use")),
    chip(
      { key: "duplicate", onclick: () => addNetwork({ copy: name }, name) },
      icon("copy"),
      t("export.duplicate"),
    ),
    miniButton(icon("trash"), t("step.remove"), remove, { "aria-label": label, disabled: only }),
  );
}

function newNetworkRow() {
  const templates = state.constants.templates.map((template) => {
    const name = t(`export.template.${template}`);
    const add = () => addNetwork({ template }, name);
    return chip({ key: template, onclick: add }, icon("plus"), name);
  });
  const open = () => pickFiles(".safetensors,.json", importNetwork);
  return h(
    "div.row",
    {},
    h("span.muted", {}, t("export.new")),
    templates,
    chip({ key: "import", onclick: open }, icon("upload"), t("export.import")),
  );
}

/** @param {File[]} files */
async function importNetwork([file]) {
  if (!file) return;
  try {
    const reply = await put("networks", { name: file.name }, file);
    adoptUpload(reply);
    choose({ network: reply.name });
  } catch (problem) {
    sayProblem(problem);
  }
}

/**
 * @param {{ template: string } | { copy: string }} source
 * @param {string} name a number is added if another network has it
 */
async function addNetwork(source, name) {
  const free = freeName(name);
  const reply = await act({ do: "add_network", name: free, ...source });
  if (reply) choose({ network: free });
}
