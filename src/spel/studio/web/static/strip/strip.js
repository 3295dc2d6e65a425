// @ts-check
// The strip of steps: a card per step with its picture, numbers and switches.

import { create, h, patch } from "../base/dom.js";
import { Part } from "../base/part.js";
import { t } from "../base/words.js";
import { penOf } from "../picture/colors.js";
import { limitsOf, paintedImage } from "../picture/contrast.js";
import { picture, thumbs } from "../server/arrays.js";
import { bus, imageOf, mapOf, network, state } from "../store.js";
import { adder, inputCard, stepCard } from "./cards.js";
import { channelPictures, collage } from "./draw.js";

/** @import { Picture, Run, Step, Thumb } from "../server/types.js" */

class Strip extends Part {
  rail = create(h("ol.rail"));
  /** @type {Picture | null} */
  base = null;
  marked = "";

  build() {
    this.setAttribute("aria-label", t("strip.label"));
    this.setAttribute("role", "group");
    patch(this, this.rail);
    this.on(bus, "document image language select", () => this.redraw());
    this.on(bus, "run problem contrast", () => this.update());
    this.update();
  }

  redraw() {
    const shown = network();
    if (!shown) return;
    const fresh = state.run?.network === state.network && state.run.image === state.image;
    const size = this.base?.id === state.image ? this.base : null;
    const end = h("li.gap.end", { key: "end" }, adder(shown.nodes.at(-1)?.name ?? "input"));
    const cards = shown.nodes.map((node, i) => stepCard(node, i, fresh));
    patch(this.rail, inputCard(size), cards, end);
    this.reveal();
  }

  /** Scroll to the chosen step when it changes. */
  reveal() {
    if (this.marked === state.node) return;
    this.marked = state.node;
    const slot = this.rail.querySelector("[aria-current]")?.closest("li");
    if (!slot) return;
    const left = slot.offsetLeft - this.rail.offsetLeft;
    const { scrollLeft, clientWidth } = this.rail;
    if (left >= scrollLeft && left + slot.offsetWidth <= scrollLeft + clientWidth) return;
    this.rail.scrollTo({ left: left - 60, behavior: "smooth" });
  }

  /** Show the run: words at once, pictures as soon as they are here. */
  async update() {
    this.redraw();
    const { run } = state;
    if (imageOf()?.problem)
      for (const canvas of this.rail.querySelectorAll("canvas")) clear(canvas);
    if (!run || run.network !== state.network || run.image !== state.image) return;
    this.base = await picture(run.image);
    if (state.run !== run) return;
    const base = this.base;
    this.redraw();
    this.drawCard("input", `${run.image} ${limitsOf(base)}`, () => [paintedImage(base)]);
    const small = await thumbs(run.steps.map((s) => s.id));
    if (state.run !== run) return;
    this.drawSteps(run, small);
    this.dispatchEvent(new Event("drawn", { bubbles: true }));
    performance.mark("spel-strip");
  }

  /**
   * @param {Run} run
   * @param {Array<Thumb | null>} small
   */
  drawSteps(run, small) {
    run.steps.forEach((step, i) => {
      const thumb = small[i];
      if (step.error) this.clearCard(step);
      else if (thumb) {
        this.drawCard(step.name, step.id, () => channelPictures(thumb, step, mapOf(step.name)));
      }
    });
  }

  /**
   * Draw a card unless it shows this already.
   * @param {string} name
   * @param {string} id
   * @param {() => Array<HTMLCanvasElement | undefined>} pictures
   */
  drawCard(name, id, pictures) {
    const canvas = this.canvas(name);
    const key = `${id} ${mapOf(name)}`;
    if (!canvas || canvas.dataset.shown === key) return;
    canvas.dataset.shown = key;
    collage(
      canvas,
      pictures().filter((one) => one !== undefined),
    );
  }

  /** @param {Step} step */
  clearCard({ name }) {
    const canvas = this.canvas(name);
    if (canvas) clear(canvas);
  }

  /**
   * @param {string} name
   * @returns {HTMLCanvasElement | null}
   */
  canvas(name) {
    return this.rail.querySelector(`[data-step="${CSS.escape(name)}"] canvas`);
  }
}
customElements.define("spel-strip", Strip);

/** @param {HTMLCanvasElement} canvas */
function clear(canvas) {
  delete canvas.dataset.shown;
  penOf(canvas).clearRect(0, 0, canvas.width, canvas.height);
}
