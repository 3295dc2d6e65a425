// @ts-check
// The numbers of the file where a stage shows an image large: what is reduced becomes sharp, and
// spels carry their numbers.

import { imageWindow } from "../server/arrays.js";
import { imageCanvas, planeCanvas } from "./colors.js";
import { limitsOf } from "./contrast.js";
import { NUMBERS_FROM } from "./grid.js";

/** @import { ImageWindow, Picture } from "../server/types.js" */
/** @import { Stage } from "./stage.js" */

const PAUSE = 120;
/** Windows begin at multiples of this, so that a small move needs no new one. */
const STEP = 32;
const MAX_SIZE = 1024;

export class Detail {
  /** @type {Picture | null} */
  picture = null;
  /** The channel that is shown; null for the colors. @type {number | null} */
  channel = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;
  /** What is on the stage. */
  shown = "";

  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    stage.addEventListener("looked", () => this.schedule());
  }

  /**
   * The image on the stage; null if the stage shows something else.
   * @param {Picture | null} picture
   */
  follow(picture) {
    this.picture = picture;
    this.channel = picture?.channel ?? null;
    this.shown = "";
    this.stage.setDetail(null);
    this.schedule();
  }

  schedule() {
    clearTimeout(this.timer);
    if (this.picture) this.timer = setTimeout(() => this.update(), PAUSE);
  }

  /** Whether the picture itself is not enough at this zoom. */
  get wanted() {
    const { picture } = this;
    if (!picture) return false;
    const { zoom } = this.stage.view;
    const sharper = picture.reduced > 1 && zoom * picture.reduced > 1.5;
    return sharper || zoom >= NUMBERS_FROM;
  }

  async update() {
    const { picture, stage } = this;
    const place = this.wanted ? windowFor(stage) : null;
    const key = picture && place ? [picture.id, place.join(), limitsOf(picture)].join("/") : "";
    if (key === this.shown) return;
    this.shown = key;
    if (!picture || !place) {
      stage.setDetail(null);
      return;
    }
    const part = await imageWindow(picture.id, ...place).catch(() => null);
    if (part && this.shown === key) stage.setDetail(this.layer(picture, part));
  }

  /**
   * @param {Picture} picture
   * @param {ImageWindow} window
   */
  layer(picture, { row, col, grid, data }) {
    const [rows, cols, channels] = grid;
    const bands = picture.grid[2];
    const first = this.channel ?? 0;
    const numbers = Float64Array.from({ length: rows * cols * bands }, (_, i) => {
      const spel = Math.floor(i / bands);
      return data[spel * channels + first + (i % bands)] ?? Number.NaN;
    });
    const place = {
      scale: /** @type {[number, number]} */ ([1, 1]),
      offset: /** @type {[number, number]} */ ([row, col]),
    };
    const { colors } = this.stage;
    if (bands === 1 && colors) {
      const plane = { rows, cols, data: numbers, low: colors.low, high: colors.high };
      return { ...place, canvas: planeCanvas(plane, colors), plane, colors };
    }
    const limits = limitsOf(picture);
    const canvas = imageCanvas({ grid: [rows, cols, bands], data: numbers }, limits);
    return { ...place, canvas, numbers, bands, limits };
  }
}

/**
 * The window that a stage shows: row, column, size.
 * @param {Stage} stage
 * @returns {[number, number, number] | null}
 */
function windowFor({ view, clientWidth, clientHeight, size }) {
  const at = (/** @type {number} */ n) => Math.max(0, Math.floor(n / STEP) * STEP);
  const row = at(-view.y / view.zoom);
  const col = at(-view.x / view.zoom);
  const rows = Math.min(size[0], (clientHeight - view.y) / view.zoom) - row;
  const cols = Math.min(size[1], (clientWidth - view.x) / view.zoom) - col;
  const side = Math.ceil(Math.max(rows, cols) / STEP) * STEP;
  return side > 0 && side <= MAX_SIZE ? [row, col, side] : null;
}
