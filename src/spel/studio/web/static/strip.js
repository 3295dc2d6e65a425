// The strip of steps: a card per step with its picture, numbers and switches.

import { planeCanvas, rgbCanvas, scaleFor } from "./colors.js";
import { Part, fill, h, icon, num, say, short, t } from "./core.js";
import { act, bus, choose, imageOf, mapOf, network, picture, state, thumbs } from "./store.js";

const WIDE = 134,
  HIGH = 80;

export const KINDS = [
  "convolution",
  "activation",
  "max_pool",
  "min_pool",
  "mean_pool",
  "divisive_normalize",
  "residue",
  "linear_normalize",
  "batch_normalize",
  "center",
  "scale",
  "weighted_sum",
  "threshold",
  "color",
  "unlearned",
];

/** Draw pictures side by side into a canvas of a card. */
function collage(canvas, planes) {
  const ratio = devicePixelRatio || 1,
    pen = canvas.getContext("2d");
  canvas.width = WIDE * ratio;
  canvas.height = HIGH * ratio;
  pen.imageSmoothingQuality = "high";
  const count = planes.length,
    wide = count > 1 ? 2 : 1,
    high = count > 2 ? 2 : 1;
  planes.forEach((plane, i) => {
    const w = canvas.width / wide - (wide - 1),
      hgt = canvas.height / high - (high - 1);
    const x = (i % wide) * (w + 2),
      y = Math.floor(i / wide) * (hgt + 2);
    const s = Math.max(w / plane.width, hgt / plane.height); // fill the cell, cut what is over
    pen.save();
    pen.beginPath();
    pen.rect(x, y, w, hgt);
    pen.clip();
    pen.drawImage(
      plane,
      x + (w - plane.width * s) / 2,
      y + (hgt - plane.height * s) / 2,
      plane.width * s,
      plane.height * s,
    );
    pen.restore();
  });
}

class Strip extends Part {
  build() {
    this.setAttribute("aria-label", t("strip.label"));
    this.setAttribute("role", "group");
    this.rail = h("ol.rail");
    fill(this, this.rail);
    this.on(bus, "document image language", () => this.redraw());
    this.on(bus, "run", () => this.update());
    this.on(bus, "select", () => {
      if (network()?.name !== this.named) this.redraw();
      else this.mark();
    });
    this.redraw();
  }
  redraw() {
    const shown = network();
    if (!shown) return;
    this.named = shown.name;
    const signature = JSON.stringify([
      shown.name,
      state.image,
      shown.nodes.map((n) => [n.name, n.kind, n.off, n.inputs]),
    ]);
    if (signature !== this.signature || this.worded !== document.documentElement.lang) {
      this.signature = signature;
      this.worded = document.documentElement.lang;
      const left = this.rail.scrollLeft;
      this.cards = new Map();
      fill(
        this.rail,
        this.inputCard(),
        shown.nodes.map((node, i) => this.card(node, i)),
        h("li.gap.end", {}, this.adder(shown.nodes.at(-1).name)),
      );
      this.rail.scrollLeft = left;
    }
    for (const node of shown.nodes) this.cards.get(node.name).words.textContent = wordsOf(node);
    this.update();
    this.mark();
  }
  inputCard() {
    const canvas = h("canvas.thumb", { width: WIDE, height: HIGH, "aria-hidden": "true" });
    const card = h(
      "button.card",
      { onclick: () => choose({ node: "input" }) },
      h("span.card-name", {}, t("step.input")),
      canvas,
      h("span.card-words", {}, imageOf()?.name ?? ""),
      h("span.card-facts", {}, " "),
    );
    this.cards.set("input", {
      card,
      canvas,
      facts: card.lastChild,
      words: card.querySelector(".card-words"),
    });
    return h("li.slot", {}, card);
  }
  card(node, index) {
    const canvas = h("canvas.thumb", { width: WIDE, height: HIGH, "aria-hidden": "true" });
    const words = h("span.card-words"),
      facts = h("span.card-facts");
    const card = h(
      "button.card",
      { onclick: () => choose({ node: node.name }), title: node.words },
      h("span.card-name", {}, node.name),
      canvas,
      words,
      facts,
    );
    card.classList.toggle("off", node.off);
    const tool = (name, label, then, more = {}) =>
      h(
        "button.mini",
        { title: label, "aria-label": `${label}: ${node.name}`, onclick: then, ...more },
        icon(name),
      );
    const nodes = network().nodes,
      single = node.inputs.length === 1;
    const before = index > 1 ? nodes[index - 2].name : "input";
    const tools = h(
      "span.card-tools",
      {},
      tool("left", t("step.left"), () => this.move(node.name, before), {
        disabled: index === 0 || !single,
      }),
      tool(
        node.off ? "off" : "eye",
        t(node.off ? "step.on" : "step.off"),
        () => act({ do: "bypass_step", network: state.network, node: node.name, off: !node.off }),
        { "aria-pressed": String(node.off) },
      ),
      tool(
        "trash",
        t("step.remove"),
        () => act({ do: "remove_step", network: state.network, node: node.name }),
        { disabled: nodes.length === 1 },
      ),
      tool("right", t("step.right"), () => this.move(node.name, nodes[index + 1].name), {
        disabled: index === nodes.length - 1 || !single,
      }),
    );
    this.cards.set(node.name, { card, canvas, words, facts });
    const slot = h(
      "li.slot",
      { draggable: single },
      h(
        "span.gap",
        {},
        this.adder(node.inputs.length > 1 ? nodes[index - 1].name : node.inputs[0]),
      ),
      h("div.card-box", {}, card, tools),
    );
    slot.addEventListener("dragstart", (event) => {
      event.dataTransfer.setData("text/x-spel-step", node.name);
      event.dataTransfer.effectAllowed = "move";
    });
    slot.addEventListener("dragover", (event) => {
      if (event.dataTransfer.types.includes("text/x-spel-step")) {
        event.preventDefault();
        slot.classList.add("target");
      }
    });
    slot.addEventListener("dragleave", () => slot.classList.remove("target"));
    slot.addEventListener("drop", (event) => {
      event.preventDefault();
      slot.classList.remove("target");
      const moved = event.dataTransfer.getData("text/x-spel-step");
      if (moved && moved !== node.name) this.move(moved, node.name);
    });
    return slot;
  }
  move(name, after) {
    if (name !== after) act({ do: "move_step", network: state.network, node: name, after });
  }
  adder(after) {
    return h(
      "button.add",
      {
        title: t("step.add"),
        "aria-label": `${t("step.add")}: ${after}`,
        onclick: (event) => this.menu(event.currentTarget, after),
      },
      icon("plus"),
    );
  }
  menu(button, after) {
    document.querySelector("dialog.menu")?.remove();
    const dialog = h(
      "dialog.menu",
      { "aria-label": t("step.add") },
      h("h2", {}, t("step.add.title")),
      h(
        "div.menu-grid",
        {},
        KINDS.map((kind) =>
          h(
            "button",
            {
              onclick: async () => {
                dialog.close();
                const before = new Set(network().nodes.map((n) => n.name));
                await act({
                  do: "add_step",
                  network: state.network,
                  after,
                  kind,
                  image: state.image,
                });
                const added = network()
                  .nodes.filter((n) => !before.has(n.name))
                  .at(-1);
                if (added) {
                  choose({ node: added.name });
                  say(t("step.added", { name: added.name }));
                }
              },
            },
            h("b", {}, t(`kind.${kind}`)),
            h("small", {}, t(`kind.${kind}.about`)),
          ),
        ),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      button.focus();
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    document.body.append(dialog);
    dialog.showModal();
  }
  mark() {
    for (const [name, { card }] of this.cards ?? []) {
      const on = name === state.node;
      if (on && card.getAttribute("aria-current") !== "step") {
        const slot = card.closest(".slot"),
          left = slot.offsetLeft - this.rail.offsetLeft,
          { scrollLeft, clientWidth } = this.rail;
        if (left < scrollLeft || left + slot.offsetWidth > scrollLeft + clientWidth)
          this.rail.scrollTo({ left: left - 60, behavior: "smooth" });
      }
      if (on) card.setAttribute("aria-current", "step");
      else card.removeAttribute("aria-current");
    }
  }
  async update() {
    const run = state.run;
    if (!run || run.network !== state.network || run.image !== state.image) return;
    const base = await picture(run.image);
    if (state.run !== run || !this.cards) return;
    base.canvas ??= rgbCanvas(base);
    const first = this.cards.get("input");
    if (first) {
      collage(first.canvas, [base.canvas]);
      first.facts.textContent = `${base.rows} × ${base.cols} × ${base.channels}`;
      first.words.textContent = base.name;
    }
    const small = await thumbs(run.steps.map((s) => s.id));
    if (state.run !== run) return;
    const known = new Map(run.steps.map((s, i) => [s.name, [s, small[i]]]));
    for (const [name, parts] of this.cards) {
      if (name === "input") continue;
      const [told, thumb] = known.get(name) ?? [];
      parts.card.classList.toggle("failed", Boolean(told?.error));
      if (!told) {
        parts.facts.textContent = t("step.is.off");
        continue;
      }
      if (told.error) {
        parts.facts.textContent = t(
          told.error.startsWith("waits")
            ? "step.waits"
            : told.error.startsWith("Unlearned")
              ? "step.unlearned"
              : "step.error",
        );
        parts.card.title = told.error;
        parts.canvas.getContext("2d").clearRect(0, 0, parts.canvas.width, parts.canvas.height);
        continue;
      }
      parts.facts.textContent = `${told.shape.join("×")} · ${num(told.low, 2)}…${num(told.high, 2)}`;
      parts.card.title = `${told.shape.join(" × ")} · ${short(told.low)} … ${short(told.high)} · ${num(told.ms, 3)} ms`;
      if (parts.id === told.id || !thumb) continue;
      parts.id = told.id;
      const size = thumb.rows * thumb.cols,
        planes = [];
      for (let c = 0; c < thumb.shown; c++) {
        const data = thumb.data.subarray(c * size, (c + 1) * size);
        planes.push(
          planeCanvas(
            { rows: thumb.rows, cols: thumb.cols, data },
            scaleFor(told.low, told.high, mapOf(name)),
          ),
        );
      }
      collage(parts.canvas, planes);
    }
    this.dispatchEvent(new Event("drawn", { bubbles: true }));
    performance.mark("spel-strip");
  }
}
customElements.define("spel-strip", Strip);

/** What a step does, in few words. */
export function wordsOf(node) {
  const f = node.fields,
    kind = node.kind.split(".")[0],
    a = f.adjacency;
  const size = (words) =>
    !words
      ? ""
      : words.shape === "rectangle"
        ? `${words.width} × ${words.height}`
        : words.shape === "custom"
          ? `${words.displacements.length} ${t("spels")}`
          : `${t(`shape.${words.shape}`)} ${num(words.radius, 3)}`;
  const dilated = a?.dilation > 1 ? ` ⤢${a.dilation}` : "",
    stride = f.stride > 1 ? ` /${f.stride}` : "";
  if (node.bank)
    return `${t("kind.convolution")} ${size(node.bank.adjacency)} · ${node.bank.kernels}${stride}`;
  if (kind === "activation") return f.function;
  if (a) return `${t(`kind.${kind}`)} ${size(a)}${dilated}${stride}`;
  if (kind === "color") return f.space;
  if (kind === "threshold") return `> ${typeof f.at === "number" ? num(f.at) : f.at}`;
  if (kind === "decode") return `${t("kind.decode")} ${f.method}`;
  return t(`kind.${kind}`);
}
