// Detect: the decision live, boxes while a slider moves, why a box is there, precision and recall.

import { post, put } from "./api.js";
import { kernelCanvas } from "./colors.js";
import { Part, clamp, fill, h, icon, latest, num, percent, say, t } from "./core.js";
import { boxPainter, zoomers } from "./stage.js";
import {
  act,
  bus,
  choose,
  classOf,
  imageOf,
  network,
  output,
  picture,
  plane,
  state,
  tell,
} from "./store.js";

const kept = { show: "mask" };

class DetectPage extends Part {
  build() {
    this.className = "page";
    this.stage = document.createElement("spel-stage");
    this.bar = h("div.stage-tools", { role: "toolbar", "aria-label": t("stage.tools") });
    this.status = h("p.status", { role: "status" });
    this.form = h("div");
    this.why = h("section.why", { "aria-label": t("detect.why"), "aria-live": "polite" });
    this.judged = h("section", { "aria-label": t("detect.all") });
    fill(
      this,
      h(
        "div.workbench.two",
        {},
        h(
          "section.center.rows",
          { "aria-label": t("stage.label") },
          this.bar,
          h("div.stages", {}, this.stage),
          h("footer.stage-foot", {}, this.status),
        ),
        h("aside.panel", { "aria-label": t("detect.title") }, this.form, this.why, this.judged),
      ),
    );
    this.painted = [];
    this.stage.painters.push((pen, zoom) => this.painted.forEach((p) => p(pen, zoom)));
    this.ask = latest(() => this.boxes());
    this.on(this.stage, "pick", ({ detail }) => this.pick(detail.point));
    this.on(this.stage, "hover", ({ detail }) => this.hover(detail));
    this.on(bus, "image run", () => this.load());
    this.on(bus, "document language", () => {
      this.adopt();
      this.panel();
      this.ask();
    });
    this.adopt();
    this.load();
  }
  /** Take the network's own decision, unless a drag is under way. */
  adopt() {
    if (!this.dragging) this.decision = { ...(network()?.decision ?? {}) };
  }
  async load() {
    const base = await picture(state.image),
      told = output();
    if (base.id !== state.image) return;
    this.stage.setImage(base);
    this.selected = -1;
    fill(this.why);
    this.saliency = null;
    if (told?.id && told.shape.length === 3 && told.shape[2] === 1) {
      const top = await plane(told.id, 0);
      if (output()?.id !== told.id) return;
      this.saliency = top;
      this.place = told;
      this.sorted = null;
    }
    this.toolbar();
    this.panel();
    await this.ask();
  }
  toolbar() {
    fill(
      this.bar,
      h(
        "span.group.radio",
        { role: "group", "aria-label": t("detect.show") },
        ["image", "saliency", "mask"].map((name) =>
          h(
            "button.chip",
            {
              "aria-pressed": String(kept.show === name),
              onclick: () => {
                kept.show = name;
                this.toolbar();
                this.layers();
              },
            },
            t(`detect.show.${name}`),
          ),
        ),
      ),
      h("span.spread"),
      zoomers(this.stage),
    );
    this.layers();
  }
  layers() {
    const { saliency, stage } = this;
    stage.setPlane(kept.show === "saliency" && saliency ? saliency : null, this.place, "auto");
    stage.setTop(null);
    if (kept.show === "mask" && saliency && this.found) this.mask(this.found.threshold);
  }
  /** The mask is drawn here, at once; boxes come from the engine. */
  mask(threshold) {
    const { saliency } = this;
    if (!saliency || kept.show !== "mask") return;
    this.cover ??= document.createElement("canvas");
    if (this.cover.width !== saliency.cols || this.cover.height !== saliency.rows) {
      this.cover.width = saliency.cols;
      this.cover.height = saliency.rows;
    }
    const pen = this.cover.getContext("2d"),
      image = pen.createImageData(saliency.cols, saliency.rows),
      out = new Uint32Array(image.data.buffer),
      { data } = saliency;
    for (let i = 0; i < out.length; i++) if (data[i] > threshold) out[i] = 0x996effb4;
    pen.putImageData(image, 0, 0);
    this.stage.setTop(this.cover, this.place, 1);
  }
  async boxes() {
    if (!this.saliency) {
      this.found = null;
      this.painted = [];
      this.stage.paint(true);
      this.result();
      return;
    }
    const asked = { network: state.network, image: state.image, decision: this.decision };
    try {
      const found = await post("boxes", asked);
      if (asked.image !== state.image || asked.network !== state.network) return;
      this.found = found;
    } catch (problem) {
      if (problem.status !== 422) say(problem.message, "error");
      else this.status.textContent = problem.message;
      return;
    }
    if (this.selected >= this.found.count) this.selected = -1;
    this.mask(this.found.threshold);
    this.overlays();
    this.result();
    if (!this.dragging) this.boxList();
    performance.mark("spel-boxes");
    this.dispatchEvent(new Event("boxes", { bubbles: true }));
  }
  overlays() {
    const { boxes, matched, scores } = this.found,
      truth = state.doc.truth[state.image] ?? [],
      clean = boxes.length <= 8;
    const color = (i) => (matched ? (matched[i] ? "#3dff9a" : "#ff8fa3") : "#ffd23f");
    this.painted = [
      boxPainter(truth, { color: "#7cc4ff", dash: [6, 4], width: 1.5 }),
      boxPainter(boxes, {
        color,
        selected: this.selected,
        label: (i) =>
          clean || i === this.selected
            ? `${matched ? (matched[i] ? "✓ " : "✗ ") : ""}${num(scores[i], 2)}`
            : null,
      }),
    ];
    this.stage.paint(true);
  }
  result() {
    const found = this.found;
    if (this.counter) {
      fill(
        this.counter,
        h("output", {}, found ? String(found.count) : "–"),
        h("span", {}, t(found?.count === 1 ? "detect.count.one" : "detect.count")),
      );
      const told = found?.truth;
      fill(
        this.quality,
        told
          ? [
              fact(t("detect.precision"), percent(told.precision)),
              fact(t("detect.recall"), percent(told.recall)),
              fact(t("detect.missed"), told.missed),
              fact(t("detect.false"), told.false),
            ]
          : h("span.muted.small", {}, t("detect.truth.none")),
      );
      this.now.textContent = found ? num(found.threshold, 4) : "";
      this.histogram();
    }
    this.status.textContent = found
      ? `${found.count} ${t(found.count === 1 ? "detect.count.one" : "detect.count")} · ${t("detect.threshold")} ${num(found.threshold)} · ${num(found.ms, 2)} ms`
      : (output()?.error ?? "");
  }
  hover(at) {
    const inside =
      at &&
      this.found?.boxes.findIndex(
        ([x0, y0, x1, y1]) => at[1] >= x0 && at[1] < x1 && at[0] >= y0 && at[0] < y1,
      );
    this.stage.canvas.style.cursor =
      inside >= 0 && inside !== null && inside !== undefined ? "pointer" : "";
  }
  pick([row, col]) {
    const hits = (this.found?.boxes ?? [])
      .map((b, i) => ({ b, i }))
      .filter(({ b }) => col >= b[0] && col < b[2] && row >= b[1] && row < b[3]);
    hits.sort(
      (p, q) => (p.b[2] - p.b[0]) * (p.b[3] - p.b[1]) - (q.b[2] - q.b[0]) * (q.b[3] - q.b[1]),
    );
    this.open(hits.length ? hits[0].i : -1);
  }

  // -- the decision ------------------------------------------------------------------------------

  change(part, gesture) {
    this.decision = { ...this.decision, ...part };
    for (const [name, value] of Object.entries(this.decision))
      if (value === null || value === undefined) delete this.decision[name];
    if (gesture) this.ask();
    else this.commit();
  }
  commit() {
    this.dragging = false;
    act({ do: "set_decision", network: state.network, decision: this.decision });
  }
  panel() {
    if (
      this.dragging ||
      (this.form.contains(document.activeElement) &&
        document.activeElement.type === "number" &&
        this.shaped === state.network)
    ) {
      if (this.counter) return this.result();
    }
    this.shaped = state.network;
    const d = this.decision,
      told = output();
    if (!this.saliency) {
      fill(
        this.form,
        h("h2", {}, t("detect.title")),
        h("p.error", {}, told?.error ?? t("detect.fix")),
        told?.shape?.[2] > 1
          ? h(
              "div.row",
              {},
              h(
                "button.primary",
                {
                  onclick: () =>
                    act({
                      do: "add_step",
                      network: state.network,
                      after: told.name,
                      kind: "weighted_sum",
                      image: state.image,
                    }),
                },
                t("detect.fix"),
              ),
            )
          : null,
      );
      this.counter = null;
      return undefined;
    }
    const { low, high } = this.saliency,
      rule =
        typeof d.threshold === "string" || d.threshold === undefined
          ? (d.threshold ?? "otsu")
          : "value";
    this.counter = h("p.count");
    this.quality = h("div.facts");
    this.now = h("output.now");
    this.plot = h("canvas.histogram", { role: "img", "aria-label": t("detect.threshold") });
    const start = () => {
      this.dragging = true;
    };
    const slider = h("input.wide-slider", {
      type: "range",
      min: low,
      max: high,
      step: (high - low) / 500 || 1,
      value: this.found?.threshold ?? (typeof d.threshold === "number" ? d.threshold : low),
      "aria-label": t("detect.threshold"),
      id: "threshold",
      onpointerdown: start,
      oninput: () => {
        this.dragging = true;
        const v = Number(slider.value);
        this.mask(v);
        this.change({ threshold: v }, true);
      },
      onchange: () => this.commit(),
    });
    this.slider = slider;
    const rules = h(
      "span.group.radio",
      { role: "group", "aria-label": t("detect.rule") },
      ["otsu", "p95", "p99"].map((r) =>
        h(
          "button.chip",
          { "aria-pressed": String(rule === r), onclick: () => this.change({ threshold: r }) },
          r,
        ),
      ),
    );
    const select = h(
      "select",
      {
        "aria-label": t("detect.select"),
        onchange: (e) =>
          this.change(
            e.target.value === "closest"
              ? { select: "closest", size: d.size ?? [90, 30] }
              : { select: e.target.value, size: null },
          ),
      },
      ["all", "widest", "largest", "closest"].map((s) =>
        h("option", { value: s, selected: s === (d.select ?? "all") }, t(`detect.select.${s}`)),
      ),
    );
    fill(
      this.form,
      h("header.row.between", {}, h("h2", {}, t("detect.title")), this.counter),
      this.quality,
      h(
        "div.field.stack",
        {},
        h("label", { htmlFor: "threshold" }, t("detect.threshold")),
        h("span.inputs", {}, rules, this.now),
      ),
      this.plot,
      slider,
      ["area", "width", "height", "aspect"].map((name) => this.range(name)),
      h("label.field", {}, h("span.muted.small", {}, t("detect.select")), select),
      d.select === "closest"
        ? h(
            "div.field",
            {},
            h("label", {}, t("detect.size")),
            h(
              "span.inputs",
              {},
              [0, 1].map((i) =>
                h("input.narrow", {
                  type: "number",
                  min: 1,
                  value: d.size?.[i] ?? 30,
                  "aria-label": t(i ? "detect.height" : "detect.width"),
                  onchange: (e) => {
                    const size = [...(d.size ?? [90, 30])];
                    size[i] = Number(e.target.value);
                    this.change({ size });
                  },
                }),
              ),
            ),
          )
        : null,
      this.truthRow(),
    );
    if (!this.why.children.length) fill(this.why, h("p.muted.small", {}, t("detect.why.hint")));
    this.boxList();
    this.result();
    return undefined;
  }
  range(name) {
    const d = this.decision[name],
      top = {
        area: (this.stage.size[0] * this.stage.size[1]) / 4,
        width: this.stage.size[1],
        height: this.stage.size[0],
        aspect: 12,
      }[name],
      power = name === "area" ? 3 : 1;
    const low = d?.[0] ?? 0,
      high = d?.[1] ?? Infinity,
      id = `filter-${name}`;
    const set = (a, b, gesture) =>
      this.change({ [name]: a <= 0 && b >= 1e9 ? null : [a, Math.min(b, 1e9)] }, gesture);
    const read = (box, empty) => (box.value === "" ? empty : Number(box.value));
    const first = h("input.narrow", {
      type: "number",
      min: 0,
      step: "any",
      value: low || "",
      placeholder: "0",
      id,
      "aria-label": `${t(`detect.${name}`)} ${t("detect.from")}`,
      onchange: () => set(read(first, 0), read(last, 1e9)),
    });
    const last = h("input.narrow", {
      type: "number",
      min: 0,
      step: "any",
      value: high >= 1e9 ? "" : high,
      placeholder: "∞",
      "aria-label": `${t(`detect.${name}`)} ${t("detect.to")}`,
      onchange: () => set(read(first, 0), read(last, 1e9)),
    });
    const slider = h("input", {
      type: "range",
      min: 0,
      max: 1,
      step: 0.002,
      value: (low / top) ** (1 / power),
      "aria-label": `${t(`detect.${name}`)} ${t("detect.from")}`,
      "data-filter": name,
      oninput: () => {
        this.dragging = true;
        const v = Number(slider.value) ** power * top;
        first.value = name === "aspect" ? v.toFixed(2) : Math.round(v);
        set(Number(first.value), read(last, 1e9), true);
      },
      onchange: () => this.commit(),
    });
    return h(
      "div.field.filter",
      {},
      h("label", { htmlFor: id }, t(`detect.${name}`)),
      h("span.inputs.nowrap", {}, first, slider, last),
    );
  }
  truthRow() {
    const pick = h("input.hidden", {
      type: "file",
      accept: ".json",
      tabIndex: -1,
      "aria-label": t("detect.truth.load"),
      onchange: async () => {
        try {
          const reply = await put("truth", {}, pick.files[0]);
          state.doc = reply.document;
          tell("document");
          say(t("detect.truth.loaded", { n: reply.images }));
        } catch (problem) {
          say(problem.message, "error");
        }
      },
    });
    return h(
      "div.row",
      {},
      h(
        "button.chip",
        { onclick: () => this.judge(), disabled: !Object.keys(state.doc.truth).length },
        t("detect.judge"),
      ),
      h("button.chip", { onclick: () => pick.click() }, icon("upload"), t("detect.truth.load")),
      pick,
    );
  }
  /** How often each saliency occurs, with the threshold. */
  histogram() {
    const canvas = this.plot,
      { saliency } = this;
    if (!canvas?.clientWidth || !saliency) {
      if (canvas) requestAnimationFrame(() => canvas.clientWidth && this.histogram());
      return;
    }
    const ratio = devicePixelRatio || 1,
      wide = (canvas.width = canvas.clientWidth * ratio),
      high = (canvas.height = canvas.clientHeight * ratio),
      bins = 100,
      pen = canvas.getContext("2d");
    if (!this.sorted) {
      this.sorted = new Float32Array(bins);
      const times = bins / (saliency.high - saliency.low || 1);
      for (let i = 0; i < saliency.data.length; i += 1)
        this.sorted[Math.min(bins - 1, Math.floor((saliency.data[i] - saliency.low) * times))] += 1;
    }
    const css = getComputedStyle(this),
      most = Math.log1p(Math.max(...this.sorted)),
      X = (v) => ((v - saliency.low) / (saliency.high - saliency.low || 1)) * wide,
      at = this.found?.threshold ?? 0;
    this.sorted.forEach((n, i) => {
      const middle = saliency.low + ((i + 0.5) / bins) * (saliency.high - saliency.low),
        tall = (Math.log1p(n) / most) * (high - 3);
      pen.fillStyle =
        middle > at ? css.getPropertyValue("--warm") : css.getPropertyValue("--strong");
      pen.globalAlpha = middle > at ? 0.9 : 0.5;
      pen.fillRect((i / bins) * wide, high - tall, wide / bins - 1, tall);
    });
    pen.globalAlpha = 1;
    pen.fillStyle = css.getPropertyValue("--accent");
    pen.fillRect(X(at) - ratio, 0, 2 * ratio, high);
    if (this.slider && !this.dragging && this.found)
      this.slider.value = String(clamp(at, saliency.low, saliency.high));
  }

  // -- why ---------------------------------------------------------------------------------------

  boxList() {
    if (this.selected >= 0) return;
    const found = this.found;
    if (!found?.count) {
      fill(this.why);
      return;
    }
    fill(
      this.why,
      h("h3", {}, t("detect.boxes")),
      h("p.muted.small", {}, t("detect.why.hint")),
      h(
        "div.row.tight",
        {},
        found.boxes
          .slice(0, 40)
          .map((_, i) =>
            h(
              "button.chip",
              { onclick: () => this.open(i) },
              t("detect.box", { n: i + 1, s: num(found.scores[i], 2) }),
            ),
          ),
      ),
    );
  }
  async open(index) {
    this.selected = index;
    if (this.found) this.overlays();
    if (index < 0) {
      fill(this.why, h("p.muted.small", {}, t("detect.why.hint")));
      this.boxList();
      return;
    }
    let told;
    try {
      told = await post("why", {
        network: state.network,
        image: state.image,
        index,
        decision: this.decision,
      });
    } catch (problem) {
      say(problem.message, "error");
      return;
    }
    this.told = told;
    const top = Math.max(...told.kernels.map((k) => Math.abs(k.share)), 1e-12);
    fill(
      this.why,
      h("h3", {}, t("detect.why")),
      h(
        "p",
        {},
        t("detect.why.peak", {
          s: num(told.saliency),
          m: num(told.margin),
          t: num(told.threshold),
        }),
        " ",
        t("detect.why.area", { a: num(told.area) }),
      ),
      told.kernels.length ? h("p.muted.small.space-above", {}, t("detect.why.kernels")) : null,
      h(
        "ul.shares",
        {},
        told.kernels.slice(0, 6).map((k) => {
          let shown = null;
          if (k.weights) {
            const rows = k.weights.length,
              cols = k.weights[0].length,
              channels = k.weights[0][0].length;
            shown = kernelCanvas(Float32Array.from(k.weights.flat(2)), rows, cols, channels);
            shown.className = "share-kernel";
          }
          return h(
            "li",
            {},
            shown,
            h(
              "span",
              {},
              h("b", {}, `${k.node} #${k.channel}`),
              k.label === undefined
                ? null
                : h(
                    "span.tag",
                    {},
                    h("i.dot", { style: { background: classOf(k.label).color } }),
                    classOf(k.label).name,
                  ),
            ),
            h(
              "span.share",
              {},
              h(`i.${k.share < 0 ? "minus" : "plus"}`, {
                style: { width: `${(Math.abs(k.share) / top) * 100}%` },
              }),
            ),
            h("output", {}, num(k.share, 3)),
          );
        }),
      ),
      h("p.muted.small.space-above", {}, t("detect.why.vanishes")),
      h(
        "ul.plain",
        {},
        told.vanishes.map((v) =>
          h(
            "li",
            {},
            t(v.what === "area" ? "detect.why.minarea" : "detect.why.threshold", { v: num(v.to) }),
          ),
        ),
      ),
      h(
        "div.row",
        {},
        h(
          "button.chip",
          {
            onclick: () => {
              choose({ node: told.output, cursor: told.spel, pinned: true, channel: 0 });
              location.hash = "chain";
            },
          },
          t("detect.why.inspect"),
        ),
      ),
    );
    const spels = told.spels;
    this.painted.push((pen, zoom) => {
      pen.fillStyle = "#ff4fd8";
      const size = Math.max(1, 3 / zoom);
      for (const [r, c] of spels) pen.fillRect(c + 0.5 - size / 2, r + 0.5 - size / 2, size, size);
      const [r, c] = told.spel;
      for (const [width, ink] of [
        [4, "rgb(0 0 0 / 0.8)"],
        [2, "#ff4fd8"],
      ]) {
        pen.lineWidth = width / zoom;
        pen.strokeStyle = ink;
        pen.beginPath();
        pen.arc(c + 0.5, r + 0.5, 8 / zoom, 0, 7);
        pen.stroke();
      }
    });
    this.stage.paint(true);
  }
  async judge() {
    let told;
    try {
      told = await post("judged", { network: state.network, decision: this.decision });
    } catch (problem) {
      say(problem.message, "error");
      return;
    }
    const canvas = h("canvas.curve", {
      width: 520,
      height: 240,
      role: "img",
      "aria-label": t("detect.curve"),
    });
    fill(
      this.judged,
      h("h3", {}, t("detect.all")),
      h(
        "div.facts",
        {},
        fact(t("detect.precision"), percent(told.total.precision)),
        fact(t("detect.recall"), percent(told.total.recall)),
        fact("AP", typeof told.ap === "number" ? num(told.ap, 3) : "–"),
      ),
      h("p.muted.small", {}, t("detect.curve")),
      canvas,
      h(
        "table.terms",
        {},
        told.rows.map((r) =>
          h(
            "tr",
            {},
            h(
              "th",
              { scope: "row" },
              h(
                "button.link",
                { onclick: () => choose({ image: r.image }) },
                imageOf(r.image)?.name,
              ),
            ),
            h("td", {}, `✓ ${r.hits}`),
            h("td", {}, `✗ ${r.false}`),
            h("td", {}, `− ${r.missed}`),
          ),
        ),
      ),
    );
    requestAnimationFrame(() => {
      const pen = canvas.getContext("2d"),
        css = getComputedStyle(this),
        { precision, recall } = told.curve,
        X = (v) => 30 + v * 480,
        Y = (v) => 215 - v * 200;
      pen.strokeStyle = css.getPropertyValue("--line");
      pen.lineWidth = 2;
      pen.strokeRect(X(0), Y(1), 480, 200);
      pen.strokeStyle = css.getPropertyValue("--accent");
      pen.lineWidth = 4;
      pen.beginPath();
      recall.forEach((r, i) =>
        i ? pen.lineTo(X(r), Y(precision[i])) : pen.moveTo(X(r), Y(precision[i])),
      );
      pen.stroke();
      pen.fillStyle = css.getPropertyValue("--warm");
      recall.forEach((r, i) => {
        pen.beginPath();
        pen.arc(X(r), Y(precision[i]), 5, 0, 7);
        pen.fill();
      });
    });
  }
}
customElements.define("page-detect", DetectPage);
const fact = (name, value) => h("span.fact", {}, h("b", {}, String(value)), h("small", {}, name));
