// Export: files that leave the studio, and the networks of the session.

import { download, get, put } from "./api.js";
import { Part, fill, h, icon, num, say, t } from "./core.js";
import { act, bus, choose, state, tell } from "./store.js";

const KINDS = [
  "network",
  "onnx",
  "script",
  "command",
  "markers-json",
  "markers-txt",
  "results",
  "report",
];

class ExportPage extends Part {
  build() {
    this.className = "page";
    this.on(bus, "document image language run", () => this.draw());
    this.on(bus, "select", () => this.draw());
    this.draw();
  }
  view() {
    const { network, image, node, channel, kernel } = state;
    return { page: "chain", network, image, node, channel, kernel };
  }
  async draw() {
    let line = "";
    try {
      ({ line } = await get("command-line", this.view()));
    } catch {
      /* every step is off */
    }
    const pick = h("input.hidden", {
      type: "file",
      accept: ".safetensors",
      tabIndex: -1,
      "aria-label": t("export.import"),
      onchange: async () => {
        try {
          const reply = await put("networks", { name: pick.files[0].name }, pick.files[0]);
          state.doc = reply.document;
          tell("document");
          choose({ network: reply.name });
        } catch (problem) {
          say(problem.message, "error");
        }
      },
    });
    const card = (kind) =>
      h(
        "article.export-card",
        {},
        h("h2", {}, t(`export.${kind}`)),
        h("p.muted", {}, t(`export.${kind}.about`)),
        kind === "command" && line ? h("pre.code.short", { tabIndex: 0 }, line) : null,
        h(
          "button.chip",
          {
            "data-export": kind,
            onclick: (e) => {
              e.currentTarget.disabled = true;
              const b = e.currentTarget;
              download(`export/${kind}`, this.view())
                .catch((p) => say(p.message, "error"))
                .finally(() => {
                  b.disabled = false;
                });
            },
          },
          icon("download"),
          t("export.save"),
        ),
      );
    fill(
      this,
      h(
        "div.scroll.padded",
        {},
        h(
          "section",
          { "aria-labelledby": "take" },
          h("h1", { id: "take" }, t("export.title")),
          h("div.export-grid", {}, KINDS.map(card)),
        ),
        h(
          "section",
          { "aria-labelledby": "nets" },
          h("h1", { id: "nets" }, t("export.networks")),
          h(
            "ul.networks",
            {},
            state.doc.networks.map((n) => this.network(n)),
          ),
          h(
            "div.row",
            {},
            h("span.muted", {}, t("export.new")),
            state.constants.templates.map((name) =>
              h(
                "button.chip",
                { onclick: () => this.add({ template: name }, t(`export.template.${name}`)) },
                icon("plus"),
                t(`export.template.${name}`),
              ),
            ),
            h("button.chip", { onclick: () => pick.click() }, icon("upload"), t("export.import")),
            pick,
          ),
        ),
      ),
    );
  }
  network(n) {
    const name = h("input", {
      value: n.name,
      maxLength: 60,
      "aria-label": t("export.name"),
      onchange: () => {
        const here = n.name === state.network;
        act({ do: "rename_network", network: n.name, name: name.value }).then((r) => {
          if (r && here) choose({ network: name.value });
        });
      },
    });
    return h(
      "li",
      {},
      name,
      h(
        "span.muted.small",
        {},
        `${n.nodes.length} · ${num(n.parameters, 6)} ${t("compare.parameters")}`,
      ),
      h("span.spread"),
      n.name === state.network
        ? h("span.tag", {}, t("export.current"))
        : h("button.chip", { onclick: () => choose({ network: n.name }) }, t("export.use")),
      h(
        "button.chip",
        { onclick: () => this.add({ copy: n.name }, n.name) },
        icon("copy"),
        t("export.duplicate"),
      ),
      h(
        "button.mini",
        {
          disabled: state.doc.networks.length < 2,
          "aria-label": `${t("step.remove")} ${n.name}`,
          title: t("step.remove"),
          onclick: () => act({ do: "remove_network", network: n.name }),
        },
        icon("trash"),
      ),
    );
  }
  add(how, stem) {
    const names = new Set(state.doc.networks.map((n) => n.name));
    let name = stem,
      i = 2;
    while (names.has(name)) name = `${stem} ${i++}`;
    act({ do: "add_network", name, ...how }).then((reply) => {
      if (reply) choose({ network: name });
    });
  }
}
customElements.define("page-export", ExportPage);
