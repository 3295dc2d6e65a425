// @ts-check
// A stage that shows the selected step, with its tools and the line of numbers below.

import { create, h, patch } from "../../base/dom.js";
import { clamp } from "../../base/numbers.js";
import { Part } from "../../base/part.js";
import { sayProblem } from "../../base/toasts.js";
import { t } from "../../base/words.js";
import { veilCanvas } from "../../picture/colors.js";
import { showCurrentImage } from "../../picture/current.js";
import { Detail } from "../../picture/detail.js";
import { newStage, zoomers } from "../../picture/stage.js";
import { View } from "../../picture/view.js";
import { outlineOf } from "../../picture/windows.js";
import { plane } from "../../server/arrays.js";
import {
  bus,
  choose,
  imageOf,
  imageTitle,
  mapOf,
  node,
  onStep,
  output,
  state,
  step,
  stepTitle,
} from "../../store.js";
import { Beside, imageMap, imagePlane, placeOf } from "./beside.js";
import { scaleBar } from "./draw.js";
import { Inverted } from "./inverted.js";
import { statusOf } from "./model.js";
import { Orthogonal } from "./orthogonal.js";
import { Player } from "./play.js";
import { viewerTools } from "./tools.js";

/** @import { Picture, Place, Plane, Step } from "../../server/types.js" */
/** @import { Stage } from "../../picture/stage.js" */

/** While something is dragged, pictures smaller than this on the screen are coarse. */
const COARSE_BELOW = 0.75;

export class Viewer extends Part {
  stage = newStage();
  /** What the step reads, beside it. @type {Beside | null} */
  beside = null;
  /** A volume in the two other directions. @type {Orthogonal | null} */
  orthogonal = null;
  three = false;
  player = new Player(() => this.update());
  inverted = new Inverted(() => this.showInverted());
  /** @type {View | null} */
  shared = null;
  sideBySide = false;
  /** Opacity of the saliency over the picture. */
  overlay = 0;
  /** @type {Picture | null} */
  image = null;
  /** @type {Plane | null} */
  plane = null;
  detail = new Detail(this.stage);
  /** Channels of the step and of the image. @type {[number, number]} */
  counts = [1, 1];
  tools = create(h("div.stage-tools", { role: "toolbar" }));
  stages = create(h("div.stages"));
  status = create(h("p.status", { "aria-live": "off" }));
  scale = create(h("p.scale"));
  work = create(h("div.work"));

  build() {
    patch(
      this,
      this.tools,
      this.stages,
      h("footer.stage-foot", {}, this.status, this.work, this.scale),
    );
    this.follow(this.stage);
    this.on(this.stage, "step", ({ detail }) => this.moveCursor(detail));
    this.on(bus, "run select image contrast predict", () => this.update());
    this.on(bus, "rest", () => {
      if ((this.plane?.grain ?? 1) > 1) this.update();
    });
    this.on(bus, "cursor", () => {
      this.player.stop();
      this.markCursor();
    });
    this.on(bus, "traced", () => this.showWindow());
    this.on(bus, "term", () => this.beside?.mark());
    this.on(bus, "language", () => this.update());
    this.on(bus, "task", () => this.showInverted());
    this.update();
  }

  /**
   * The pointer on a stage moves the cursor; a click pins it.
   * @param {Stage} stage
   */
  follow(stage) {
    this.on(stage, "hover", ({ detail }) => {
      if (!state.pinned && detail) choose({ cursor: detail });
    });
    this.on(stage, "pick", ({ detail: { at } }) => {
      const same = state.pinned && state.cursor?.[0] === at[0] && state.cursor?.[1] === at[1];
      choose({ cursor: at, pinned: !same });
    });
  }

  /** @param {Place} by rows and columns of the step */
  moveCursor(by) {
    const [rows, cols] = this.stage.size;
    const [high, wide] = step()?.scale ?? [1, 1];
    const [row, col] = state.cursor ?? [rows >> 1, cols >> 1];
    const r = clamp(row + by[0] * high, 0, rows - 1);
    const c = clamp(col + by[1] * wide, 0, cols - 1);
    choose({ cursor: [r, c], pinned: true });
  }

  /** Show the selected step of the current run. */
  async update() {
    const shown = state.node === "input" ? undefined : step();
    const channels = shown?.shape?.[2] ?? 1;
    const bands = this.image?.id === state.image ? this.image.channels : 1;
    this.drawTools(channels, bands);
    this.image = await showCurrentImage(this.stage, shown ? null : state.band);
    // What the image offers is known only now.
    if (this.image) this.drawTools(channels, this.image.channels);
    if (!this.image) {
      this.detail.follow(null);
      this.plane = null;
      this.markCursor();
      return;
    }
    this.stage.label = t("stage.of", {
      name: state.node === "input" ? imageTitle(imageOf()?.name ?? "") : stepTitle(state.node),
    });
    this.stage.relabel();
    if (!(await this.updatePlane(shown, Math.min(state.channel, channels - 1)))) return;
    // A plane of all numbers needs no others.
    const whole = this.plane !== null && this.image.reduced === 1;
    this.detail.follow(shown || whole ? null : this.image);
    this.drawStages();
    this.markCursor();
    this.updateOverlay();
    performance.mark("spel-stage");
    this.dispatchEvent(new Event("drawn", { bubbles: true }));
  }

  /**
   * @param {Step | undefined} shown
   * @param {number} channel
   * @returns {Promise<boolean>} false if the user has gone on meanwhile
   */
  async updatePlane(shown, channel) {
    if (!shown) this.plane = this.image && imagePlane(this.image);
    else if (shown.error || shown.shape.length !== 3) this.plane = null;
    else {
      const coarse = state.dragging && this.stage.view.zoom < COARSE_BELOW;
      const values = await plane(shown.id, channel, coarse ? 2 : 1);
      if (step()?.id !== shown.id) return false;
      this.plane = values;
    }
    this.stage.numbered = !shown || state.asked !== shown.name;
    this.stage.setPlane(this.plane, shown ?? placeOf(this.image), this.map());
    patch(this.scale, this.stage.colors ? scaleBar(this.stage.colors) : null);
    this.scale.hidden = !this.stage.colors;
    return true;
  }

  map() {
    if (state.map !== "auto") return state.map;
    if (state.node === "input") return this.image ? imageMap(this.image) : "grey";
    return mapOf();
  }

  /**
   * @param {number} channels of the step
   * @param {number} bands channels of the image
   */
  drawTools(channels, bands) {
    this.counts = [channels, bands];
    this.tools.setAttribute("aria-label", t("stage.tools"));
    patch(
      this.tools,
      viewerTools(channels, bands, {
        sideBySide: this.sideBySide,
        invert: state.node === "input" ? [] : this.inverted.tools(),
        play: this.sideBySide ? this.player.tools() : null,
        overlay: this.overlay,
        flicker: (on) => this.flicker(on),
        toggleSide: () => {
          this.sideBySide = !this.sideBySide;
          this.three = false;
          this.drawStages();
          this.update();
        },
        three: this.image?.stack ? this.three : null,
        toggleThree: () => {
          this.three = !this.three;
          this.sideBySide = false;
          this.drawStages();
          this.update();
        },
        setOverlay: (value) => {
          this.overlay = value;
          this.updateOverlay();
        },
      }),
    );
  }

  /** Side by side: what the step reads beside the step, moving together. */
  drawStages() {
    const opens = this.sideBySide && !this.beside;
    if (opens) {
      this.beside = new Beside();
      this.follow(this.beside.stage);
      this.shared ??= new View();
      this.stage.share(this.shared);
      this.beside.stage.share(this.shared);
    }
    if (!this.sideBySide) this.beside = null;
    if (this.image) this.beside?.update(this.image);
    const three = this.three && Boolean(this.image?.stack);
    this.orthogonal = three ? (this.orthogonal ?? new Orthogonal()) : null;
    this.stages.classList.toggle("two", this.sideBySide);
    this.stages.classList.toggle("three-views", three);
    const others = [this.beside?.stage ?? null, this.stage, ...(this.orthogonal?.stages ?? [])];
    patch(this.stages, others, h("div.zoomers", {}, zoomers(this.stage)));
    // At once, so that a click that follows meets the picture where it is seen.
    if (opens) this.stage.fit();
  }

  /** The inspector has new numbers: their window on what the step reads. */
  showWindow() {
    if (!this.beside || !this.image) return;
    this.beside.update(this.image);
    this.beside.mark();
    this.drawTools(...this.counts);
  }

  /**
   * Show the image in place of the step for a moment.
   * @param {boolean} on
   */
  flicker(on) {
    this.stage.setPlane(on ? null : this.plane, step() ?? placeOf(this.image), this.map());
  }

  /** The inverted step in the place of the picture, or else the overlay. */
  showInverted() {
    this.drawTools(...this.counts);
    this.updateOverlay();
  }

  /** The last step's saliency over the picture. */
  async updateOverlay() {
    patch(this.work, this.inverted.work());
    this.scale.hidden = !this.stage.colors || this.inverted.canvas !== null;
    if (this.inverted.canvas) {
      this.stage.setTop(this.inverted.canvas);
      return;
    }
    const last = output();
    if (!this.overlay || !last?.id || last.shape.length !== 3) {
      this.stage.setTop(null);
      return;
    }
    const top = await plane(last.id, 0);
    this.stage.setTop(veilCanvas(top), last, this.overlay);
  }

  markCursor() {
    const { stage } = this;
    const shown = state.node === "input" ? undefined : step();
    const on = shown?.shape && state.cursor ? onStep(shown, state.cursor) : state.cursor;
    stage.cursor = on;
    // The window lies on what the step reads: here it stands only where that is not beside.
    const alone = on && shown?.shape && !this.beside;
    stage.outline = alone ? outlineOf(node(), shown, on) : null;
    stage.paint(true);
    this.beside?.mark();
    if (this.image) this.orthogonal?.update(this.image).catch(sayProblem);
    this.showStatus();
  }

  showStatus() {
    const shown = state.node === "input" ? undefined : step();
    const text = statusOf(shown, this.plane, this.image);
    this.status.textContent = text;
    if (state.pinned && state.cursor) this.stage.speak(text);
  }
}
customElements.define("spel-viewer", Viewer);
