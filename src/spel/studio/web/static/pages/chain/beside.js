// @ts-check
// Beside a step: the picture that it reads, with the window of the spel in the inspector.

import { limitsOf } from "../../picture/contrast.js";
import { Detail } from "../../picture/detail.js";
import { newStage } from "../../picture/stage.js";
import { drawNeighbours, neighbourAt, neighbours } from "../../picture/windows.js";
import { plane } from "../../server/arrays.js";
import { mapOf, node, onStep, pointAt, sourceOf, state } from "../../store.js";

/** @import { Picture, Place, Plane } from "../../server/types.js" */

export class Beside {
  stage = newStage();
  detail = new Detail(this.stage);
  /** What is on the stage. */
  shown = "";

  constructor() {
    this.stage.painters = [(pen, zoom) => this.paint(pen, zoom)];
    this.stage.addEventListener("hover", (event) =>
      this.hover(/** @type {CustomEvent} */ (event).detail),
    );
  }

  /** @param {Picture} image */
  async update(image) {
    this.stage.setImage(image);
    const source = state.node === "input" ? undefined : sourceOf();
    if (!source?.id || source.shape.length !== 3) {
      const whole = image.grid[2] === 1 && image.reduced === 1;
      this.stage.setPlane(imagePlane(image), placeOf(image), imageMap(image));
      this.detail.follow(whole ? null : image);
      this.shown = "";
      return;
    }
    const channel = Math.min(state.slice, (source.shape[2] ?? 1) - 1);
    const key = `${source.id}/${channel}`;
    this.shown = key;
    const values = await plane(source.id, channel);
    if (this.shown !== key) return;
    this.detail.follow(null);
    this.stage.setPlane(values, source, mapOf(source.name));
  }

  mark() {
    const source = state.node === "input" ? undefined : sourceOf();
    const windowed = neighbours() !== null;
    const { cursor } = state;
    this.stage.cursor = cursor && !windowed ? (source ? onStep(source, cursor) : cursor) : null;
    this.stage.paint(true);
  }

  /**
   * A spel of the window is the same as a cell in the inspector.
   * @param {Place | null} place
   */
  hover(place) {
    if (state.pinned) pointAt(place && neighbourAt(neighbours(), place));
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {number} zoom
   */
  paint(pen, zoom) {
    const around = node() ? neighbours() : null;
    if (around && state.cursor) drawNeighbours(pen, zoom, around);
  }
}

/**
 * An image of one band as a plane of numbers; null for colors.
 * @param {Picture} picture
 * @returns {Plane | null}
 */
export function imagePlane(picture) {
  const [rows, cols, bands] = picture.grid;
  if (bands !== 1) return null;
  const [low, high] = limitsOf(picture);
  return { rows, cols, data: picture.data, low, high };
}

/** @param {Picture | null} picture */
export function placeOf(picture) {
  const scale = picture?.reduced ?? 1;
  return { scale: /** @type {const} */ ([scale, scale]) };
}

/** @param {Picture} picture */
export const imageMap = (picture) => (limitsOf(picture)[0] < 0 ? "signed" : "grey");
