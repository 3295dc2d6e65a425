// @ts-check
// Pointer, wheel and keys of a stage.

import { Pinch } from "../base/pinch.js";

/** @import { Place } from "../server/types.js" */
/** @import { Stage } from "./stage.js" */

/** @type {Record<string, Place>} */
const ARROWS = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};
const CLICK_SLOP = 4;

/**
 * @param {Stage} stage
 * @param {string} name
 * @param {unknown} detail
 */
const send = (stage, name, detail) => stage.dispatchEvent(new CustomEvent(name, { detail }));

/** @param {Place} place */
const floor = (place) => place.map(Math.floor);

/** @param {Stage} stage */
export function listen(stage) {
  listenWheel(stage);
  listenPointer(stage);
  listenKeys(stage);
  stage.canvas.addEventListener("dblclick", () => {
    if (!stage.tool) stage.fit();
  });
}

/** @param {Stage} stage */
function listenWheel(stage) {
  const { canvas } = stage;
  const zoom = (/** @type {WheelEvent} */ event) => {
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    const speed = event.deltaMode ? 0.05 : 0.0016;
    const at = /** @type {Place} */ ([event.clientX - box.left, event.clientY - box.top]);
    stage.zoomBy(Math.exp(-event.deltaY * speed), at);
  };
  canvas.addEventListener("wheel", zoom, { passive: false });
}

/**
 * @typedef {object} Drag
 * @property {boolean} painting
 * @property {boolean} moved
 * @property {number} x where it began, on the screen
 * @property {number} y
 * @property {number} left of the view when it began
 * @property {number} top
 */

/** @param {Stage} stage */
function listenPointer(stage) {
  const { canvas } = stage;
  const placeOf = (/** @type {PointerEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    return /** @type {Place} */ ([event.clientX - box.left, event.clientY - box.top]);
  };
  const fingers = new Pinch((from, to, factor) => {
    const { view } = stage;
    view.set(view.zoom, view.x + to[0] - from[0], view.y + to[1] - from[1]);
    stage.zoomBy(factor, to);
  });
  /** @type {Drag | null} */
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    stage.pointerType = /** @type {Stage["pointerType"]} */ (event.pointerType || "mouse");
    if (fingers.down(event, placeOf(event))) {
      // A second finger: this is no stroke and no click.
      if (drag?.painting) stage.tool?.cancel();
      drag = null;
      return;
    }
    const panning = canvas.classList.contains("panning");
    const painting = stage.tool !== null && !panning && event.button === 0;
    const { x: left, y: top } = stage.view;
    drag = { painting, moved: false, x: event.clientX, y: event.clientY, left, top };
    if (painting) stage.tool?.down(stage.point(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (fingers.move(event, placeOf(event))) return;
    if (drag && !drag.painting) pan(stage, drag, event);
    else {
      if (drag) paintAlong(stage, event);
      hover(stage, event);
    }
  });
  const release = (/** @type {PointerEvent} */ event) => {
    fingers.up(event);
    const ended = drag;
    drag = null;
    if (ended?.painting) stage.tool?.up(stage.point(event));
    else if (ended && !ended.moved && event.type === "pointerup") pick(stage, event);
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => {
    stage.pointer = null;
    send(stage, "hover", null);
    stage.paint(true);
  });
}

/**
 * @param {Stage} stage
 * @param {Drag} drag
 * @param {PointerEvent} event
 */
function pan(stage, drag, event) {
  const dx = event.clientX - drag.x;
  const dy = event.clientY - drag.y;
  drag.moved ||= Math.hypot(dx, dy) > CLICK_SLOP;
  if (drag.moved) stage.view.set(stage.view.zoom, drag.left + dx, drag.top + dy);
}

/**
 * @param {Stage} stage
 * @param {PointerEvent} event
 */
function paintAlong(stage, event) {
  const parts = event.getCoalescedEvents?.() ?? [];
  for (const part of parts.length ? parts : [event]) stage.tool?.move(stage.point(part));
}

/**
 * @param {Stage} stage
 * @param {PointerEvent} event
 */
function hover(stage, event) {
  stage.pointer = stage.point(event);
  send(stage, "hover", stage.covers(stage.pointer) ? floor(stage.pointer) : null);
  if (stage.tool) stage.paint(true);
}

/**
 * @param {Stage} stage
 * @param {PointerEvent} event
 */
function pick(stage, event) {
  const point = stage.point(event);
  if (stage.covers(point)) send(stage, "pick", { at: floor(point), point });
}

/** @param {Stage} stage */
function listenKeys(stage) {
  const { canvas } = stage;
  canvas.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    const zooms = zoomKey(stage, event.key);
    if (event.altKey || event.metaKey || (event.ctrlKey && !zooms)) return;
    if (zooms) {
      event.preventDefault();
      zooms();
    } else if (arrow) {
      event.preventDefault();
      send(
        stage,
        "step",
        arrow.map((d) => d * (event.shiftKey ? 10 : 1)),
      );
    } else if (event.key === " ") {
      event.preventDefault();
      canvas.classList.add("panning");
    } else if (event.key === "Enter") send(stage, "enter", null);
  });
  canvas.addEventListener("keyup", (event) => {
    if (event.key === " ") canvas.classList.remove("panning");
  });
}

/**
 * What a key does to the zoom, with or without Ctrl.
 * @param {Stage} stage
 * @param {string} key
 */
function zoomKey(stage, key) {
  if (key === "+" || key === "=") return () => stage.zoomBy(1.25);
  if (key === "-") return () => stage.zoomBy(0.8);
  if (key === "0") return () => stage.fit();
  return null;
}
