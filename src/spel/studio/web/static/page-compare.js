// Compare two networks on the same image: outputs side by side with one view, facts below.

import { get, post } from "./api.js";
import { Part, fill, h, latest, num, percent, say, t } from "./core.js";
import { View, boxPainter } from "./stage.js";
import { bus, choose, picture, plane, state } from "./store.js";

class ComparePage extends Part {
  build() {
    this.className = "page";
    this.view = new View();
    this.unit = true;
    this.bar = h("div.stage-tools", { role: "toolbar", "aria-label": t("page.compare") });
    this.grid = h("div.compare-grid");
    this.stages = ["image", "a", "b", "difference"].map((name) => {
      const stage = document.createElement("spel-stage"),
        caption = h("figcaption");
      stage.view = this.view;
      this.on(stage, "hover", ({ detail }) => {
        this.cursor = detail;
        this.mark();
      });
      return { name, stage, caption, figure: h("figure.compare", {}, caption, stage) };
    });
    fill(
      this.grid,
      this.stages.map((s) => s.figure),
    );
    this.facts = h("div.facts-table");
    fill(
      this,
      h(
        "section.center.rows.compare-page",
        { "aria-label": t("page.compare") },
        this.bar,
        this.grid,
        this.facts,
      ),
    );
    this.fetch = latest(() => this.load());
    this.on(bus, "document image language", () => this.fetch());
    this.on(bus, "select", () => {
      if (this.first !== state.network) this.fetch();
    });
    this.fetch();
  }
  other() {
    const names = state.doc.networks.map((n) => n.name);
    return names.includes(state.other) && state.other !== state.network
      ? state.other
      : (names.find((n) => n !== state.network) ?? state.network);
  }
  toolbar() {
    const names = state.doc.networks.map((n) => n.name),
      pick = (label, now, then) =>
        h(
          "label.inline",
          {},
          h("span", {}, label),
          h(
            "select",
            { onchange: (e) => then(e.target.value) },
            names.map((n) => h("option", { selected: n === now }, n)),
          ),
        );
    fill(
      this.bar,
      pick(t("compare.a"), state.network, (n) => choose({ network: n })),
      pick(t("compare.b"), this.other(), (n) => {
        choose({ other: n });
        this.fetch();
      }),
      h(
        "label.inline",
        {},
        h("input", {
          type: "checkbox",
          checked: this.unit,
          onchange: (e) => {
            this.unit = e.target.checked;
            this.fetch();
          },
        }),
        h("span", {}, t("compare.normalize")),
      ),
    );
  }
  async load() {
    this.first = state.network;
    this.toolbar();
    const names = [state.network, this.other()],
      image = state.image,
      base = await picture(image);
    let runs;
    try {
      runs = await Promise.all(names.map((network) => get("run", { network, image })));
    } catch (problem) {
      say(problem.message, "error");
      return;
    }
    const ends = runs.map((run) => run.steps.at(-1)),
      planes = await Promise.all(
        ends.map((end) => (end.id && end.shape.length === 3 ? plane(end.id, 0) : null)),
      );
    if (image !== state.image || !this.isConnected) return;
    const [input, a, b, difference] = this.stages;
    input.stage.setImage(base);
    input.caption.textContent = base.name;
    const unit = planes.map((p) => (p && this.unit ? scaled(p) : p));
    const able = ends.map((end) => end.shape?.[2] === 1);
    const found = await Promise.all(
      names.map((network, i) =>
        able[i] ? post("boxes", { network, image }).catch(() => null) : null,
      ),
    );
    [a, b].forEach((one, i) => {
      one.stage.label = names[i];
      one.stage.setImage(base);
      one.stage.setPlane(unit[i], ends[i]);
      one.caption.textContent = `${"AB"[i]} · ${names[i]}${ends[i].error ? ` · ${ends[i].error}` : ""}`;
      one.stage.painters = found[i] ? [boxPainter(found[i].boxes)] : [];
    });
    difference.caption.textContent = t("compare.difference");
    difference.stage.setImage(base);
    if (unit[0] && unit[1] && unit[0].rows === unit[1].rows && unit[0].cols === unit[1].cols) {
      const data = new Float32Array(unit[0].data.length);
      let top = 0;
      for (let i = 0; i < data.length; i++) {
        data[i] = unit[0].data[i] - unit[1].data[i];
        top = Math.max(top, Math.abs(data[i]));
      }
      difference.stage.setPlane(
        { rows: unit[0].rows, cols: unit[0].cols, data, low: -top, high: top },
        ends[0],
        "signed",
      );
    } else {
      difference.stage.setPlane(null);
      difference.caption.textContent = t("compare.sizes");
    }
    this.table(names, runs, found);
  }
  async table(names, runs, found) {
    this.rows(names, runs, found, [null, null]);
    const judged = await Promise.all(
      names.map((network, i) =>
        found[i]?.truth ? post("judged", { network }).catch(() => null) : null,
      ),
    );
    if (this.isConnected && names[0] === this.first) this.rows(names, runs, found, judged);
  }
  rows(names, runs, found, judged) {
    const strokes = Object.values(state.doc.strokes).reduce((n, s) => n + s.length, 0),
      learned = names.map((n) => state.doc.networks.find((x) => x.name === n)?.learned);
    const rows = [
      ["parameters", runs.map((r) => num(r.parameters, 6))],
      ["adds", runs.map((r) => `${num(r.multiply_adds / 1e6, 4)} M`)],
      ["ms", runs.map((r) => `${num(r.ms, 3)} ms`)],
      ["strokes", learned.map((l) => (l ? String(strokes) : "0"))],
      ["boxes", found.map((f) => (f ? String(f.count) : "–"))],
      ["precision", judged.map((j) => percent(j?.total.precision))],
      ["recall", judged.map((j) => percent(j?.total.recall))],
    ];
    fill(
      this.facts,
      h(
        "table.terms",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, t("compare.facts")),
            names.map((n, i) => h("th", { scope: "col" }, `${"AB"[i]} · ${n}`)),
          ),
        ),
        h(
          "tbody",
          {},
          rows.map(([name, values]) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, t(`compare.${name}`)),
              values.map((v) => h("td", {}, v)),
            ),
          ),
        ),
      ),
    );
  }
  mark() {
    for (const { stage } of this.stages) {
      stage.cursor = this.cursor;
      stage.paint(true);
    }
  }
}
customElements.define("page-compare", ComparePage);

function scaled(p) {
  const span = p.high - p.low || 1,
    data = Float32Array.from(p.data, (v) => (v - p.low) / span);
  return { ...p, painted: null, data, low: 0, high: 1 };
}
