// @ts-check
// The full-size picture: zoom, pan, cursor, overlays. World coordinates are spels of the image.

import { miniButton } from "../base/controls.js";
import { icon } from "../base/icons.js";
import { clamp } from "../base/numbers.js";
import { t } from "../base/words.js";
import { penOf, planeCanvas, scaleFor } from "./colors.js";
import { paintedImage } from "./contrast.js";
import { drawCursor, drawGrid } from "./grid.js";
import { listen } from "./stage-input.js";
import { View } from "./view.js";

/** @import { Picture, Place, Plane } from "../server/types.js" */
/** @import { Painter } from "./boxes.js" */
/** @import { Scale } from "./colors.js" */
/** @import { Layer } from "./grid.js" */

/** @typedef {{ scale?: readonly [number, number], offset?: readonly [number, number] }} Where */
/**
 * A drawing tool: gets the places (row, col) of a gesture.
 * @typedef {object} Tool
 * @property {(point: Place) => void} down
 * @property {(point: Place) => void} move
 * @property {(point: Place) => void} up
 * @property {() => void} cancel the gesture was something else
 */

const MIN_ZOOM = 0.05;
const MAX_ZOOM = 120;

/**
 * Events: "hover" (the spel under the pointer, or null), "pick" ({ at, point }: a click), "step"
 * ([rows, cols]: arrow keys), "enter" and "looked" (the picture was drawn anew).
 */
export class Stage extends HTMLElement {
  view = new View();
  /** @type {[number, number]} */
  size = [1, 1];
  /** @type {Painter[]} */
  painters = [];
  /** @type {Tool | null} */
  tool = null;
  /** @type {Place | null} */
  cursor = null;
  /** @type {number[] | null} */
  outline = null;
  /** Where the pointer is. @type {Place | null} */
  pointer = null;
  /** What points: a finger is less exact than a mouse. @type {"mouse" | "pen" | "touch"} */
  pointerType = "mouse";
  /** Whether large spels carry their numbers. */
  numbered = true;
  label = "";
  canvas = document.createElement("canvas");
  // Marks have a canvas of their own: moving the cursor does not draw the picture again.
  #marks = document.createElement("canvas");
  #live = document.createElement("p");
  /** @type {Layer | null} */
  #base = null;
  /** @type {Layer | null} */
  #plane = null;
  /** @type {Layer | null} */
  #detail = null;
  /** @type {Layer | null} */
  #top = null;
  #frame = 0;
  #stale = true;
  /** @type {number | undefined} */
  #speech;
  #watcher = new ResizeObserver(() => this.#resize());
  #repaint = () => this.paint();

  connectedCallback() {
    if (this.canvas.parentElement !== this) this.#furnish();
    this.relabel();
    this.#watcher.observe(this);
    this.view.addEventListener("change", this.#repaint);
  }

  disconnectedCallback() {
    this.#watcher.disconnect();
    this.view.removeEventListener("change", this.#repaint);
  }

  #furnish() {
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-roledescription", t("stage.role"));
    this.#live.className = "hidden";
    this.#live.setAttribute("aria-live", "polite");
    this.#marks.setAttribute("aria-hidden", "true");
    this.#marks.className = "marks";
    this.append(this.canvas, this.#marks, this.#live);
    listen(this);
  }

  relabel() {
    this.canvas.setAttribute("aria-label", this.label || t("stage.label"));
  }

  /**
   * Move together with other stages.
   * @param {View} view
   */
  share(view) {
    this.view.removeEventListener("change", this.#repaint);
    this.view = view;
    view.addEventListener("change", this.#repaint);
    this.paint();
  }

  // -- what is shown -----------------------------------------------------------------------------

  /**
   * The image as it looks.
   * @param {Picture} picture
   */
  setImage(picture) {
    const same = this.size[0] === picture.rows && this.size[1] === picture.cols;
    this.size = [picture.rows, picture.cols];
    const { reduced } = picture;
    const canvas = paintedImage(picture);
    this.#base = { canvas, scale: [reduced, reduced], offset: [0, 0] };
    if (!same || !this.view.zoom) this.fit();
    else this.paint();
  }

  /** No image: an empty stage. */
  clear() {
    this.#base = null;
    this.#plane = null;
    this.#detail = null;
    this.#top = null;
    this.paint();
  }

  /**
   * A part of the image with the numbers of its file, over the image.
   * @param {Layer | null} layer
   */
  setDetail(layer) {
    if (layer === this.#detail) return;
    this.#detail = layer;
    this.paint();
  }

  /**
   * A plane of numbers instead of the image; null shows the image again.
   * @param {Plane | null} plane
   * @param {Where} [where]
   * @param {string} [map]
   */
  setPlane(plane, where = {}, map = "auto") {
    this.#plane = plane ? planeLayer(plane, where, map) : null;
    this.paint();
  }

  /**
   * A canvas over the picture, with an opacity.
   * @param {HTMLCanvasElement | null} canvas
   * @param {Where} [where]
   * @param {number} [alpha]
   */
  setTop(canvas, where = {}, alpha = 1) {
    const { scale = [1, 1], offset = [0, 0] } = where;
    this.#top = canvas ? { canvas, alpha, scale, offset } : null;
    this.paint();
  }

  /** The colors of the plane that is shown. @returns {Scale | null} */
  get colors() {
    return this.#plane?.colors ?? null;
  }

  /** Show the whole picture. */
  fit() {
    const { clientWidth: width, clientHeight: height } = this;
    if (!width || !height) return;
    const [rows, cols] = this.size;
    const zoom = Math.min((width - 16) / cols, (height - 16) / rows);
    this.view.set(zoom, (width - cols * zoom) / 2, (height - rows * zoom) / 2, true);
  }

  /**
   * @param {number} factor
   * @param {[number, number]} [at] the point of the screen (x, y) that stays where it is
   */
  zoomBy(factor, at = [this.clientWidth / 2, this.clientHeight / 2]) {
    const { zoom, x, y } = this.view;
    const next = clamp(zoom * factor, MIN_ZOOM, MAX_ZOOM);
    const k = next / zoom;
    this.view.set(next, at[0] - (at[0] - x) * k, at[1] - (at[1] - y) * k);
  }

  #resize() {
    const ratio = devicePixelRatio || 1;
    for (const canvas of [this.canvas, this.#marks]) {
      canvas.width = Math.max(1, Math.round(this.clientWidth * ratio));
      canvas.height = Math.max(1, Math.round(this.clientHeight * ratio));
    }
    if (this.view.fitted || !this.view.zoom) this.fit();
    else this.paint();
    this.#stale = true;
    this.#draw();
  }

  // -- painting ----------------------------------------------------------------------------------

  /** Draw again at the next frame: all, or the marks alone. */
  paint(marksOnly = false) {
    if (!marksOnly) this.#stale = true;
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    if (!this.view.zoom) return;
    if (this.#stale) {
      this.#stale = false;
      this.#drawPicture(this.#begin(this.canvas));
    }
    const pen = this.#begin(this.#marks);
    for (const painter of this.painters) {
      pen.save();
      painter(pen, this.view.zoom);
      pen.restore();
    }
    if (this.cursor) drawCursor(pen, this.view.zoom, this.cursor, this.#plane, this.outline);
  }

  /**
   * A clean canvas with spels of the image as its unit.
   * @param {HTMLCanvasElement} canvas
   */
  #begin(canvas) {
    const pen = penOf(canvas);
    const { zoom, x, y } = this.view;
    const ratio = devicePixelRatio || 1;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.setTransform(ratio * zoom, 0, 0, ratio * zoom, ratio * x, ratio * y);
    return pen;
  }

  /** @param {CanvasRenderingContext2D} pen */
  #drawPicture(pen) {
    const shown = this.#plane ?? this.#base;
    if (shown) this.#drawLayer(pen, shown);
    if (this.#detail) this.#drawLayer(pen, this.#detail);
    if (this.#top) this.#drawLayer(pen, this.#top);
    const ruled = this.#detail ?? shown;
    if (ruled) drawGrid(pen, ruled, this.view, this, this.numbered);
    this.dispatchEvent(new Event("looked"));
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {Layer} layer
   */
  #drawLayer(pen, { canvas, scale, offset, grain = 1, alpha = 1 }) {
    const width = canvas.width * scale[1] * grain;
    const height = canvas.height * scale[0] * grain;
    pen.imageSmoothingEnabled = this.view.zoom * scale[1] < 1;
    pen.globalAlpha = alpha;
    pen.drawImage(canvas, offset[1], offset[0], width, height);
    pen.globalAlpha = 1;
  }

  // -- the user ----------------------------------------------------------------------------------

  /**
   * Where an event points: (row, col) of the image, with fractions.
   * @param {{ clientX: number, clientY: number }} event
   * @returns {Place}
   */
  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const { zoom, x, y } = this.view;
    return [(event.clientY - box.top - y) / zoom, (event.clientX - box.left - x) / zoom];
  }

  /** @param {Place} place */
  covers([row, col]) {
    return row >= 0 && col >= 0 && row < this.size[0] && col < this.size[1];
  }

  /**
   * Words for those who do not see the picture.
   * @param {string} text
   */
  speak(text) {
    clearTimeout(this.#speech);
    this.#speech = setTimeout(() => {
      this.#live.textContent = text;
    }, 350);
  }
}
customElements.define("spel-stage", Stage);

/**
 * @param {Plane} plane
 * @param {Where} where
 * @param {string} map
 * @returns {Layer}
 */
function planeLayer(plane, { scale = [1, 1], offset = [0, 0] }, map) {
  const colors = scaleFor(plane.low, plane.high, map);
  const key = `${colors.kind}/${colors.low}/${colors.high}`;
  if (plane.painted?.key !== key) plane.painted = { key, canvas: planeCanvas(plane, colors) };
  return { plane, colors, canvas: plane.painted.canvas, grain: plane.grain ?? 1, scale, offset };
}

/** A new stage. @returns {Stage} */
export const newStage = () => /** @type {Stage} */ (document.createElement("spel-stage"));

/**
 * Buttons that zoom, for pens and fingers.
 * @param {Stage} stage
 */
export const zoomers = (stage) => [
  miniButton("−", t("stage.out"), () => stage.zoomBy(0.8)),
  miniButton("+", t("stage.in"), () => stage.zoomBy(1.25)),
  miniButton(icon("fit"), t("stage.fit"), () => stage.fit()),
];
