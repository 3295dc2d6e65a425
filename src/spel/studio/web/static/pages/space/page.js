// @ts-check
// Patch space: the cloud, the kernel's hyperplane that can be dragged, distances, lasso.

import { create, h, patch } from "../../base/dom.js";
import { latest } from "../../base/latest.js";
import { Part } from "../../base/part.js";
import { t } from "../../base/words.js";
import { kernelPicks } from "../../editor/kernels.js";
import "../../inspector/inspector.js";
import { penOf } from "../../picture/colors.js";
import { showCurrentImage } from "../../picture/current.js";
import { newStage } from "../../picture/stage.js";
import { outlineOf } from "../../picture/windows.js";
import { getPacked } from "../../server/api.js";
import { bankArrays } from "../../server/arrays.js";
import {
  bus,
  choose,
  node,
  onImage,
  onStep,
  sayOfImage,
  sourceOf,
  state,
  step,
} from "../../store.js";
import * as draw from "./draw.js";
import { drawHistogram } from "./histogram.js";
import { cameraOf, cloudFrom, frameOf, pointAt, pointOfSpel, positiveShare } from "./model.js";
import { frameAround, Look, moveCloud } from "./motion.js";
import { listen } from "./pointer.js";
import { legend, noConvolution, spaceTools, statusOf } from "./tools.js";

/** @import { NetworkNode, Place } from "../../server/types.js" */
/** @import { Camera, Cloud, Frame } from "./model.js" */
/** @import { Drag } from "./pointer.js" */
/** @import { Options } from "./tools.js" */

export class SpacePage extends Part {
  /** @type {Options} */
  options = {
    directions: "kernel",
    dims: 2,
    normalized: false,
    tool: "plane",
    entries: [0, 4, 8],
  };
  /** Whether the cloud on the page is normalized. */
  normalized = false;
  yaw = 0.6;
  pitch = 0.35;
  ratio = 1;
  /** The part of the patches on the positive side. @type {number | undefined} */
  share;
  /** @type {Cloud | null} */
  cloud = null;
  /** @type {Frame | null} */
  frame = null;
  /** @type {Drag | null} */
  drag = null;
  /** The lasso while it is drawn. @type {Place[] | null} */
  lasso = null;
  look = new Look();
  /** The points that are in the lasso. @type {number[]} */
  lassoed = [];
  /** The point under the pointer, or -1. */
  hovered = -1;
  tools = create(h("div.stage-tools", { role: "toolbar" }));
  canvas = /** @type {HTMLCanvasElement} */ (
    create(h("canvas.cloud", { tabIndex: 0, role: "application" }))
  );
  histogram = /** @type {HTMLCanvasElement} */ (create(h("canvas.histogram", { role: "img" })));
  status = create(h("p.status", { role: "status" }));
  legend = create(h("p.legend"));
  picks = create(h("div"));
  stage = newStage();
  pendingFrame = 0;
  resized = new ResizeObserver(() => this.draw());
  fetch = latest(() => this.load());

  build() {
    this.className = "page";
    this.furnish();
    this.stage.painters = [
      (pen, zoom) => {
        const input = sourceOf();
        const place = (/** @type {Place} */ spel) => (input ? onImage(input, spel) : spel);
        if (this.cloud) draw.drawSpels(pen, zoom, this.cloud, this.lassoed, place);
      },
    ];
    this.on(bus, "select document run", () => {
      if (this.drag?.tool !== "plane") this.fetch();
    });
    this.on(bus, "language", () => {
      this.furnish();
      this.fetch();
    });
    this.on(bus, "image", () => this.showImage());
    this.on(bus, "theme", () => this.draw());
    this.on(bus, "cursor", () => this.markCursor());
    this.on(this.stage, "hover", ({ detail }) => {
      if (!detail || state.pinned) return;
      choose({ cursor: detail });
      this.hoverSpel(detail);
    });
    this.on(this.stage, "pick", ({ detail }) =>
      choose({ cursor: detail.at, pinned: !state.pinned }),
    );
    listen(this);
    this.resized.observe(/** @type {Element} */ (this.canvas.parentElement));
    this.showImage();
    this.fetch();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.resized.disconnect();
  }

  furnish() {
    const title = t("space.title");
    this.tools.setAttribute("aria-label", title);
    this.canvas.setAttribute("aria-label", t("space.cloud"));
    this.histogram.setAttribute("aria-label", t("space.histogram"));
    const caption = [t("space.histogram"), h("span.hint", {}, t("space.plane"))];
    const center = h(
      "section.center.space",
      { "aria-label": title },
      this.tools,
      h("div.cloud-box", {}, this.canvas),
      h("figure.histogram-box", {}, h("figcaption", {}, caption), this.histogram),
      h("footer.stage-foot", {}, this.status, this.legend),
    );
    const side = h(
      "aside.panel.flush",
      { "aria-label": t("inspector.title") },
      h("div.small-stage", {}, this.stage),
      h("div.pad", {}, this.picks, h("spel-inspector")),
    );
    patch(this, h("div.workbench.two", {}, center, side));
  }

  async showImage() {
    await showCurrentImage(this.stage);
    this.markCursor();
  }

  markCursor() {
    this.stage.cursor = state.cursor;
    const shown = step();
    const at = state.cursor && shown?.shape ? onStep(shown, state.cursor) : null;
    this.stage.outline = shown && at ? outlineOf(node(), shown, at) : null;
    this.stage.paint(true);
  }

  // -- the cloud ---------------------------------------------------------------------------------

  async load() {
    const shown = node();
    if (!shown?.bank) {
      patch(this.tools, noConvolution(this.change));
      this.cloud = null;
      this.draw();
      return;
    }
    const { image } = state;
    this.drawTools();
    this.drawPicks(shown);
    try {
      const patches = await this.ask(shown, Math.min(state.kernel, shown.bank.kernels - 1));
      if (this.drag?.tool === "plane") return;
      const cloud = cloudFrom(patches);
      this.show(cloud);
      this.lassoed = this.lassoed.filter((i) => i < cloud.count);
      this.drawTools();
    } catch (problem) {
      this.cloud = null;
      sayOfImage(image, problem);
    }
    this.draw();
  }

  /**
   * Show a cloud; one of the same patches, normalized or not, moves there inside one frame.
   * @param {Cloud} cloud
   */
  show(cloud) {
    const { options, cloud: before, frame: around } = this;
    const own = frameOf(cloud, options.dims, this.square);
    const turned = before && around && this.normalized !== options.normalized;
    this.frame = turned ? frameAround(around, own) : own;
    this.normalized = options.normalized;
    this.cloud = cloud;
    if (!turned) return;
    this.look.reset();
    moveCloud(before, cloud, () => {
      this.draw();
      return this.cloud === cloud && this.isConnected;
    });
  }

  /**
   * @param {NetworkNode} shown
   * @param {number} kernel
   */
  async ask(shown, kernel) {
    const { network, image, node: at } = state;
    const { directions, normalized } = this.options;
    const query = { network, image, node: at, kernel, directions };
    const bank = await bankArrays(network, shown);
    // A small kernel has fewer entries than the axes ask for.
    const last = bank.displacements.length * bank.dense.shape[3] - 1;
    const entries = this.options.entries.map((entry) => Math.min(entry, last));
    this.options.entries = entries;
    return getPacked("cloud", {
      ...query,
      normalized: normalized ? 1 : 0,
      entries: entries.join(","),
    });
  }

  /** @param {Partial<Options>} changed */
  change = (changed) => {
    const { dims, directions } = this.options;
    Object.assign(this.options, changed);
    if (dims !== this.options.dims || directions !== this.options.directions) this.look.reset();
    this.fetch();
  };

  drawTools() {
    patch(this.tools, spaceTools(this.options, this.cloud?.length ?? 1, this.change));
  }

  /** @param {NetworkNode} shown */
  async drawPicks(shown) {
    const bank = await bankArrays(state.network, shown);
    patch(this.picks, bank.dense.shape[0] > 1 ? kernelPicks(bank) : null);
  }

  /** One scale for all axes, so that right angles are right; the plane is upright "along the kernel". */
  get square() {
    return this.options.directions !== "kernel";
  }

  /**
   * @param {Frame} frame
   * @returns {Camera}
   */
  camera(frame) {
    const { yaw, pitch, ratio, square, look } = this;
    const { width, height } = this.canvas;
    const { dims } = this.options;
    return cameraOf({ frame, dims, square, yaw, pitch, width, height, ratio, look });
  }

  // -- drawing -----------------------------------------------------------------------------------

  /** Draw at the next frame. */
  draw() {
    this.pendingFrame ||= requestAnimationFrame(() => {
      this.pendingFrame = 0;
      this.drawNow();
    });
  }

  drawNow() {
    const { canvas, cloud, frame } = this;
    const box = canvas.parentElement;
    if (!box) return;
    this.ratio = devicePixelRatio || 1;
    canvas.width = Math.max(1, box.clientWidth * this.ratio);
    canvas.height = Math.max(1, box.clientHeight * this.ratio);
    if (!cloud || !frame) return;
    this.drawCloud(cloud, this.camera(frame));
    this.share = positiveShare(cloud);
    this.status.textContent = statusOf(cloud, this.share, this.lassoed.length);
    this.stage.paint(true);
    patch(this.legend, legend(cloud));
  }

  /**
   * @param {Cloud} cloud
   * @param {Camera} camera
   */
  drawCloud(cloud, camera) {
    const pen = penOf(this.canvas);
    const inks = draw.inksOf(this);
    const colors = new Map(state.doc.classes.map((one) => [one.label, one.color]));
    draw.drawAxes(pen, camera, cloud, inks);
    if (camera.dims === 2) draw.drawPlaneLine(pen, camera, cloud, inks);
    draw.drawPoints(pen, camera, cloud, inks, colors);
    if (camera.dims === 3) draw.drawPlaneSquare(pen, camera, cloud, inks);
    draw.drawLassoed(pen, camera, cloud, this.lassoed);
    if (this.hovered >= 0 && this.hovered < cloud.count) {
      draw.drawHovered(pen, camera, cloud, this.hovered, inks);
    }
    if (this.lasso) draw.drawLasso(pen, camera, this.lasso);
    drawHistogram(this.histogram, cloud, inks, this.ratio);
  }

  // -- links between cloud and image -------------------------------------------------------------

  /** @param {Place} point of the canvas */
  hoverPoint(point) {
    if (!this.cloud || !this.frame) return;
    const best = pointAt(this.camera(this.frame), this.cloud, point);
    if (best === this.hovered) return;
    this.hovered = best;
    if (best >= 0 && !state.pinned) {
      const { spels } = this.cloud;
      const input = sourceOf();
      const spel = /** @type {Place} */ ([spels[best * 2], spels[best * 2 + 1]]);
      choose({ cursor: input ? onImage(input, spel) : spel });
    }
    this.draw();
  }

  /** @param {Place} spel */
  hoverSpel(spel) {
    if (!this.cloud) return;
    const best = pointOfSpel(this.cloud, spel);
    if (best === this.hovered) return;
    this.hovered = best;
    this.draw();
  }
}
customElements.define("page-space", SpacePage);
