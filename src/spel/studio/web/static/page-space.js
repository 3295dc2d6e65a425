// Patch space: the cloud, the kernel's hyperplane that can be dragged, distances, lasso.

import { getPacked } from "./api.js";
import { kernelCanvas } from "./colors.js";
import { Part, clamp, fill, h, latest, num, percent, say, t } from "./core.js";
import "./inspector.js";
import {
  act,
  bank,
  bus,
  choose,
  classOf,
  convolutions,
  live,
  node,
  onImage,
  picture,
  state,
  step,
} from "./store.js";

const PAD = 26;

class SpacePage extends Part {
  build() {
    Object.assign(this, {
      directions: "kernel",
      dims: 2,
      normalized: false,
      tool: "plane",
      entries: [0, 4, 8],
      yaw: 0.6,
      pitch: 0.35,
      lassoed: null,
      hovered: -1,
    });
    this.className = "page";
    this.tools = h("div.stage-tools", { role: "toolbar", "aria-label": t("space.title") });
    this.canvas = h("canvas.cloud", {
      tabIndex: 0,
      role: "application",
      "aria-label": t("space.cloud"),
    });
    this.histogram = h("canvas.histogram", { role: "img", "aria-label": t("space.histogram") });
    this.told = h("p.status", { role: "status" });
    this.stage = document.createElement("spel-stage");
    this.picks = h("div.kernel-picks", { role: "group", "aria-label": t("kernel.choose") });
    this.inspector = document.createElement("spel-inspector");
    fill(
      this,
      h(
        "div.workbench.two",
        {},
        h(
          "section.center.space",
          { "aria-label": t("space.title") },
          this.tools,
          h("div.cloud-box", {}, this.canvas),
          h(
            "figure.histogram-box",
            {},
            h("figcaption", {}, t("space.histogram"), h("span.hint", {}, t("space.plane"))),
            this.histogram,
          ),
          h("footer.stage-foot", {}, this.told, (this.legend = h("p.legend"))),
        ),
        h(
          "aside.panel.flush",
          { "aria-label": t("inspector.title") },
          h("div.small-stage", {}, this.stage),
          h("div.pad", {}, this.picks, this.inspector),
        ),
      ),
    );
    this.stage.painters.push((pen, zoom) => this.onPicture(pen, zoom));
    this.fetch = latest(() => this.load());
    this.on(bus, "select document run language", () => {
      if (!this.dragging) this.fetch();
    });
    this.on(bus, "image", () => this.show());
    this.on(bus, "theme", () => this.draw());
    this.on(bus, "cursor", () => this.mark());
    this.on(this.stage, "hover", ({ detail }) => {
      if (detail && !state.pinned) {
        choose({ cursor: detail });
        this.nearest(detail);
      }
    });
    this.on(this.stage, "pick", ({ detail }) =>
      choose({ cursor: detail.at, pinned: !state.pinned }),
    );
    this.pointers();
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this.canvas.parentElement);
    this.show();
    this.fetch();
  }
  async show() {
    this.stage.setImage(await picture(state.image));
    this.mark();
  }
  mark() {
    this.stage.cursor = state.cursor;
    const reach = node()?.bank?.reach,
      told = step();
    if (state.cursor && reach && told?.shape) {
      const [r, c] = state.cursor;
      this.stage.outline = [
        r + reach[0][0],
        c + reach[1][0],
        r + reach[0][1] + 1,
        c + reach[1][1] + 1,
      ];
    }
    this.stage.paint(true);
  }

  // -- what is shown -----------------------------------------------------------------------------

  toolbar() {
    const signature = JSON.stringify([
      state.network,
      state.node,
      this.directions,
      this.dims,
      this.normalized,
      this.tool,
      this.entries,
      document.documentElement.lang,
    ]);
    if (signature === this.worded) return;
    this.worded = signature;
    const radio = (name, values, now, then) =>
      h(
        "span.group.radio",
        { role: "group", "aria-label": name },
        values.map(([value, text]) =>
          h(
            "button.chip",
            {
              "aria-pressed": String(value === now),
              onclick: () => {
                then(value);
                this.fetch();
              },
            },
            text,
          ),
        ),
      );
    fill(
      this.tools,
      h(
        "label.inline",
        {},
        h("span", {}, t("kernels.layer")),
        h(
          "select",
          { onchange: (e) => choose({ node: e.target.value }) },
          convolutions().map((n) => h("option", { selected: n.name === state.node }, n.name)),
        ),
      ),
      h(
        "label.inline",
        {},
        h("span", {}, t("space.directions")),
        h(
          "select",
          {
            onchange: (e) => {
              this.directions = e.target.value;
              this.fetch();
            },
          },
          ["kernel", "components", "entries"].map((d) =>
            h("option", { value: d, selected: d === this.directions }, t(`space.${d}`)),
          ),
        ),
      ),
      this.directions === "entries"
        ? [0, 1, 2].slice(0, this.dims).map((i) =>
            h("input.narrow", {
              type: "number",
              min: 0,
              max: (this.cloud?.length ?? 1) - 1,
              value: this.entries[i],
              "aria-label": t("space.axis", { n: i + 1 }),
              onchange: (e) => {
                this.entries[i] = Number(e.target.value);
                this.fetch();
              },
            }),
          )
        : null,
      radio(
        t("space.dimensions"),
        [
          [2, "2D"],
          [3, "3D"],
        ],
        this.dims,
        (v) => {
          this.dims = v;
          this.tool = v === 3 ? "turn" : "plane";
        },
      ),
      radio(
        t("space.normalized"),
        [
          [false, t("space.before")],
          [true, t("space.after")],
        ],
        this.normalized,
        (v) => {
          this.normalized = v;
        },
      ),
      radio(
        t("markers.tools"),
        [
          ["plane", t("space.drag_plane")],
          ["lasso", t("space.lasso")],
          ...(this.dims === 3 ? [["turn", t("space.turn")]] : []),
        ],
        this.tool,
        (v) => {
          this.tool = v;
        },
      ),
    );
    this.tools.lastElementChild.previousElementSibling.title = t("space.normalized.about");
  }
  async load() {
    const told = node();
    if (!told?.bank) {
      fill(
        this.tools,
        convolutions().length ? null : h("p.muted", {}, t("space.no_conv")),
        convolutions().map((n) =>
          h("button.chip", { onclick: () => choose({ node: n.name }) }, n.name),
        ),
      );
      this.worded = null;
      this.cloud = null;
      this.draw();
      return;
    }
    this.toolbar();
    this.kernels(told);
    try {
      const k = Math.min(state.kernel, told.bank.kernels - 1);
      const found = await getPacked("cloud", {
        network: state.network,
        image: state.image,
        node: state.node,
        kernel: k,
        directions: this.directions,
        normalized: this.normalized ? 1 : 0,
        entries: this.entries.join(","),
      });
      if (this.dragging) return;
      const [coordinates, spels, labels, distances] = found.arrays.map((a) => a.data);
      this.cloud = {
        ...found,
        coordinates,
        spels,
        labels,
        distances: Float32Array.from(distances),
        count: labels.length,
        print: told.bank.print,
      };
      this.frame();
      this.lassoed = this.lassoed?.filter((i) => i < this.cloud.count) ?? null;
      this.worded = null;
      this.toolbar();
    } catch (problem) {
      this.cloud = null;
      say(problem.message, "error");
    }
    this.draw();
  }
  async kernels(told) {
    const found = await bank(state.network, told),
      [count, rows, cols, channels] = found.dense.shape;
    fill(
      this.picks,
      count > 1
        ? Array.from({ length: Math.min(count, 64) }, (_, i) => {
            const canvas = kernelCanvas(
              found.dense.data,
              rows,
              cols,
              channels,
              i * rows * cols * channels,
            );
            canvas.setAttribute("aria-hidden", "true");
            return h(
              "button.kernel-pick",
              {
                "aria-pressed": String(i === state.kernel),
                "aria-label": t("kernel.n", { n: i }),
                onclick: () => choose({ kernel: i, channel: i }),
              },
              canvas,
              h("span", {}, String(i)),
            );
          })
        : null,
    );
  }
  /** The part of patch space that fills the picture: nearly all points, and the plane. */
  frame() {
    const { coordinates: c, count } = this.cloud;
    this.center = [0, 0, 0];
    let most = 0;
    const spans = [];
    for (let a = 0; a < 3; a++) {
      const values = Float32Array.from({ length: count }, (_, i) => c[i * 3 + a]).sort();
      const low = values[Math.floor(count * 0.005)],
        high = values[Math.min(count - 1, Math.floor(count * 0.995))];
      this.center[a] = (low + high) / 2;
      spans.push((high - low) / 2);
      if (a < this.dims) most = Math.max(most, (high - low) / 2);
    }
    this.reach = (most || 1) * 1.12;
    this.stretch = [1, 1];
    if (this.dims === 2 && this.directions !== "components")
      this.stretch = [0, 1].map((a) => most / (spans[a] || most || 1));
    this.third = 0;
    for (let i = 0; i < count; i++) this.third += c[i * 3 + 2] / count;
  }
  project(x, y, z) {
    const { width, height } = this.canvas,
      s = Math.min(width, height) / 2 - PAD * this.ratio,
      wide = (width / 2 - PAD * this.ratio) / s;
    const p = [x - this.center[0], y - this.center[1], z - this.center[2]].map(
      (v) => v / this.reach,
    );
    // Where the axes mean different things each fills its side; components keep one scale.
    if (this.dims === 2)
      return [
        width / 2 + p[0] * s * (this.directions === "components" ? 1 : wide) * this.stretch[0],
        height / 2 - p[1] * s * this.stretch[1],
        0,
      ];
    const [cy, sy, cp, sp] = [
      Math.cos(this.yaw),
      Math.sin(this.yaw),
      Math.cos(this.pitch),
      Math.sin(this.pitch),
    ];
    const u = p[0] * cy + p[2] * sy,
      w = -p[0] * sy + p[2] * cy,
      v = p[1] * cp - w * sp;
    return [width / 2 + u * s, height / 2 - v * s, p[1] * sp + w * cp];
  }
  /** Patch-space place under a point of the canvas (2D). */
  place(px, py) {
    const { width, height } = this.canvas,
      s = Math.min(width, height) / 2 - PAD * this.ratio,
      wide = this.directions === "components" ? 1 : (width / 2 - PAD * this.ratio) / s;
    return [
      ((px - width / 2) / (s * wide * this.stretch[0])) * this.reach + this.center[0],
      (-(py - height / 2) / (s * this.stretch[1])) * this.reach + this.center[1],
    ];
  }

  // -- drawing -----------------------------------------------------------------------------------

  draw() {
    this.pending ||= requestAnimationFrame(() => {
      this.pending = 0;
      this.drawNow();
    });
  }
  drawNow() {
    const box = this.canvas.parentElement,
      ratio = (this.ratio = devicePixelRatio || 1);
    this.canvas.width = Math.max(1, box.clientWidth * ratio);
    this.canvas.height = Math.max(1, box.clientHeight * ratio);
    const pen = this.canvas.getContext("2d"),
      css = getComputedStyle(this);
    const ink = {
      line: css.getPropertyValue("--line"),
      muted: css.getPropertyValue("--muted"),
      accent: css.getPropertyValue("--accent"),
      warm: css.getPropertyValue("--warm"),
      ink: css.getPropertyValue("--ink"),
    };
    const cloud = this.cloud;
    if (!cloud) return;
    this.axes(pen, ink);
    if (this.dims === 2) this.line(pen, ink);
    const { coordinates: c, labels, distances, count } = cloud,
      order = this.dims === 3 ? this.depths() : null;
    const colors = new Map(state.doc.classes.map((one) => [one.label, one.color]));
    let top = 1e-9;
    for (let i = 0; i < count; i += 7) top = Math.max(top, Math.abs(distances[i]));
    const dot = 1.5 * ratio;
    for (let k = 0; k < count; k++) {
      const i = order ? order[k] : k,
        [x, y] = this.project(c[i * 3], c[i * 3 + 1], c[i * 3 + 2]);
      const label = labels[i],
        kept = distances[i] > 0,
        size =
          dot * (label >= 0 ? 1.9 : 1) * (kept ? 1 + 0.8 * Math.min(1, distances[i] / top) : 0.85);
      pen.globalAlpha = label >= 0 ? 0.95 : kept ? 0.75 : 0.38;
      pen.fillStyle = label >= 0 ? (colors.get(label) ?? ink.ink) : kept ? ink.warm : ink.muted;
      if (label > 0) {
        pen.beginPath();
        pen.moveTo(x, y - size * 1.3);
        pen.lineTo(x + size * 1.2, y + size);
        pen.lineTo(x - size * 1.2, y + size);
        pen.fill();
      } else pen.fillRect(x - size, y - size, 2 * size, 2 * size);
    }
    pen.globalAlpha = 1;
    if (this.dims === 3) this.quad(pen, ink);
    for (const i of this.lassoed ?? []) {
      const [x, y] = this.project(c[i * 3], c[i * 3 + 1], c[i * 3 + 2]);
      pen.strokeStyle = "#12b886";
      pen.lineWidth = 1.5 * ratio;
      pen.strokeRect(x - 3 * ratio, y - 3 * ratio, 6 * ratio, 6 * ratio);
    }
    if (this.hovered >= 0 && this.hovered < count) {
      const i = this.hovered,
        [x, y] = this.project(c[i * 3], c[i * 3 + 1], c[i * 3 + 2]);
      pen.strokeStyle = ink.ink;
      pen.lineWidth = 2 * ratio;
      pen.beginPath();
      pen.arc(x, y, 8 * ratio, 0, 7);
      pen.stroke();
    }
    if (this.path) {
      pen.strokeStyle = "#12b886";
      pen.setLineDash([5, 4]);
      pen.lineWidth = 1.5 * ratio;
      pen.beginPath();
      this.path.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.closePath();
      pen.stroke();
      pen.setLineDash([]);
    }
    this.distancePlot(ink);
    this.words();
  }
  depths() {
    const { coordinates: c, count } = this.cloud,
      depth = new Float32Array(count);
    for (let i = 0; i < count; i++)
      depth[i] = this.project(c[i * 3], c[i * 3 + 1], c[i * 3 + 2])[2];
    return Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => depth[b] - depth[a]);
  }
  axes(pen, ink) {
    const { ratio, cloud } = this,
      r = this.reach,
      [x, y, z] = this.center;
    pen.strokeStyle = ink.line;
    pen.fillStyle = ink.muted;
    pen.lineWidth = ratio;
    pen.font = `${12 * ratio}px system-ui, sans-serif`;
    const { width, height } = this.canvas;
    if (this.dims === 2) {
      const [ox, oy] = this.project(0, 0, 0);
      pen.beginPath();
      pen.moveTo(0, oy);
      pen.lineTo(width, oy);
      pen.moveTo(ox, 0);
      pen.lineTo(ox, height);
      pen.stroke();
      pen.textAlign = "right";
      pen.fillText(`${cloud.names[0]} →`, width - 10 * ratio, height - 9 * ratio);
      pen.textAlign = "left";
      pen.fillText(`↑ ${cloud.names[1]}`, 10 * ratio, 18 * ratio);
    } else
      [
        [r, 0, 0],
        [0, r, 0],
        [0, 0, r],
      ].forEach((d, i) => {
        const a = this.project(x - d[0], y - d[1], z - d[2]),
          b = this.project(x + d[0], y + d[1], z + d[2]);
        pen.beginPath();
        pen.moveTo(a[0], a[1]);
        pen.lineTo(b[0], b[1]);
        pen.stroke();
        pen.textAlign = "center";
        pen.fillText(
          cloud.names[i],
          clamp(b[0], 60 * ratio, width - 60 * ratio),
          clamp(b[1], 14 * ratio, height - 8 * ratio),
        );
      });
  }
  /** The hyperplane's cut in two directions: a x + b y + k = 0. */
  cut() {
    const {
      normal: [a, b, c],
      offset,
    } = this.cloud.plane;
    return [a, b, offset + c * this.third];
  }
  line(pen, ink) {
    const [a, b, k] = this.cut(),
      { width, height } = this.canvas,
      size = Math.hypot(a, b);
    if (!size) return;
    const [cx, cy] = this.center,
      along = (a * cx + b * cy + k) / size,
      foot = [cx - (a / size) * along, cy - (b / size) * along],
      far = this.reach * 6;
    const ends = [-1, 1].map((s) =>
      this.project(foot[0] - (b / size) * far * s, foot[1] + (a / size) * far * s, this.third),
    );
    const inside = [1, -1].map((s) =>
      this.project(
        foot[0] - (b / size) * far * s + (a / size) * far,
        foot[1] + (a / size) * far * s + (b / size) * far,
        this.third,
      ),
    );
    pen.save();
    pen.beginPath();
    pen.rect(0, 0, width, height);
    pen.clip();
    pen.globalAlpha = 0.09;
    pen.fillStyle = ink.warm;
    pen.beginPath();
    pen.moveTo(ends[0][0], ends[0][1]);
    pen.lineTo(ends[1][0], ends[1][1]);
    pen.lineTo(inside[0][0], inside[0][1]);
    pen.lineTo(inside[1][0], inside[1][1]);
    pen.fill();
    pen.globalAlpha = 1;
    pen.strokeStyle = ink.accent;
    pen.lineWidth = 2.5 * this.ratio;
    pen.beginPath();
    pen.moveTo(ends[0][0], ends[0][1]);
    pen.lineTo(ends[1][0], ends[1][1]);
    pen.stroke();
    const root = this.project(foot[0], foot[1], this.third),
      tip = this.project(
        foot[0] + ((a / size) * this.reach * 0.16) / this.stretch[0],
        foot[1] + ((b / size) * this.reach * 0.16) / this.stretch[1],
        this.third,
      );
    pen.beginPath();
    pen.moveTo(root[0], root[1]);
    pen.lineTo(tip[0], tip[1]);
    pen.stroke();
    pen.fillStyle = ink.accent;
    pen.beginPath();
    pen.arc(tip[0], tip[1], 5 * this.ratio, 0, 7);
    pen.fill();
    pen.restore();
  }
  quad(pen, ink) {
    const { normal, offset } = this.cloud.plane,
      size = Math.hypot(...normal);
    if (!size) return;
    const n = normal.map((v) => v / size),
      along = normal.reduce((s, v, i) => s + v * this.center[i], offset) / size;
    const foot = this.center.map((v, i) => v - n[i] * along),
      pick = Math.abs(n[0]) < 0.8 ? [1, 0, 0] : [0, 1, 0];
    const cross = (u, v) => [
        u[1] * v[2] - u[2] * v[1],
        u[2] * v[0] - u[0] * v[2],
        u[0] * v[1] - u[1] * v[0],
      ],
      unit = (v) => v.map((x) => x / Math.hypot(...v));
    const u = unit(cross(n, pick)),
      v = cross(n, u),
      r = this.reach * 0.85;
    const corners = [
      [1, 1],
      [1, -1],
      [-1, -1],
      [-1, 1],
    ].map(([s, q]) => this.project(...foot.map((x, i) => x + r * (s * u[i] + q * v[i]))));
    pen.beginPath();
    corners.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.closePath();
    pen.globalAlpha = 0.16;
    pen.fillStyle = ink.accent;
    pen.fill();
    pen.globalAlpha = 1;
    pen.strokeStyle = ink.accent;
    pen.lineWidth = 2 * this.ratio;
    pen.stroke();
    const a = this.project(...foot),
      b = this.project(...foot.map((x, i) => x + n[i] * this.reach * 0.3));
    pen.beginPath();
    pen.moveTo(a[0], a[1]);
    pen.lineTo(b[0], b[1]);
    pen.stroke();
    pen.fillStyle = ink.accent;
    pen.beginPath();
    pen.arc(b[0], b[1], 5 * this.ratio, 0, 7);
    pen.fill();
  }
  distancePlot(ink) {
    const canvas = this.histogram,
      ratio = this.ratio,
      wide = canvas.clientWidth * ratio,
      high = canvas.clientHeight * ratio,
      pen = canvas.getContext("2d");
    canvas.width = wide;
    canvas.height = high;
    const { distances, labels, count } = this.cloud,
      bins = 96;
    let low = 0,
      top = 0;
    for (const d of distances) {
      low = Math.min(low, d);
      top = Math.max(top, d);
    }
    const span = top - low || 1,
      all = new Float32Array(bins);
    for (let i = 0; i < count; i++)
      all[Math.min(bins - 1, Math.floor(((distances[i] - low) / span) * bins))] += 1;
    const most = Math.sqrt(Math.max(...all)) || 1,
      X = (d) => ((d - low) / span) * wide,
      floor = high - 14 * ratio;
    for (let i = 0; i < bins; i++) {
      const middle = low + ((i + 0.5) / bins) * span,
        tall = (Math.sqrt(all[i]) / most) * (floor - 4 * ratio);
      pen.fillStyle = middle > 0 ? ink.warm : ink.muted;
      pen.globalAlpha = middle > 0 ? 0.85 : 0.45;
      pen.fillRect((i / bins) * wide, floor - tall, wide / bins - ratio * 0.6, tall);
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = ink.accent;
    pen.lineWidth = 2.5 * ratio;
    pen.beginPath();
    pen.moveTo(X(0), 0);
    pen.lineTo(X(0), floor);
    pen.stroke();
    pen.fillStyle = ink.muted;
    pen.font = `${11 * ratio}px system-ui, sans-serif`;
    pen.textAlign = "left";
    pen.fillText(num(low, 3), 2, high - 2 * ratio);
    pen.textAlign = "right";
    pen.fillText(num(top, 3), wide - 2, high - 2 * ratio);
    pen.textAlign = "center";
    pen.fillStyle = ink.accent;
    pen.fillText(`0 · ReLU`, clamp(X(0), 50 * ratio, wide - 50 * ratio), high - 2 * ratio);
  }
  words() {
    const { distances, count, labels } = this.cloud;
    let kept = 0;
    for (const d of distances) kept += d > 0;
    this.share = kept / count;
    const told = [t("space.kept", { part: percent(kept / count) }), `bias ${num(this.cloud.bias)}`];
    if (this.lassoed?.length) told.unshift(t("space.lassoed", { n: this.lassoed.length }));
    this.told.textContent = told.join(" · ");
    const drawn = [...new Set(labels)].sort((a, b) => a - b);
    fill(
      this.legend,
      drawn.map((l) =>
        l < 0
          ? h(
              "span.key",
              {},
              h("i.dot", { style: { background: "var(--muted)" } }),
              t("space.unmarked"),
            )
          : h(
              "span.key",
              {},
              h(`i.dot${l > 0 ? ".tri" : ""}`, { style: { background: classOf(l).color } }),
              classOf(l).name,
            ),
      ),
    );
  }

  // -- pointer -----------------------------------------------------------------------------------

  pointers() {
    const canvas = this.canvas,
      at = (event) => {
        const box = canvas.getBoundingClientRect();
        return [(event.clientX - box.left) * this.ratio, (event.clientY - box.top) * this.ratio];
      };
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.cloud) return;
      canvas.setPointerCapture(event.pointerId);
      const p = at(event);
      if (this.tool === "lasso") {
        this.path = [p];
        this.start = null;
      } else
        this.start = {
          p,
          tool: this.tool,
          yaw: this.yaw,
          pitch: this.pitch,
          gesture: `plane-${Date.now()}`,
          bias: this.cloud.bias,
          offset: this.cloud.plane.offset,
          distances: Float32Array.from(this.cloud.distances),
        };
      this.dragging = this.tool === "plane";
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.cloud) return;
      const p = at(event);
      if (this.path) {
        this.path.push(p);
        this.draw();
        return;
      }
      if (!this.start) {
        this.hover(p);
        return;
      }
      const dx = p[0] - this.start.p[0],
        dy = p[1] - this.start.p[1];
      if (this.start.tool === "turn") {
        this.yaw = this.start.yaw + dx / 180 / this.ratio;
        this.pitch = clamp(this.start.pitch + dy / 180 / this.ratio, -1.5, 1.5);
        this.draw();
        return;
      }
      if (this.dims === 2) {
        const [a, b] = this.cut(),
          from = this.place(...this.start.p),
          to = this.place(...p);
        this.moveTo(-(a * (to[0] - from[0]) + b * (to[1] - from[1])));
      } else this.moveTo((dy / this.canvas.height) * 2.4 * this.reach * this.cloud.norm);
    });
    const up = () => {
      if (this.path) {
        this.lassoed = inside(this.path, this);
        this.path = null;
        this.draw();
        this.stage.paint(true);
      }
      const dragged = this.dragging;
      this.start = null;
      this.dragging = false;
      if (dragged) setTimeout(() => this.fetch(), 150);
    };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: 1, ArrowRight: -1, ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (!by || !this.cloud) return;
      event.preventDefault();
      act(
        {
          do: "set_kernel",
          network: state.network,
          node: state.node,
          kernel: state.kernel,
          bias: this.cloud.bias + by * this.cloud.norm * this.reach * (event.shiftKey ? 0.1 : 0.02),
        },
        `plane-key-${state.kernel}`,
      );
    });
  }
  /** Move the plane: the offset changes by as much as the bias. */
  moveTo(by) {
    const { start, cloud } = this,
      norm = cloud.norm || 1;
    cloud.plane.offset = start.offset + by;
    cloud.bias = start.bias + by;
    for (let i = 0; i < cloud.count; i++) cloud.distances[i] = start.distances[i] + by / norm;
    this.draw();
    live(
      {
        do: "set_kernel",
        network: state.network,
        node: state.node,
        kernel: state.kernel,
        bias: cloud.bias,
      },
      start.gesture,
    );
  }
  hover([px, py]) {
    const { coordinates: c, count } = this.cloud;
    let best = -1,
      near = (10 * this.ratio) ** 2;
    for (let i = 0; i < count; i++) {
      const [x, y] = this.project(c[i * 3], c[i * 3 + 1], c[i * 3 + 2]),
        d = (x - px) ** 2 + (y - py) ** 2;
      if (d < near) {
        near = d;
        best = i;
      }
    }
    if (best === this.hovered) return;
    this.hovered = best;
    if (best >= 0 && !state.pinned) {
      const before = step(node()?.inputs[0]),
        at = [this.cloud.spels[best * 2], this.cloud.spels[best * 2 + 1]];
      choose({ cursor: before ? onImage(before, at) : at });
    }
    this.draw();
  }
  nearest([row, col]) {
    if (!this.cloud) return;
    const { spels, count } = this.cloud;
    let best = -1,
      near = 26;
    for (let i = 0; i < count; i++) {
      const d = (spels[i * 2] - row) ** 2 + (spels[i * 2 + 1] - col) ** 2;
      if (d < near) {
        near = d;
        best = i;
      }
    }
    if (best !== this.hovered) {
      this.hovered = best;
      this.draw();
    }
  }
  onPicture(pen, zoom) {
    if (!this.lassoed?.length || !this.cloud) return;
    const size = Math.max(1, 5 / zoom);
    pen.fillStyle = "#12b886";
    for (const i of this.lassoed)
      pen.fillRect(
        this.cloud.spels[i * 2 + 1] + 0.5 - size / 2,
        this.cloud.spels[i * 2] + 0.5 - size / 2,
        size,
        size,
      );
  }
  disconnectedCallback() {
    super.disconnectedCallback();
    this.watch.disconnect();
  }
}
customElements.define("page-space", SpacePage);

/** Points of the cloud inside a polygon on the canvas. */
function inside(path, page) {
  const { coordinates: c, count } = page.cloud,
    found = [];
  for (let i = 0; i < count; i++) {
    const [x, y] = page.project(c[i * 3], c[i * 3 + 1], c[i * 3 + 2]);
    let odd = false;
    for (let a = 0, b = path.length - 1; a < path.length; b = a++) {
      const [xa, ya] = path[a],
        [xb, yb] = path[b];
      if (ya > y !== yb > y && x < ((xb - xa) * (y - ya)) / (yb - ya) + xa) odd = !odd;
    }
    if (odd) found.push(i);
  }
  return found;
}
