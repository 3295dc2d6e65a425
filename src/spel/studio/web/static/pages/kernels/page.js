// @ts-check
// Kernels: where each came from, what it sees; keep, drop, invert; relearn; the saliency beside them.

import { create, h, patch } from "../../base/dom.js";
import { icon } from "../../base/icons.js";
import { latest } from "../../base/latest.js";
import { Part } from "../../base/part.js";
import { sayProblem } from "../../base/toasts.js";
import { t } from "../../base/words.js";
import { act } from "../../commands.js";
import { learn } from "../../learn.js";
import { drawRing } from "../../picture/boxes.js";
import { showCurrentImage } from "../../picture/current.js";
import { newStage } from "../../picture/stage.js";
import { getPacked } from "../../server/api.js";
import { plane } from "../../server/arrays.js";
import {
  bus,
  choose,
  convolutions,
  imageOf,
  node,
  onStep,
  output,
  reportImage,
  state,
} from "../../store.js";
import { kernelCard } from "./card.js";
import { choices, galleryFrom, pins, sorted, suggested } from "./model.js";
import { galleryTools, learnPanel } from "./panels.js";

/** @import { KernelFacts } from "../../server/types.js" */
/** @import { Gallery } from "./model.js" */

class KernelsPage extends Part {
  /** Indices of the kernels that the user picked. @type {Set<number>} */
  picked = new Set();
  /** @type {Gallery | null} */
  gallery = null;
  /** What the gallery shows; another one is fetched when this changes. */
  signature = "";
  /** The kernel under the pointer. @type {KernelFacts | null} */
  origin = null;
  stage = newStage();
  tools = create(h("div.stage-tools", { role: "toolbar" }));
  cards = create(h("ul.gallery"));
  panel = create(h("div.pad"));
  fetch = latest(() => this.load());

  build() {
    this.className = "page";
    this.furnish();
    this.stage.painters = [(pen, zoom) => this.paintOrigin(pen, zoom)];
    this.on(bus, "document select", () => {
      const count = node()?.bank?.kernels ?? 0;
      this.picked = new Set([...this.picked].filter((k) => k < count));
      this.fetch();
    });
    this.on(bus, "language", () => {
      this.furnish();
      this.fetch();
    });
    this.on(bus, "run image", () => this.showSaliency());
    this.on(bus, "image", () => this.fetch());
    this.on(bus, "problem", () => this.redrawPanel());
    this.on(bus, "cursor", () => this.markCursor());
    this.on(this.stage, "pick", ({ detail }) => choose({ cursor: detail.at, pinned: true }));
    this.showSaliency();
    this.fetch();
  }

  furnish() {
    this.tools.setAttribute("aria-label", t("kernels.title"));
    const center = h(
      "section.center.rows",
      { "aria-label": t("page.kernels") },
      this.tools,
      h("div.scroll", {}, this.cards),
    );
    const side = h(
      "aside.panel.flush",
      { "aria-label": t("kernels.saliency") },
      h("div.small-stage", {}, this.stage),
      this.panel,
    );
    patch(this, h("div.workbench.two", {}, center, side));
  }

  async load() {
    this.redrawTools();
    this.redrawPanel();
    const shown = node();
    if (!shown?.bank) {
      this.signature = "";
      this.gallery = null;
      patch(this.cards, this.unlearned());
      return;
    }
    const { network, doc } = state;
    const key = [network, shown.name, shown.bank.print, pins(), doc.strokes];
    const signature = JSON.stringify(key);
    if (signature !== this.signature) {
      if (!this.gallery) patch(this.cards, h("li.empty.muted", { role: "status" }, t("loading")));
      try {
        const query = { network, node: shown.name, images: pins().join(",") };
        this.gallery = galleryFrom(await getPacked("kernels", query));
        this.signature = signature;
        for (const { image, problem } of this.gallery.failed) reportImage(image, problem);
      } catch (problem) {
        patch(this.cards, h("li.error", { role: "alert" }, String(problem)));
        sayProblem(problem);
        return;
      }
    }
    this.redrawCards();
  }

  /** What stands in the place of cards before anything is learned. */
  unlearned() {
    const button = h(
      "button.primary",
      { onclick: () => this.learn() },
      icon("learn"),
      t("kernels.learn"),
    );
    const link = h("a.chip", { href: "#markers" }, t("page.markers"));
    const row = h("div.row", {}, button, link);
    return h("li.empty", { key: "empty" }, h("p", {}, t("kernels.unlearned")), row);
  }

  /** @param {string} [start] the layer to start from */
  async learn(start) {
    const { decoder, seed } = choices;
    const reply = await learn({ decoder, seed, ...(start ? { start } : {}) });
    const [first] = convolutions();
    if (reply && first && !node()?.bank) choose({ node: first.name });
  }

  redrawPanel() {
    patch(
      this.panel,
      learnPanel(
        (start) => this.learn(start),
        () => this.redrawPanel(),
      ),
    );
  }

  redrawTools() {
    patch(
      this.tools,
      galleryTools([...this.picked], {
        clear: () => this.picked.clear(),
        redraw: () => this.redrawCards(),
        suggest: (count) => {
          this.picked = new Set(suggested(this.gallery?.kernels ?? [], count));
          this.redrawTools();
          this.redrawCards();
        },
        edit: (what, kernels) => this.edit(what, kernels),
      }),
    );
  }

  redrawCards() {
    const { gallery, picked } = this;
    if (!gallery) return;
    const actions = {
      pick: (/** @type {number} */ index, /** @type {boolean} */ chosen) => {
        if (chosen) picked.add(index);
        else picked.delete(index);
        this.redrawTools();
        this.redrawCards();
      },
      edit: (/** @type {string} */ what, /** @type {number} */ index) => this.edit(what, [index]),
      goTo: (/** @type {KernelFacts} */ facts) => this.goTo(facts),
      showOrigin: (/** @type {KernelFacts | null} */ facts) => {
        this.origin = facts;
        this.stage.paint(true);
      },
    };
    const cards = sorted(gallery.kernels).map(({ index }) =>
      kernelCard(gallery, index, picked.has(index), actions),
    );
    patch(this.cards, cards);
  }

  /**
   * @param {string} what
   * @param {number[]} kernels
   */
  async edit(what, kernels) {
    const { network, node: at } = state;
    const reply = await act({ do: what, network, node: at, kernels });
    if (!reply) return;
    this.picked.clear();
    this.redrawTools();
  }

  /**
   * Look at the spel that a kernel came from.
   * @param {KernelFacts} facts
   */
  goTo({ image, at }) {
    const source = state.doc.images.find((i) => i.name === image);
    if (source) choose({ image: source.id });
    if (at) choose({ cursor: at, pinned: true });
  }

  markCursor() {
    this.stage.cursor = state.pinned && state.cursor ? onStep(output(), state.cursor) : null;
    this.stage.paint(true);
  }

  async showSaliency() {
    this.stage.label = t("kernels.saliency");
    const image = await showCurrentImage(this.stage);
    const last = output();
    if (!image) return;
    this.stage.setPlane(null);
    if (last?.id && last.shape.length === 3) {
      const top = await plane(last.id, 0);
      if (output()?.id !== last.id) return;
      this.stage.setPlane(top, last, last.low < 0 ? "signed" : "positive");
    }
    performance.mark("spel-saliency");
    this.dispatchEvent(new Event("drawn", { bubbles: true }));
  }

  /**
   * A ring where the kernel under the pointer came from.
   * @param {CanvasRenderingContext2D} pen
   * @param {number} zoom
   */
  paintOrigin(pen, zoom) {
    const { origin } = this;
    if (!origin?.at || imageOf()?.name !== origin.image) return;
    drawRing(pen, zoom, origin.at, "#3dff9a", 9, 2.5);
  }
}
customElements.define("page-kernels", KernelsPage);
