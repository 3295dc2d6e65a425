// @ts-check
// The tool that draws true boxes, and moves, resizes and removes them.

import { act } from "../../commands.js";
import { boxPainter } from "../../picture/boxes.js";
import { classOf, state } from "../../store.js";
import { boxBetween, dragged, gripAt, rounded } from "./box-model.js";
import { choices } from "./model.js";

/** @import { Place, TrueBox } from "../../server/types.js" */
/** @import { Stage } from "../../picture/stage.js" */
/** @import { Grip } from "./box-model.js" */

const HANDLE = 5;
const REACH = { mouse: 7, pen: 12, touch: 18 };

/** The true boxes of the image. @returns {TrueBox[]} */
export const savedBoxes = () => state.doc.truth[state.image] ?? [];

/** Boxes have a class of objects. */
export const boxLabel = () => choices.label || choices.otherLabel || 1;

/** @param {TrueBox[]} boxes */
export const saveBoxes = (boxes) => act({ do: "set_truth", image: state.image, boxes });

/** A drawing tool of the stage. */
export class BoxTool {
  /** The chosen box, or -1. */
  chosen = -1;
  /** Boxes until the server has answered. @type {TrueBox[] | null} */
  waiting = null;
  /** @type {{ from: Place, to: Place, grip: Grip | null } | null} */
  drag = null;

  /**
   * @param {Stage} stage
   * @param {() => void} changed the chosen box is another one
   */
  constructor(stage, changed) {
    this.stage = stage;
    this.changed = changed;
  }

  get boxes() {
    return this.waiting ?? savedBoxes();
  }

  /** @param {Place} point */
  grip(point) {
    const reach = (REACH[this.stage.pointerType] ?? REACH.mouse) / this.stage.view.zoom;
    return gripAt(this.boxes, point, reach, this.chosen);
  }

  /** @param {Place} point */
  down(point) {
    this.drag = { from: point, to: point, grip: this.grip(point) };
    this.choose(this.drag.grip?.index ?? -1);
  }

  /** @param {Place} point */
  move(point) {
    if (this.drag) this.drag.to = point;
    this.stage.paint(true);
  }

  up() {
    const boxes = this.shown();
    const drawn = this.drag && !this.drag.grip && boxes.length > this.boxes.length;
    const moved = this.drag && this.drag.from !== this.drag.to;
    this.drag = null;
    if (drawn) this.chosen = boxes.length - 1;
    if (moved) this.save(boxes.map(rounded));
    this.stage.paint(true);
  }

  cancel() {
    this.drag = null;
    this.stage.paint(true);
  }

  /** @param {number} index */
  choose(index) {
    this.chosen = index;
    const label = this.boxes[index]?.[4];
    if (label) choices.label = label;
    this.changed();
    this.stage.paint(true);
  }

  /** The chosen box gets another class. @param {number} label */
  relabel(label) {
    const [x0, y0, x1, y1, before] = this.boxes[this.chosen] ?? [0, 0, 0, 0, label];
    if (label === before || !label) return;
    this.save(this.boxes.map((box, i) => (i === this.chosen ? [x0, y0, x1, y1, label] : box)));
  }

  /** @param {number} index */
  remove(index) {
    if (!this.boxes[index]) return;
    this.chosen = -1;
    this.save(this.boxes.filter((_, i) => i !== index));
  }

  /** @param {TrueBox[]} boxes */
  async save(boxes) {
    this.waiting = boxes;
    await saveBoxes(boxes);
    if (this.waiting === boxes) this.waiting = null;
    this.changed();
    this.stage.paint(true);
  }

  /** The boxes as they are while one is drawn or dragged. @returns {TrueBox[]} */
  shown() {
    const { boxes, drag } = this;
    if (!drag) return boxes;
    const { from, to, grip } = drag;
    if (!grip) {
      const drawn = boxBetween(from, to, this.stage.size, boxLabel());
      return drawn ? [...boxes, drawn] : boxes;
    }
    /** @type {Place} */
    const by = [to[0] - from[0], to[1] - from[1]];
    const { size } = this.stage;
    return boxes.map((box, i) => (i === grip.index ? dragged(box, grip.sides, by, size) : box));
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {number} zoom
   */
  paint(pen, zoom) {
    const boxes = this.shown();
    const colors = boxes.map((box) => classOf(box[4]).color);
    const color = (/** @type {number} */ i) => colors[i] ?? "#ffd23f";
    const label = (/** @type {number} */ i) => (i === this.chosen ? nameOf(boxes[i]) : null);
    boxPainter(boxes, { color, label, selected: this.chosen })(pen, zoom);
    const chosen = choices.tool === "box" ? boxes[this.chosen] : undefined;
    if (chosen) drawHandles(pen, zoom, chosen);
  }
}

/** @param {TrueBox | undefined} box */
const nameOf = (box) => (box ? classOf(box[4]).name : null);

/**
 * Squares on the corners and sides of a box.
 * @param {CanvasRenderingContext2D} pen
 * @param {number} zoom
 * @param {TrueBox} box
 */
function drawHandles(pen, zoom, [x0, y0, x1, y1]) {
  const half = HANDLE / zoom;
  pen.setLineDash([]);
  pen.lineWidth = 1 / zoom;
  pen.strokeStyle = "#000";
  pen.fillStyle = "#fff";
  for (const x of [x0, (x0 + x1) / 2, x1]) {
    for (const y of [y0, (y0 + y1) / 2, y1]) {
      if (x > x0 && x < x1 && y > y0 && y < y1) continue;
      pen.fillRect(x - half, y - half, 2 * half, 2 * half);
      pen.strokeRect(x - half, y - half, 2 * half, 2 * half);
    }
  }
}
