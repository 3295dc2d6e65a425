// Kernels: where each came from, what it sees; keep, drop, invert; relearn; the saliency beside them.

import { getPacked } from "./api.js";
import { kernelCanvas, planeCanvas, scaleFor } from "./colors.js";
import { Part, fill, h, icon, latest, num, say, t } from "./core.js";
import { learn, learnable } from "./page-markers.js";
import { View } from "./stage.js";
import {
  act,
  bus,
  choose,
  classOf,
  convolutions,
  imageOf,
  network,
  node,
  output,
  picture,
  plane,
  state,
} from "./store.js";

const kept = { sort: "order", decoder: "linear", seed: 42 };

class KernelsPage extends Part {
  build() {
    this.className = "page";
    this.chosen = new Set();
    this.head = h("div.stage-tools", { role: "toolbar", "aria-label": t("kernels.title") });
    this.gallery = h("div.gallery", { role: "list" });
    this.stage = document.createElement("spel-stage");
    this.view = new View();
    this.side = h("div.pad");
    fill(
      this,
      h(
        "div.workbench.two",
        {},
        h(
          "section.center.rows",
          { "aria-label": t("page.kernels") },
          this.head,
          h("div.scroll", {}, this.gallery),
        ),
        h(
          "aside.panel.flush",
          { "aria-label": t("kernels.saliency") },
          h("div.small-stage", {}, this.stage),
          this.side,
        ),
      ),
    );
    this.fetch = latest(() => this.load());
    this.on(bus, "document select language", () => {
      this.chosen = new Set([...this.chosen].filter((k) => k < (node()?.bank?.kernels ?? 0)));
      this.fetch();
    });
    this.on(bus, "run image", () => this.saliency());
    this.on(this.stage, "pick", ({ detail }) => {
      choose({ cursor: detail.at, pinned: true });
    });
    this.stage.painters.push((pen, zoom) => this.origin(pen, zoom));
    this.saliency();
    this.fetch();
  }
  pins() {
    return state.doc.pins.length ? state.doc.pins : [state.image];
  }
  async load() {
    const told = node();
    this.tools();
    this.options();
    if (!told?.bank) {
      this.signature = null;
      fill(
        this.gallery,
        h(
          "div.empty",
          {},
          h("p", {}, t("kernels.unlearned")),
          h(
            "div.row",
            {},
            h(
              "button.primary",
              {
                onclick: () =>
                  learn({ decoder: kept.decoder, seed: kept.seed }).then((r) => r && this.settle()),
              },
              icon("learn"),
              t("kernels.learn"),
            ),
            h("a.chip", { href: "#markers" }, t("page.markers")),
          ),
        ),
      );
      return;
    }
    const signature = JSON.stringify([
      state.network,
      state.node,
      told.bank.print,
      this.pins(),
      state.doc.strokes,
    ]);
    if (signature !== this.signature) {
      if (!this.signature) fill(this.gallery, h("p.empty.muted", { role: "status" }, t("loading")));
      try {
        this.data = await getPacked("kernels", {
          network: state.network,
          node: state.node,
          images: this.pins().join(","),
        });
        this.signature = signature;
      } catch (problem) {
        say(problem.message, "error");
        return;
      }
    }
    this.draw();
  }
  settle() {
    const first = convolutions()[0];
    if (first && !node()?.bank) choose({ node: first.name });
  }
  draw() {
    const { kernels, shown, arrays } = this.data,
      [dense, ...pictures] = arrays,
      [count, rows, cols, channels] = dense.shape;
    const contrast = (k) => (kernels[k].object ?? 0) - (kernels[k].background ?? 0);
    const order = Array.from({ length: count }, (_, k) => k);
    if (kept.sort === "contrast")
      order.sort((a, b) => Math.abs(contrast(b)) - Math.abs(contrast(a)));
    if (kept.sort === "norm") order.sort((a, b) => kernels[b].norm - kernels[a].norm);
    if (kept.sort === "class")
      order.sort((a, b) => (kernels[a].label ?? -1) - (kernels[b].label ?? -1));
    fill(
      this.gallery,
      order.map((k) => {
        const one = kernels[k],
          picture = kernelCanvas(dense.data, rows, cols, channels, k * rows * cols * channels);
        picture.className = "kernel-picture";
        picture.setAttribute("role", "img");
        picture.setAttribute("aria-label", t("kernel.n", { n: k }));
        const thumbs = pictures.map((p, i) => {
          const [, high, wide] = p.shape,
            data = p.data.subarray(k * high * wide, (k + 1) * high * wide);
          // Each picture has its own scale, said in its title: images of different kinds stay visible.
          let low = 0,
            top = 0;
          for (const v of data) {
            if (v < low) low = v;
            if (v > top) top = v;
          }
          const canvas = planeCanvas({ rows: high, cols: wide, data }, scaleFor(low, top));
          canvas.title = `${imageOf(shown[i].image)?.name ?? ""}: ${num(low, 3)} … ${num(top, 3)}`;
          canvas.className = "kernel-thumb";
          canvas.setAttribute("role", "img");
          canvas.setAttribute(
            "aria-label",
            `${t("kernel.n", { n: k })}: ${imageOf(shown[i].image)?.name ?? ""}`,
          );
          return canvas;
        });
        const c = one.label === undefined ? null : classOf(one.label);
        const box = h("input", {
          type: "checkbox",
          checked: this.chosen.has(k),
          "aria-label": t("kernels.pick", { n: k }),
          onchange: () => {
            if (box.checked) this.chosen.add(k);
            else this.chosen.delete(k);
            card.classList.toggle("on", box.checked);
            this.tools();
          },
        });
        const card = h(
          "article.kernel-card",
          { role: "listitem" },
          h(
            "header",
            {},
            box,
            h("b", {}, `#${k}`),
            c
              ? h(
                  "span.tag",
                  { title: `${c.label} ${c.name}` },
                  h("i.dot", { style: { background: c.color } }),
                  c.name,
                )
              : null,
            one.like === null || one.like === undefined
              ? null
              : h("span.tag.warm", {}, t("kernels.like", { n: one.like })),
            h("span.spread"),
            h(
              "button.mini",
              {
                title: t("kernels.invert"),
                "aria-label": `${t("kernels.invert")} ${k}`,
                onclick: () => this.do("invert_kernels", [k]),
              },
              "±",
            ),
            h(
              "button.mini",
              {
                title: t("kernels.drop"),
                "aria-label": `${t("kernels.drop")} ${k}`,
                disabled: count < 2,
                onclick: () => this.do("drop_kernels", [k]),
              },
              icon("trash"),
            ),
          ),
          h("div.kernel-row", {}, picture, thumbs),
          one.object === null && one.background === null
            ? null
            : h(
                "p.meter",
                {},
                h("span", {}, t("kernels.object", { v: num(one.object, 3) })),
                h("span", {}, t("kernels.background", { v: num(one.background, 3) })),
              ),
          h(
            "p.muted.small",
            {},
            one.image !== undefined
              ? h(
                  "button.link",
                  { onclick: () => this.goto(one) },
                  t("kernels.from", { name: one.image, marker: one.marker, at: one.at.join(", ") }),
                )
              : t("kernels.hand"),
          ),
        );
        card.classList.toggle("on", this.chosen.has(k));
        card.addEventListener("mouseenter", () => {
          this.shownOrigin = one;
          this.stage.paint(true);
        });
        card.addEventListener("mouseleave", () => {
          this.shownOrigin = null;
          this.stage.paint(true);
        });
        return card;
      }),
    );
  }
  goto(one) {
    const image = state.doc.images.find((i) => i.name === one.image);
    if (image) choose({ image: image.id });
    setTimeout(() => {
      choose({ cursor: one.at, pinned: true });
      this.stage.cursor = one.at;
      this.stage.paint(true);
    }, 250);
  }
  do(what, kernels) {
    return act({ do: what, network: state.network, node: state.node, kernels }).then((reply) => {
      if (reply) {
        this.chosen.clear();
        this.tools();
      }
    });
  }
  tools() {
    const count = node()?.bank?.kernels ?? 0,
      chosen = [...this.chosen],
      layers = network().nodes.filter((n) => n.bank || n.waits);
    fill(
      this.head,
      h(
        "label.inline",
        {},
        h("span", {}, t("kernels.layer")),
        h(
          "select",
          {
            onchange: (e) => {
              this.chosen.clear();
              choose({ node: e.target.value });
            },
          },
          node()?.bank || node()?.waits ? null : h("option", {}, "–"),
          layers.map((n) =>
            h(
              "option",
              { value: n.name, selected: n.name === state.node },
              `${n.name}${n.bank ? ` · ${n.bank.kernels}` : ""}`,
            ),
          ),
        ),
      ),
      h(
        "label.inline",
        {},
        h("span", {}, t("kernels.sort")),
        h(
          "select",
          {
            onchange: (e) => {
              kept.sort = e.target.value;
              if (this.data) this.draw();
            },
          },
          ["order", "contrast", "norm", "class"].map((s) =>
            h("option", { value: s, selected: s === kept.sort }, t(`kernels.sort.${s}`)),
          ),
        ),
      ),
      count > 4
        ? h(
            "button.chip",
            { onclick: () => this.suggest(Math.ceil(count / 2)) },
            t("kernels.suggest", { n: Math.ceil(count / 2) }),
          )
        : null,
      h("span.spread"),
      chosen.length
        ? [
            h("span.muted.small", {}, t("kernels.selected", { n: chosen.length })),
            h("button.chip", { onclick: () => this.do("keep_kernels", chosen) }, t("kernels.keep")),
            h(
              "button.chip",
              { disabled: chosen.length >= count, onclick: () => this.do("drop_kernels", chosen) },
              icon("trash"),
              t("kernels.drop"),
            ),
            h(
              "button.chip",
              { onclick: () => this.do("invert_kernels", chosen) },
              `± ${t("kernels.invert")}`,
            ),
          ]
        : null,
    );
  }
  /** A suggestion only: those that tell object from background best, without near copies. */
  suggest(n) {
    const { kernels } = this.data;
    const good = kernels
      .map((one, k) => ({
        k,
        v: Math.abs((one.object ?? 0) - (one.background ?? 0)) || one.norm,
        like: one.like,
      }))
      .filter((one) => one.like === null || one.like === undefined)
      .sort((a, b) => b.v - a.v)
      .slice(0, n);
    this.chosen = new Set(good.map((one) => one.k));
    this.tools();
    this.draw();
  }
  options() {
    const drawn = Object.values(state.doc.strokes),
      wanted = learnable(),
      told = node();
    const again = (start) =>
      learn({ start, decoder: kept.decoder, seed: kept.seed }).then((r) => r && this.settle());
    fill(
      this.side,
      h("h3", {}, t("markers.learn")),
      h(
        "p.muted.small",
        {},
        t("kernels.strokes", { n: drawn.reduce((n, s) => n + s.length, 0), m: drawn.length }),
      ),
      h(
        "label.field",
        {},
        h("span.muted.small", {}, t("kernels.decoder")),
        h(
          "select",
          {
            onchange: (e) => {
              kept.decoder = e.target.value;
            },
          },
          state.constants.decoders.map((d) =>
            h(
              "option",
              { value: d, selected: d === kept.decoder },
              d === "linear" ? t("kernels.decoder.linear") : d,
            ),
          ),
        ),
      ),
      h(
        "label.field",
        {},
        h("span.muted.small", {}, t("kernels.seed")),
        h("input.narrow", {
          type: "number",
          min: 0,
          step: 1,
          value: kept.seed,
          onchange: (e) => {
            kept.seed = Number(e.target.value);
          },
        }),
      ),
      h(
        "div.row",
        {},
        h(
          "button.primary",
          {
            id: "learn",
            disabled: !drawn.length,
            onclick: () => again(wanted?.nodes.some((n) => n.waits) ? null : ""),
          },
          icon("learn"),
          t("kernels.learn"),
        ),
        told?.relearn && network().nodes.find((n) => n.relearn) !== told
          ? h("button.chip", { onclick: () => again(state.node) }, t("kernels.relearn"))
          : null,
      ),
      h("h3", {}, t("kernels.pins")),
      h(
        "div.row.tight",
        {},
        state.doc.images.slice(0, 40).map((i) =>
          h(
            "button.chip",
            {
              "aria-pressed": String(state.doc.pins.includes(i.id)),
              onclick: () =>
                act({
                  do: "set_pins",
                  images: state.doc.pins.includes(i.id)
                    ? state.doc.pins.filter((p) => p !== i.id)
                    : [...state.doc.pins, i.id],
                }),
            },
            icon("pin"),
            i.name,
          ),
        ),
      ),
    );
  }
  async saliency() {
    const base = await picture(state.image),
      told = output();
    if (base.id !== state.image) return;
    this.stage.label = t("kernels.saliency");
    this.stage.setImage(base);
    this.stage.setPlane(null);
    if (told?.id && told.shape.length === 3) {
      const top = await plane(told.id, 0);
      if (output()?.id !== told.id) return;
      this.stage.setPlane(top, told, told.low < 0 ? "signed" : "positive");
    }
    performance.mark("spel-saliency");
    this.dispatchEvent(new Event("drawn", { bubbles: true }));
  }
  origin(pen, zoom) {
    const one = this.shownOrigin;
    if (!one?.at || imageOf()?.name !== one.image) return;
    const [r, c] = one.at;
    for (const [width, ink] of [
      [5, "rgb(0 0 0 / 0.8)"],
      [2.5, "#3dff9a"],
    ]) {
      pen.lineWidth = width / zoom;
      pen.strokeStyle = ink;
      pen.beginPath();
      pen.arc(c + 0.5, r + 0.5, 9 / zoom, 0, 7);
      pen.stroke();
    }
  }
}
customElements.define("page-kernels", KernelsPage);
