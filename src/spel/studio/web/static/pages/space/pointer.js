// @ts-check
// Pointer and keys on the cloud: drag the plane, turn the cloud, draw a lasso.

import { clamp } from "../../base/numbers.js";
import { Pinch } from "../../base/pinch.js";
import { act, live } from "../../commands.js";
import { state } from "../../store.js";
import { cutOf, pointsInside, unproject } from "./model.js";

/** @import { Place } from "../../server/types.js" */
/** @import { SpacePage } from "./page.js" */

/**
 * Where a drag began, and what stood there.
 * @typedef {object} Drag
 * @property {Place} point
 * @property {import("./tools.js").ToolName} tool
 * @property {number} yaw
 * @property {number} pitch
 * @property {string} gesture
 * @property {number} bias
 * @property {number} offset
 * @property {Float32Array} distances
 */

/** @type {Record<string, number>} */
const KEYS = { ArrowLeft: 1, ArrowRight: -1, ArrowUp: 1, ArrowDown: -1 };

/** @param {SpacePage} page */
export function listen(page) {
  const { canvas } = page;
  const pointOf = (/** @type {MouseEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    return /** @type {Place} */ ([
      (event.clientX - box.left) * page.ratio,
      (event.clientY - box.top) * page.ratio,
    ]);
  };
  const fromMiddle = (/** @type {Place} */ [x, y]) =>
    /** @type {Place} */ ([x - canvas.width / 2, y - canvas.height / 2]);
  const pinch = new Pinch((from, to, factor) => {
    const [[x0, y0], [x1, y1]] = [fromMiddle(from), fromMiddle(to)];
    page.look.x += x1 - x0;
    page.look.y += y1 - y0;
    page.look.zoomBy(factor, [x1, y1]);
    page.draw();
  });
  page.on(canvas, "pointerdown", (event) => {
    if (!page.cloud) return;
    canvas.setPointerCapture(event.pointerId);
    if (pinch.down(event, pointOf(event))) {
      // A second finger: neither a lasso nor a drag of the plane.
      page.lasso = null;
      end(page);
    } else begin(page, pointOf(event));
  });
  page.on(canvas, "pointermove", (event) => {
    if (page.cloud && !pinch.move(event, pointOf(event))) move(page, pointOf(event));
  });
  page.on(canvas, "pointerup pointercancel", (event) => {
    pinch.up(event);
    end(page);
  });
  const zoom = (/** @type {WheelEvent} */ event) => {
    event.preventDefault();
    const speed = event.deltaMode ? 0.05 : 0.0016;
    page.look.zoomBy(Math.exp(-event.deltaY * speed), fromMiddle(pointOf(event)));
    page.draw();
  };
  canvas.addEventListener("wheel", zoom, { passive: false });
  page.on(canvas, "dblclick", () => {
    page.look.reset();
    page.draw();
  });
  page.on(canvas, "keydown", (event) => moveByKey(page, event));
}

/**
 * @param {SpacePage} page
 * @param {Place} point
 */
function begin(page, point) {
  const { cloud, yaw, pitch } = page;
  const { tool } = page.options;
  if (!cloud) return;
  if (tool === "lasso") page.lasso = [point];
  else {
    page.drag = {
      point,
      tool,
      yaw,
      pitch,
      gesture: `plane-${Date.now()}`,
      bias: cloud.bias,
      offset: cloud.plane.offset,
      distances: Float32Array.from(cloud.distances),
    };
  }
}

/**
 * @param {SpacePage} page
 * @param {Place} point
 */
function move(page, point) {
  if (page.lasso) {
    page.lasso.push(point);
    page.draw();
  } else if (!page.drag) page.hoverPoint(point);
  else if (page.drag.tool === "turn") turn(page, page.drag, point);
  else dragPlane(page, page.drag, point);
}

/**
 * @param {SpacePage} page
 * @param {Drag} drag
 * @param {Place} point
 */
function turn(page, drag, point) {
  const speed = 180 * page.ratio;
  page.yaw = drag.yaw + (point[0] - drag.point[0]) / speed;
  page.pitch = clamp(drag.pitch + (point[1] - drag.point[1]) / speed, -1.5, 1.5);
  page.draw();
}

/**
 * The plane follows the pointer: its offset changes by as much as the bias.
 * @param {SpacePage} page
 * @param {Drag} drag
 * @param {Place} point
 */
function dragPlane(page, drag, point) {
  const { cloud, frame, canvas } = page;
  if (!cloud || !frame) return;
  const camera = page.camera(frame);
  let by = ((point[1] - drag.point[1]) / canvas.height) * 2.4 * frame.reach * cloud.norm;
  if (camera.dims === 2) {
    const [a, b] = cutOf(cloud, frame);
    const from = unproject(camera, drag.point);
    const to = unproject(camera, point);
    by = -(a * (to[0] - from[0]) + b * (to[1] - from[1]));
  }
  cloud.plane.offset = drag.offset + by;
  cloud.bias = drag.bias + by;
  cloud.distances = drag.distances.map((d) => d + by / (cloud.norm || 1));
  page.draw();
  live(biasCommand(cloud.bias), drag.gesture);
}

/** @param {SpacePage} page */
function end(page) {
  if (page.lasso && page.cloud && page.frame) {
    page.lassoed = pointsInside(page.camera(page.frame), page.cloud, page.lasso);
    page.lasso = null;
    page.draw();
    page.stage.paint(true);
  }
  const dragged = page.drag?.tool === "plane";
  page.drag = null;
  if (dragged) setTimeout(() => page.fetch(), 150);
}

/**
 * @param {SpacePage} page
 * @param {KeyboardEvent} event
 */
function moveByKey({ cloud, frame }, event) {
  const by = KEYS[event.key];
  if (!by || !cloud || !frame) return;
  event.preventDefault();
  const step = cloud.norm * frame.reach * (event.shiftKey ? 0.1 : 0.02);
  act(biasCommand(cloud.bias + by * step), `plane-key-${state.kernel}`);
}

/** @param {number} bias */
const biasCommand = (bias) => ({
  do: "set_kernel",
  network: state.network,
  node: state.node,
  kernel: state.kernel,
  bias,
});
