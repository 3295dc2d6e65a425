// @ts-check
// A volume cut in the two other directions, through the place of the cursor: all three are linked.

import { latest } from "../../base/latest.js";
import { newStage } from "../../picture/stage.js";
import { t } from "../../base/words.js";
import { picture } from "../../server/arrays.js";
import { choose, sourceIdOf, state } from "../../store.js";

/** @import { Picture, Place } from "../../server/types.js" */
/** A place in a volume. @typedef {[number, number, number]} Point */

const LINE = "rgb(255 210 63 / 0.8)";

/**
 * The place in the volume of a place on a plane.
 * @param {readonly [number, number]} cut
 * @param {Place} place
 * @returns {Point}
 */
export function pointOf([axis, at], place) {
  const point = [...place];
  point.splice(axis, 0, at);
  return /** @type {Point} */ (point);
}

/**
 * The place on the plane through a point that is orthogonal to an axis.
 * @param {Point} point
 * @param {number} axis
 * @returns {Place}
 */
export const placeOn = (point, axis) => /** @type {Place} */ (point.filter((_, i) => i !== axis));

/** Two stages, for the planes in the directions that the main stage does not show. */
export class Orthogonal {
  stages = [newStage(), newStage()];
  /** @type {Point} */
  point = [0, 0, 0];
  /** @type {number[]} */
  axes = [];
  update = latest((/** @type {Picture} */ image) => this.show(image));

  constructor() {
    this.stages.forEach((stage, i) => {
      stage.painters = [(pen, zoom) => this.paint(i, pen, zoom)];
      stage.addEventListener("pick", (event) => {
        this.go(i, /** @type {CustomEvent} */ (event).detail.at);
      });
    });
  }

  /** @param {Picture} image the plane on the main stage */
  async show({ id, stack, cut, rows, cols }) {
    if (!stack || !cut) return;
    /** @type {Place} */
    const middle = [rows >> 1, cols >> 1];
    this.point = pointOf(cut, state.cursor ?? middle);
    this.axes = [0, 1, 2].filter((axis) => axis !== cut[0]);
    await Promise.all(
      this.axes.map(async (axis, i) => {
        const plane = await picture(`${sourceIdOf(id)}@${axis}.${this.point[axis]}`);
        const stage = this.stages[i];
        if (!stage) return;
        stage.label = t(`plane.axis.${axis}`);
        stage.relabel();
        stage.setImage(plane);
        stage.cursor = placeOn(this.point, axis);
        stage.paint(true);
      }),
    );
  }

  /**
   * The main stage goes to the plane of a place on the other stage.
   * @param {number} index
   * @param {Place} place
   */
  go(index, place) {
    const axis = this.axes[index] ?? 0;
    const point = pointOf([axis, this.point[axis] ?? 0], place);
    const main = [0, 1, 2].find((one) => !this.axes.includes(one)) ?? 0;
    const image = `${sourceIdOf(state.image)}@${main}.${point[main]}`;
    choose({ image, cursor: placeOn(point, main), pinned: true });
  }

  /**
   * The lines in which the other two planes cut this one.
   * @param {number} index
   * @param {CanvasRenderingContext2D} pen
   * @param {number} zoom
   */
  paint(index, pen, zoom) {
    const axis = this.axes[index];
    const stage = this.stages[index];
    if (axis === undefined || !stage) return;
    const [row, col] = placeOn(this.point, axis);
    const [rows, cols] = stage.size;
    pen.strokeStyle = LINE;
    pen.lineWidth = 1 / zoom;
    pen.beginPath();
    pen.moveTo(0, row + 0.5);
    pen.lineTo(cols, row + 0.5);
    pen.moveTo(col + 0.5, 0);
    pen.lineTo(col + 0.5, rows);
    pen.stroke();
  }
}
