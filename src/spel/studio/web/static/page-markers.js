// Markers: draw strokes on images; they are saved at once and can be undone one by one.

import { download, put } from "./api.js";
import { planeCanvas, scaleFor } from "./colors.js";
import { Part, clamp, fill, h, icon, num, say, t } from "./core.js";
import { Ink } from "./ink.js";
import "./stage.js";
import {
  act,
  bus,
  choose,
  classOf,
  imageOf,
  output,
  picture,
  plane,
  state,
  tell,
} from "./store.js";

const TOOLS = { brush: "p", line: "l", fill: "f", erase: "e", move: "z" };
const kept = { tool: "brush", label: 1, radius: 4, opacity: 0.75, saliency: 0.45, showing: true };
export const learnable = () =>
  state.doc.networks.find(
    (n) => n.name === state.network && (n.learned || n.nodes.some((x) => x.waits)),
  ) ?? state.doc.networks.find((n) => n.learned || n.nodes.some((x) => x.waits));

/** Learn the network at hand, or the first one that learns from strokes. */
export async function learn(options = {}) {
  let wanted = learnable();
  if (!wanted) {
    await act({ do: "add_network", name: "from strokes", template: "flim" });
    wanted = learnable();
  }
  if (!wanted) return null;
  if (wanted.name !== state.network) choose({ network: wanted.name });
  const start = performance.now(),
    has = wanted.nodes.some((n) => n.waits);
  const reply = await act({
    do: "learn",
    network: wanted.name,
    start: has ? null : "",
    ...options,
  });
  if (reply) say(t("markers.learned", { ms: num(performance.now() - start, 3) }));
  return reply;
}

class MarkersPage extends Part {
  build() {
    this.className = "page";
    this.stage = document.createElement("spel-stage");
    this.stage.label = t("markers.canvas");
    this.bar = h("div.stage-tools", { role: "toolbar", "aria-label": t("markers.tools") });
    this.status = h("p.status");
    this.side = h("aside.panel", { "aria-label": t("markers.classes") });
    fill(
      this,
      h(
        "div.workbench.two",
        {},
        h(
          "section.center.rows",
          { "aria-label": t("markers.canvas") },
          this.bar,
          h("div.stages", {}, this.stage),
          h("footer.stage-foot", {}, this.status),
        ),
        this.side,
      ),
    );
    this.status.textContent = t("stage.hint.draw");
    this.stage.painters.push((pen, zoom) => this.paintInk(pen, zoom));
    this.on(this.stage, "hover", ({ detail }) => {
      this.status.textContent = detail
        ? t("inspector.at", { row: detail[0], col: detail[1] })
        : t("stage.hint.draw");
    });
    this.on(this.stage, "step", ({ detail }) => {
      const from = this.stage.cursor ?? this.stage.size.map((n) => n >> 1);
      this.stage.cursor = from.map((x, i) => clamp(x + detail[i], 0, this.stage.size[i] - 1));
      this.stage.paint(true);
      this.stage.speak(t("inspector.at", { row: this.stage.cursor[0], col: this.stage.cursor[1] }));
    });
    this.on(this.stage, "enter", () => {
      if (this.stage.cursor) {
        const p = this.stage.cursor.map((x) => x + 0.5);
        this.down(p);
        this.up(p);
      }
    });
    this.on(bus, "image", () => this.load());
    this.on(bus, "document", () => this.redraw());
    this.on(bus, "run", () => this.overlay());
    this.on(bus, "language", () => this.redraw());
    this.on(window, "keydown", (event) => this.key(event));
    this.load();
  }
  async load() {
    const image = await picture(state.image);
    if (image.id !== state.image) return;
    this.stage.setImage(image);
    this.ink = new Ink(image.rows, image.cols);
    this.redraw();
    this.overlay();
  }
  strokes() {
    return state.doc.strokes[state.image] ?? [];
  }
  redraw() {
    if (!this.ink) return;
    if (this.current) {
      this.late = true;
      return;
    }
    this.ink.redraw([...this.strokes(), ...(this.waiting ?? [])], state.doc.classes);
    this.stage.paint(true);
    this.toolbar();
    this.panel();
  }
  async overlay() {
    const told = output();
    if (
      !kept.showing ||
      !kept.saliency ||
      !told?.id ||
      told.shape.length !== 3 ||
      told.shape[2] !== 1
    ) {
      this.stage.setTop(null);
      return;
    }
    const top = await plane(told.id, 0);
    if (output()?.id !== told.id) return;
    top.map ??= planeCanvas(top, scaleFor(top.low, top.high, "positive"));
    this.stage.setTop(top.map, told, kept.saliency);
  }
  toolbar() {
    const radius = h("input", {
      type: "range",
      min: 0.5,
      max: 64,
      step: 0.5,
      value: kept.radius,
      "aria-label": t("markers.radius"),
      oninput: () => {
        kept.radius = Number(radius.value);
        shown.textContent = num(kept.radius);
        this.stage.paint(true);
      },
    });
    const shown = h("output", {}, num(kept.radius));
    fill(
      this.bar,
      h(
        "span.group.radio",
        { role: "group", "aria-label": t("markers.tools") },
        Object.keys(TOOLS).map((name) =>
          h(
            "button.chip",
            {
              "aria-pressed": String(kept.tool === name),
              title: `${t(`markers.${name}`)} (${TOOLS[name].toUpperCase()})`,
              onclick: () => this.use(name),
            },
            icon(name === "move" ? "hand" : name),
            t(`markers.${name}`),
          ),
        ),
      ),
      h("label.inline.radius", {}, h("span", {}, t("markers.radius")), radius, shown),
      h(
        "span.group",
        { role: "group", "aria-label": t("markers.classes") },
        state.doc.classes.map((c) =>
          h(
            "button.chip",
            {
              "aria-pressed": String(c.label === kept.label),
              title: `${c.name} (Shift+${c.label})`,
              onclick: () => {
                kept.label = c.label;
                this.toolbar();
              },
            },
            h("i.dot", { style: { background: c.color } }),
            `${c.label} `,
            c.name,
          ),
        ),
      ),
      h("span.spread"),
      h(
        "button.primary",
        { onclick: () => learn().then(() => this.overlay()), id: "learn" },
        icon("learn"),
        t("kernels.learn"),
      ),
    );
    this.stage.tool =
      kept.tool === "move"
        ? null
        : { down: (p) => this.down(p), move: (p) => this.move(p), up: (p) => this.up(p) };
  }
  use(name) {
    kept.tool = name;
    this.toolbar();
  }
  panel() {
    const strokes = this.strokes(),
      all = Object.entries(state.doc.strokes),
      number = (entries) => entries.reduce((n, [, s]) => n + s.length, 0);
    const pick = h("input.hidden", {
      type: "file",
      accept: ".txt,.json,.png",
      tabIndex: -1,
      "aria-label": t("markers.import"),
      onchange: async () => {
        try {
          const reply = await put(
            "markers",
            { image: state.image, name: pick.files[0].name },
            pick.files[0],
          );
          state.doc = reply.document;
          tell("document");
          say(t("markers.where", { note: reply.note }));
        } catch (problem) {
          say(problem.message, "error");
        }
      },
    });
    const view = { page: "markers", network: state.network, image: state.image };
    fill(
      this.side,
      h("h2", {}, t("markers.classes")),
      h(
        "ul.classes",
        {},
        state.doc.classes.map((c) =>
          h(
            "li",
            {},
            h("input.color", {
              type: "color",
              value: c.color,
              "aria-label": t("markers.color", { n: c.label }),
              onchange: (e) => this.edit(c.label, { color: e.target.value }),
            }),
            h("input", {
              value: c.name,
              "aria-label": t("markers.name", { n: c.label }),
              maxLength: 40,
              onchange: (e) => this.edit(c.label, { name: e.target.value }),
            }),
            h(
              "span.muted.small",
              {},
              String(strokes.filter((s) => s.label === c.label && s.tool !== "erase").length),
            ),
          ),
        ),
      ),
      h(
        "div.row",
        {},
        h(
          "button.chip",
          { disabled: state.doc.classes.length >= 10, onclick: () => this.addClass() },
          icon("plus"),
          t("markers.add_class"),
        ),
      ),
      h("h3", {}, t("markers.strokes")),
      strokes.length
        ? h(
            "p.muted.small",
            {},
            t("markers.counts", { strokes: strokes.length, spels: this.ink.count }),
          )
        : h("p.muted", {}, t("markers.nothing")),
      h(
        "ol.strokes",
        {},
        strokes
          .slice(-80)
          .reverse()
          .map((s) =>
            h(
              "li",
              {},
              h("i.dot", {
                style: { background: s.tool === "erase" ? "transparent" : classOf(s.label).color },
              }),
              h("span", {}, s.tool === "erase" ? t("markers.erase") : classOf(s.label).name),
              h(
                "span.muted.small",
                {},
                `${s.tool === "spels" ? s.points.length : t(`markers.${s.tool}`)}`,
              ),
              h(
                "button.mini",
                {
                  "aria-label": t("markers.remove"),
                  title: t("markers.remove"),
                  onclick: () => act({ do: "remove_strokes", image: state.image, ids: [s.id] }),
                },
                icon("close"),
              ),
            ),
          ),
      ),
      h(
        "div.row",
        {},
        strokes.length
          ? h(
              "button.chip",
              { onclick: () => act({ do: "clear_strokes", image: state.image }) },
              icon("trash"),
              t("markers.clear"),
            )
          : null,
        h("button.chip", { onclick: () => pick.click() }, icon("upload"), t("markers.import")),
        pick,
        strokes.length
          ? ["json", "txt"].map((kind) =>
              h(
                "button.chip",
                {
                  onclick: () =>
                    download(`export/markers-${kind}`, view).catch((p) => say(p.message, "error")),
                },
                icon("download"),
                `.${kind}`,
              ),
            )
          : null,
      ),
      h("h3", {}, t("markers.all")),
      h(
        "ul.strokes",
        {},
        all.map(([id, s]) =>
          h(
            "li",
            {},
            h("button.link", { onclick: () => choose({ image: id }) }, imageOf(id)?.name ?? id),
            h("span.muted.small", {}, String(s.length)),
          ),
        ),
      ),
      number(all) ? null : h("p.muted.small", {}, "–"),
      h("h3", {}, t("stage.overlay")),
      h(
        "label.field",
        {},
        h("span.muted.small", {}, t("markers.opacity")),
        h("input", {
          type: "range",
          min: 0,
          max: 1,
          step: 0.05,
          value: kept.opacity,
          oninput: (e) => {
            kept.opacity = Number(e.target.value);
            this.stage.paint(true);
          },
        }),
      ),
      h(
        "label.field",
        {},
        h("span.muted.small", {}, t("stage.overlay")),
        h("input", {
          type: "range",
          min: 0,
          max: 1,
          step: 0.05,
          value: kept.saliency,
          oninput: (e) => {
            kept.saliency = Number(e.target.value);
            this.overlay();
          },
        }),
      ),
    );
  }
  edit(label, change) {
    act({
      do: "set_classes",
      classes: state.doc.classes.map((c) => (c.label === label ? { ...c, ...change } : c)),
    });
  }
  addClass() {
    const taken = new Set(state.doc.classes.map((c) => c.label)),
      label = [1, 2, 3, 4, 5, 6, 7, 8, 9].find((n) => !taken.has(n));
    const colors = [
      "#2f6fd0",
      "#e8710a",
      "#1a9e77",
      "#a846c2",
      "#c9a400",
      "#d6336c",
      "#0f9fb5",
      "#7a5c3e",
      "#5b8c00",
      "#6f6f6f",
    ];
    act({
      do: "set_classes",
      classes: [
        ...state.doc.classes,
        { label, name: t("class.n", { n: label }), color: colors[label] },
      ],
    }).then(() => {
      kept.label = label;
      this.toolbar();
    });
  }

  // -- drawing -----------------------------------------------------------------------------------

  down(point) {
    if (!this.ink) return;
    const label = kept.label;
    this.current = {
      id: `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`,
      label,
      tool: kept.tool,
      radius: kept.tool === "fill" ? 0 : kept.radius,
      points: [point],
    };
    if (kept.tool === "brush" || kept.tool === "erase")
      this.ink.extend(point, point, kept.radius, kept.tool === "erase" ? -1 : label);
    this.stage.paint(true);
  }
  move(point) {
    const stroke = this.current;
    if (!stroke) return;
    const last = stroke.points.at(-1);
    if (stroke.tool === "line") stroke.points = [stroke.points[0], point];
    else if (
      Math.hypot(point[0] - last[0], point[1] - last[1]) >= 0.75 &&
      stroke.points.length < 20000
    ) {
      stroke.points.push(point);
      if (stroke.tool !== "fill")
        this.ink.extend(last, point, stroke.radius, stroke.tool === "erase" ? -1 : stroke.label);
    }
    this.stage.paint(true);
  }
  up() {
    const stroke = this.current;
    this.current = null;
    if (!stroke) return;
    const image = state.image;
    // Until the server has it, the page keeps it: nothing that was drawn is lost.
    (this.waiting ??= []).push(stroke);
    this.ink.add(stroke);
    this.stage.paint(true);
    const send = () =>
      act({ do: "add_stroke", image, stroke }).then((reply) => {
        // Refused for a reason: let go. Not reached, or another tab was faster: try again.
        if (!reply && (!state.status || state.status === 409)) {
          setTimeout(send, 2000);
          return;
        }
        this.waiting = this.waiting.filter((s) => s.id !== stroke.id);
        if (this.isConnected) this.redraw();
      });
    send();
    performance.mark("spel-ink");
  }
  paintInk(pen, zoom) {
    if (!this.ink) return;
    pen.imageSmoothingEnabled = false;
    pen.globalAlpha = kept.opacity;
    pen.drawImage(this.ink.canvas, 0, 0);
    pen.globalAlpha = 1;
    // A letter at each stroke: class by more than color.
    const size = 12 / zoom;
    pen.font = `700 ${size}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const s of this.strokes()) {
      if (s.tool === "erase") continue;
      const [r, c] = s.points[0];
      pen.lineWidth = 3 / zoom;
      pen.strokeStyle = "rgb(0 0 0 / 0.8)";
      pen.fillStyle = "#fff";
      pen.strokeText(String(s.label), c, r - 11 / zoom);
      pen.fillText(String(s.label), c, r - 11 / zoom);
    }
    const color = classOf(kept.label).color,
      drawing = this.current;
    if (drawing && (drawing.tool === "line" || drawing.tool === "fill")) {
      pen.strokeStyle = color;
      pen.fillStyle = color;
      pen.lineCap = pen.lineJoin = "round";
      pen.beginPath();
      drawing.points.forEach(([r, c], i) => (i ? pen.lineTo(c, r) : pen.moveTo(c, r)));
      pen.globalAlpha = 0.6;
      if (drawing.tool === "fill") {
        pen.closePath();
        pen.fill();
      } else {
        pen.lineWidth = 2 * drawing.radius;
        pen.stroke();
      }
      pen.globalAlpha = 1;
    }
    if (this.stage.pointer && this.stage.tool && kept.tool !== "fill") {
      const [r, c] = this.stage.pointer;
      for (const [width, ink] of [
        [3, "rgb(0 0 0 / 0.7)"],
        [1.5, kept.tool === "erase" ? "#fff" : color],
      ]) {
        pen.lineWidth = width / zoom;
        pen.strokeStyle = ink;
        pen.beginPath();
        pen.arc(c, r, Math.max(kept.radius, 1 / zoom), 0, 7);
        pen.stroke();
      }
    }
  }
  key(event) {
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      event.target.matches?.("input:not([type=range]), select, textarea") ||
      event.target.closest?.("dialog")
    )
      return;
    const tool = Object.entries(TOOLS).find(([, k]) => k === event.key)?.[0];
    const digit = event.shiftKey && /^Digit(\d)$/.exec(event.code)?.[1];
    if (tool) this.use(tool);
    else if (event.key === "[" || event.key === "]") {
      kept.radius = clamp(kept.radius * (event.key === "]" ? 1.25 : 0.8), 0.5, 64);
      this.toolbar();
      this.stage.paint(true);
    } else if (digit && state.doc.classes.some((c) => c.label === Number(digit))) {
      kept.label = Number(digit);
      this.toolbar();
    } else if (event.key === "x") {
      [kept.label, kept.other] = [
        kept.label === 0 ? (kept.other ?? 1) : 0,
        kept.label || kept.other,
      ];
      this.toolbar();
    } else if (event.key === "v") {
      kept.showing = !kept.showing;
      this.overlay();
    }
  }
}
customElements.define("page-markers", MarkersPage);
