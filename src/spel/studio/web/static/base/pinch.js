// @ts-check
// Two fingers on a picture: where their middle goes, and how far they are apart.

/** @typedef {[number, number]} Point */

export class Pinch {
  /** Where each finger is. @type {Map<number, Point>} */
  places = new Map();

  /** @param {(from: Point, to: Point, factor: number) => void} onmove the middle, and the spread */
  constructor(onmove) {
    this.onmove = onmove;
  }

  /**
   * @param {PointerEvent} event
   * @param {Point} point
   * @returns {boolean} whether there are two fingers now
   */
  down(event, point) {
    if (event.pointerType !== "touch") return false;
    this.places.set(event.pointerId, point);
    return this.places.size > 1;
  }

  /**
   * @param {PointerEvent} event
   * @param {Point} point
   * @returns {boolean} whether it was a move of two fingers
   */
  move(event, point) {
    if (this.places.size < 2 || !this.places.has(event.pointerId)) return false;
    const before = this.#both();
    this.places.set(event.pointerId, point);
    const after = this.#both();
    this.onmove(before.middle, after.middle, after.spread / before.spread);
    return true;
  }

  /** @param {PointerEvent} event */
  up(event) {
    this.places.delete(event.pointerId);
  }

  #both() {
    const [[x0, y0] = [0, 0], [x1, y1] = [0, 0]] = [...this.places.values()];
    return {
      middle: /** @type {Point} */ ([(x0 + x1) / 2, (y0 + y1) / 2]),
      spread: Math.max(1, Math.hypot(x1 - x0, y1 - y0)),
    };
  }
}
