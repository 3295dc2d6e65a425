// @ts-check

/** Zoom and place of a picture; stages that share a view move together. */
export class View extends EventTarget {
  zoom = 0;
  x = 0;
  y = 0;
  fitted = true;

  /**
   * @param {number} zoom screen points for each spel
   * @param {number} x of the picture's left edge
   * @param {number} y of its upper edge
   * @param {boolean} [fitted] the whole picture is shown, whatever the size of the stage
   */
  set(zoom, x, y, fitted = false) {
    Object.assign(this, { zoom, x, y, fitted });
    this.dispatchEvent(new Event("change"));
  }
}
