// The chain: all steps live, the stage, the inspector, parameters in place.

import { planeCanvas, scaleFor } from "./colors.js";
import { Part, clamp, fill, h, num, t } from "./core.js";
import "./editor.js";
import "./inspector.js";
import { View, zoomers } from "./stage.js";
import {
  bus,
  choose,
  imageOf,
  mapOf,
  node,
  onImage,
  onStep,
  output,
  picture,
  plane,
  state,
  step,
} from "./store.js";
import "./strip.js";

/** A stage that shows the selected step, with its tools and the line of numbers below. */
export class Viewer extends Part {
  build() {
    this.stage = document.createElement("spel-stage");
    this.side = "one";
    this.tools = h("div.stage-tools", { role: "toolbar", "aria-label": t("stage.tools") });
    this.status = h("p.status", { "aria-live": "off" });
    this.colorbar = h("canvas.colorbar", { width: 160, height: 10, "aria-hidden": "true" });
    this.scale = h("p.scale", {}, (this.low = h("span")), this.colorbar, (this.high = h("span")));
    this.zoomers = h("div.zoomers");
    this.stages = h("div.stages", {}, this.stage, this.zoomers);
    fill(this, this.tools, this.stages, h("footer.stage-foot", {}, this.status, this.scale));
    this.on(this.stage, "hover", ({ detail }) => {
      if (!state.pinned) this.point(detail);
      this.hovered = detail;
      this.tell();
    });
    this.on(this.stage, "pick", ({ detail }) => {
      const same =
        state.pinned && state.cursor?.[0] === detail.at[0] && state.cursor[1] === detail.at[1];
      choose({ cursor: detail.at, pinned: !same });
    });
    this.on(this.stage, "step", ({ detail }) => {
      const told = step(),
        scale = told?.scale ?? [1, 1],
        from = state.cursor ?? this.stage.size.map((n) => n >> 1);
      choose({
        cursor: from.map((x, i) => clamp(x + detail[i] * scale[i], 0, this.stage.size[i] - 1)),
        pinned: true,
      });
    });
    this.on(bus, "run select image", () => this.update());
    this.on(bus, "rest", () => {
      if (this.shown?.grain > 1) this.update();
    });
    this.on(bus, "cursor", () => this.mark());
    this.on(bus, "language", () => {
      this.worded = null;
      this.update();
    });
    this.update();
  }
  point(at) {
    if (at) choose({ cursor: at });
  }
  toolbar(channels) {
    const flick = h(
      "button.chip",
      {
        title: `${t("stage.flicker")} (\`)`,
        onpointerdown: () => this.flick(true),
        onpointerup: () => this.flick(false),
        onpointerleave: () => this.flick(false),
        onkeydown: (e) => {
          if (e.key === "Enter" && !e.repeat) this.flick(true);
        },
        onkeyup: () => this.flick(false),
      },
      t("stage.flicker"),
    );
    const select =
      channels > 1
        ? h(
            "label.inline",
            {},
            h("span", {}, t("channel")),
            h(
              "select",
              {
                onchange: (e) =>
                  choose({
                    channel: e.target.selectedIndex,
                    kernel: node()?.bank ? e.target.selectedIndex : state.kernel,
                  }),
              },
              Array.from({ length: channels }, (_, i) =>
                h("option", { selected: i === state.channel }, String(i)),
              ),
            ),
          )
        : null;
    const map = h(
      "select",
      {
        "aria-label": t("stage.map"),
        title: t("stage.map"),
        onchange: (e) => choose({ map: e.target.value }),
      },
      ["auto", "signed", "positive", "grey"].map((m) =>
        h("option", { value: m, selected: m === state.map }, t(`map.${m}`)),
      ),
    );
    const side = h(
      "button.chip",
      {
        "aria-pressed": String(this.side === "two"),
        title: t("stage.side"),
        onclick: () => {
          this.side = this.side === "two" ? "one" : "two";
          this.worded = null;
          this.update();
        },
      },
      t("stage.side"),
    );
    const alpha = h("input.alpha", {
      type: "range",
      min: 0,
      max: 1,
      step: 0.05,
      value: this.alpha ?? 0,
      "aria-label": t("stage.overlay"),
      oninput: (e) => {
        this.alpha = Number(e.target.value);
        this.overlay();
      },
    });
    fill(
      this.tools,
      select,
      map,
      side,
      flick,
      h("label.inline", {}, h("span", {}, t("stage.overlay")), alpha),
      h("span.spread"),
    );
    fill(this.zoomers, zoomers(this.stage));
  }
  async update() {
    const base = await picture(state.image),
      told = step(),
      isInput = state.node === "input";
    const channels = isInput || !told?.shape ? 1 : (told.shape[2] ?? 1),
      channel = Math.min(state.channel, channels - 1);
    const worded = JSON.stringify([
      channels,
      state.channel,
      state.map,
      this.side,
      document.documentElement.lang,
    ]);
    if (worded !== this.worded) {
      this.worded = worded;
      this.toolbar(channels);
    }
    this.stage.label = t("stage.of", { name: isInput ? imageOf()?.name : state.node });
    this.stage.relabel();
    this.base = base;
    if (base.id !== state.image) return;
    this.stage.setImage(base);
    if (isInput || !told || told.error || told.shape.length !== 3) {
      this.stage.setPlane(null);
      this.shown = null;
      if (told?.error) this.status.textContent = told.error;
      this.bar();
    } else {
      const shown = await plane(
        told.id,
        channel,
        state.live && this.stage.view.zoom < 0.75 ? 2 : 1,
      );
      if (step()?.id !== told.id) return;
      this.shown = shown;
      this.stage.setPlane(shown, told, state.map === "auto" ? mapOf() : state.map);
      this.bar();
    }
    this.second();
    this.mark();
    this.tell();
    this.overlay();
    performance.mark("spel-stage");
    this.dispatchEvent(new Event("drawn", { bubbles: true }));
  }
  /** Side by side: the image beside the step, moving together. */
  second() {
    const two = this.side === "two";
    this.stages.classList.toggle("two", two);
    if (!two) {
      this.other?.remove();
      this.other = null;
      return;
    }
    if (!this.other) {
      this.other = document.createElement("spel-stage");
      this.stages.prepend(this.other);
      this.shared ??= new View();
      this.stage.share(this.shared);
      this.other.share(this.shared);
      this.on(this.other, "hover", ({ detail }) => {
        if (!state.pinned) this.point(detail);
      });
      this.on(this.other, "pick", ({ detail }) => choose({ cursor: detail.at, pinned: true }));
      requestAnimationFrame(() => this.stage.fit());
    }
    this.other.setImage(this.base);
  }
  flick(on) {
    if (on) this.stage.setPlane(null);
    else if (this.shown)
      this.stage.setPlane(this.shown, step(), state.map === "auto" ? mapOf() : state.map);
  }
  /** The last step's saliency over the picture. */
  async overlay() {
    const told = output();
    if (!this.alpha || !told?.id || told.shape.length !== 3) {
      this.stage.setTop(null);
      return;
    }
    const top = await plane(told.id, 0);
    this.stage.setTop(planeCanvas(top, scaleFor(top.low, top.high, "positive")), told, this.alpha);
  }
  bar() {
    const colors = this.stage.colors;
    this.scale.hidden = !colors;
    if (!colors) return;
    const values = Float32Array.from(
      { length: 160 },
      (_, i) => colors.low + (i / 159) * (colors.high - colors.low),
    );
    this.colorbar
      .getContext("2d")
      .drawImage(planeCanvas({ rows: 1, cols: 160, data: values }, colors), 0, 0, 160, 10);
    this.low.textContent = num(colors.low, 3);
    this.high.textContent = num(colors.high, 3);
  }
  mark() {
    const told = state.node === "input" ? null : step(),
      { stage } = this;
    stage.cursor = state.cursor ? (told?.shape ? onStep(told, state.cursor) : state.cursor) : null;
    stage.outline = null;
    const reach = node()?.bank?.reach ?? reachOf(node()?.fields?.adjacency);
    if (stage.cursor && reach && told?.shape) {
      const [r, c] = onImage(told, stage.cursor);
      stage.outline = [r + reach[0][0], c + reach[1][0], r + reach[0][1] + 1, c + reach[1][1] + 1];
    }
    stage.paint(true);
    if (this.other) {
      this.other.cursor = state.cursor;
      this.other.outline = stage.outline;
      this.other.paint(true);
    }
    this.tell();
  }
  tell() {
    const at = state.cursor,
      told = step();
    if (!at || (told?.error && state.node !== "input")) {
      if (!told?.error) this.status.textContent = t("stage.hint");
      return;
    }
    const words = [t("inspector.at", { row: at[0], col: at[1] })];
    if (this.shown && told?.shape) {
      const [r, c] = onStep(told, at);
      const g = this.shown.grain;
      words.push(num(this.shown.data[Math.floor(r / g) * this.shown.cols + Math.floor(c / g)], 5));
      if (told.reads !== "image") words.push(t("stage.reads", { size: told.reads.join(" × ") }));
      else words.push(t("stage.reads_all"));
      words.push(`${num(told.ms, 2)} ms`);
    }
    if (this.base?.reduced > 1) words.push(t("stage.reduced", { n: this.base.reduced }));
    this.status.textContent = words.join(" · ");
    if (state.pinned) this.stage.speak(words.join(", "));
  }
}
customElements.define("spel-viewer", Viewer);

function reachOf(words) {
  if (!words) return null;
  const k = words.dilation;
  if (words.shape === "rectangle") {
    const side = (n) => [-Math.floor(n / 2) * k, (n - 1 - Math.floor(n / 2)) * k];
    return [side(words.height), side(words.width)];
  }
  if (words.shape === "custom") {
    const of = (i) => words.displacements.map((d) => d[i]);
    return [0, 1].map((i) => [Math.min(...of(i)), Math.max(...of(i))]);
  }
  const r = Math.floor(words.radius + 1e-9) * k;
  return [
    [-r, r],
    [-r, r],
  ];
}

class ChainPage extends Part {
  build() {
    this.className = "page chain";
    fill(
      this,
      document.createElement("spel-strip"),
      h(
        "div.workbench",
        {},
        h(
          "aside.panel.left",
          { "aria-label": t("editor.title") },
          document.createElement("spel-editor"),
        ),
        h(
          "section.center",
          { "aria-label": t("stage.label") },
          document.createElement("spel-viewer"),
        ),
        h(
          "aside.panel.right",
          { "aria-label": t("inspector.title") },
          document.createElement("spel-inspector"),
        ),
      ),
    );
  }
}
customElements.define("page-chain", ChainPage);
