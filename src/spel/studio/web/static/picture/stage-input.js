// @ts-check
// Pointer, wheel and keys of a stage.

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
  const fingers = new Fingers(stage);
  /** @type {Drag | null} */
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    stage.pointerType = /** @type {Stage["pointerType"]} */ (event.pointerType || "mouse");
    if (fingers.down(event)) {
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
    if (fingers.move(event)) return;
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

/** Two fingers move and zoom the picture. */
class Fingers {
  /** Where each finger is on the screen. @type {Map<number, Place>} */
  places = new Map();

  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
  }

  /**
   * @param {PointerEvent} event
   * @returns {boolean} whether there are two fingers now
   */
  down(event) {
    if (event.pointerType !== "touch") return false;
    this.places.set(event.pointerId, [event.clientX, event.clientY]);
    return this.places.size > 1;
  }

  /**
   * @param {PointerEvent} event
   * @returns {boolean} whether it was a move of two fingers
   */
  move(event) {
    if (this.places.size < 2 || !this.places.has(event.pointerId)) return false;
    const before = this.pinch();
    this.places.set(event.pointerId, [event.clientX, event.clientY]);
    const after = this.pinch();
    const { view } = this.stage;
    view.set(view.zoom, view.x + after.x - before.x, view.y + after.y - before.y);
    this.stage.zoomBy(after.spread / before.spread, [after.x, after.y]);
    return true;
  }

  /** @param {PointerEvent} event */
  up(event) {
    this.places.delete(event.pointerId);
  }

  /** The middle of two fingers on the stage, and how far they are apart. */
  pinch() {
    const [[x0, y0] = [0, 0], [x1, y1] = [0, 0]] = [...this.places.values()];
    const box = this.stage.canvas.getBoundingClientRect();
    const spread = Math.max(1, Math.hypot(x1 - x0, y1 - y0));
    return { x: (x0 + x1) / 2 - box.left, y: (y0 + y1) / 2 - box.top, spread };
  }
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
