// @ts-check
// The bar of colors below the stage.

import { h } from "../../base/dom.js";
import { num } from "../../base/numbers.js";
import { penOf, planeCanvas } from "../../picture/colors.js";

/** @import { Scale } from "../../picture/colors.js" */

const WIDTH = 160;
const HEIGHT = 10;

/** @param {Scale} scale */
export function scaleBar(scale) {
  const { low, high } = scale;
  const draw = (/** @type {HTMLCanvasElement} */ canvas) => {
    const data = Float32Array.from(
      { length: WIDTH },
      (_, i) => low + (i / (WIDTH - 1)) * (high - low),
    );
    const line = planeCanvas({ rows: 1, cols: WIDTH, data }, scale);
    penOf(canvas).drawImage(line, 0, 0, WIDTH, HEIGHT);
  };
  const attributes = { width: WIDTH, height: HEIGHT, "aria-hidden": "true", ref: draw };
  const bar = h("canvas.colorbar", attributes);
  return [h("span", { key: "low" }, num(low, 3)), bar, h("span", { key: "high" }, num(high, 3))];
}
