// The full-size picture: zoom, pan, cursor, overlays. World coordinates are spels of the image.

import { cell, planeCanvas, rgbCanvas, scaleFor } from "./colors.js";
import { clamp, h, icon, t, tight } from "./core.js";

/** Zoom and place, shared by stages that move together. */
export class View extends EventTarget {
  constructor() {
    super();
    this.zoom = 0;
    this.x = 0;
    this.y = 0;
    this.fitted = true;
  }
  set(zoom, x, y, fitted = false) {
    Object.assign(this, { zoom, x, y, fitted });
    this.dispatchEvent(new Event("change"));
  }
}

export class Stage extends HTMLElement {
  view = new View();
  size = [1, 1];
  painters = [];
  tool = null;
  cursor = null;
  outline = null;
  label = "";
  #base = null;
  #plane = null;
  #top = null;
  #drag = null;
  #space = false;
  #pending = 0;
  #stale = true;

  connectedCallback() {
    if (!this.canvas) {
      this.canvas = document.createElement("canvas");
      this.canvas.tabIndex = 0;
      this.canvas.setAttribute("role", "application");
      this.canvas.setAttribute("aria-roledescription", t("stage.role"));
      this.live = document.createElement("p");
      this.live.className = "hidden";
      this.live.setAttribute("aria-live", "polite");
      // Marks have a canvas of their own: moving the cursor does not draw the picture again.
      this.marks = document.createElement("canvas");
      this.marks.setAttribute("aria-hidden", "true");
      this.marks.className = "marks";
      this.append(this.canvas, this.marks, this.live);
      this.pen = this.canvas.getContext("2d");
      this.over = this.marks.getContext("2d");
      this.#listen();
    }
    this.relabel();
    this.watcher = new ResizeObserver(() => this.#resized());
    this.watcher.observe(this);
    this.changed = () => this.paint();
    this.view.addEventListener("change", this.changed);
  }
  disconnectedCallback() {
    this.watcher.disconnect();
    this.view.removeEventListener("change", this.changed);
  }
  relabel() {
    this.canvas.setAttribute("aria-label", this.label || t("stage.label"));
  }

  share(view) {
    this.view.removeEventListener("change", this.changed);
    this.view = view;
    view.addEventListener("change", this.changed);
    this.paint();
  }

  // -- what is shown -----------------------------------------------------------------------------

  /** The image as it looks. */
  setImage(picture) {
    const known = this.size[0] === picture.rows && this.size[1] === picture.cols;
    this.size = [picture.rows, picture.cols];
    this.#base = { canvas: (picture.canvas ??= rgbCanvas(picture)), scale: [1, 1], offset: [0, 0] };
    if (!known || !this.view.zoom) this.fit();
    else this.paint();
  }
  /** A plane of numbers instead of the image; null shows the image again. */
  setPlane(plane, place = {}, map = "auto", range = null) {
    if (!plane) {
      this.#plane = null;
      this.paint();
      return;
    }
    const scale = range ?? scaleFor(plane.low, plane.high, map);
    const key = `${scale.kind}/${scale.low}/${scale.high}`;
    if (plane.painted?.key !== key) plane.painted = { key, canvas: planeCanvas(plane, scale) };
    this.#plane = {
      plane,
      colors: scale,
      canvas: plane.painted.canvas,
      grain: plane.grain ?? 1,
      scale: place.scale ?? [1, 1],
      offset: place.offset ?? [0, 0],
    };
    this.paint();
  }
  /** A canvas over the picture, with an opacity. */
  setTop(canvas, place = {}, alpha = 1) {
    this.#top = canvas
      ? { canvas, alpha, scale: place.scale ?? [1, 1], offset: place.offset ?? [0, 0] }
      : null;
    this.paint();
  }
  get colors() {
    return this.#plane?.colors ?? null;
  }
  get plane() {
    return this.#plane?.plane ?? null;
  }

  fit() {
    const { clientWidth: w, clientHeight: hgt } = this;
    if (!w || !hgt) return;
    const zoom = Math.min((w - 16) / this.size[1], (hgt - 16) / this.size[0]);
    this.view.set(zoom, (w - this.size[1] * zoom) / 2, (hgt - this.size[0] * zoom) / 2, true);
  }
  zoomBy(factor, at = [this.clientWidth / 2, this.clientHeight / 2]) {
    const { zoom, x, y } = this.view,
      next = clamp(zoom * factor, 0.05, 120),
      k = next / zoom;
    this.view.set(next, at[0] - (at[0] - x) * k, at[1] - (at[1] - y) * k);
  }
  /** Show a place (row, col) at a zoom, in the middle. */
  show(row, col, zoom = this.view.zoom) {
    this.view.set(
      zoom,
      this.clientWidth / 2 - (col + 0.5) * zoom,
      this.clientHeight / 2 - (row + 0.5) * zoom,
    );
  }

  #resized() {
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(this.clientWidth * ratio));
    this.canvas.height = Math.max(1, Math.round(this.clientHeight * ratio));
    this.marks.width = this.canvas.width;
    this.marks.height = this.canvas.height;
    if (this.view.fitted || !this.view.zoom) this.fit();
    else this.paint();
    this.#stale = true;
    this.#draw();
  }

  // -- painting ----------------------------------------------------------------------------------

  /** Draw again at the next frame: all, or the marks alone. */
  paint(marksOnly = false) {
    if (!marksOnly) this.#stale = true;
    this.#pending ||= requestAnimationFrame(() => {
      this.#pending = 0;
      this.#draw();
    });
  }

  #draw() {
    const { pen, over, canvas } = this,
      { zoom, x, y } = this.view,
      ratio = devicePixelRatio || 1;
    if (!zoom) return;
    const start = (one) => {
      one.setTransform(1, 0, 0, 1, 0, 0);
      one.clearRect(0, 0, canvas.width, canvas.height);
      one.setTransform(ratio * zoom, 0, 0, ratio * zoom, ratio * x, ratio * y);
    };
    if (this.#stale) {
      this.#stale = false;
      start(pen);
      const shown = this.#plane ?? this.#base;
      if (shown) this.#put(shown, 1);
      if (this.#top) this.#put(this.#top, this.#top.alpha);
      this.#grid();
    }
    start(over);
    for (const painter of this.painters) {
      over.save();
      painter(over, zoom);
      over.restore();
    }
    this.#crosshair();
  }
  #put({ canvas, scale, offset, grain = 1 }, alpha) {
    const { pen } = this;
    pen.imageSmoothingEnabled = this.view.zoom * scale[1] < 1;
    pen.globalAlpha = alpha;
    pen.drawImage(
      canvas,
      offset[1],
      offset[0],
      canvas.width * scale[1] * grain,
      canvas.height * scale[0] * grain,
    );
    pen.globalAlpha = 1;
  }
  /** Lines between spels from 12 screen points on, numbers from 34 on. */
  #grid() {
    const { pen } = this,
      { zoom, x, y } = this.view,
      shown = this.#plane ?? this.#base;
    const [sr, sc] = shown?.scale ?? [1, 1],
      [or, oc] = shown?.offset ?? [0, 0];
    if (zoom * sc < 12 || !shown) return;
    const rows = shown.canvas.height,
      cols = shown.canvas.width;
    const r0 = clamp(Math.floor((-y / zoom - or) / sr), 0, rows),
      r1 = clamp(Math.ceil(((this.clientHeight - y) / zoom - or) / sr), 0, rows);
    const c0 = clamp(Math.floor((-x / zoom - oc) / sc), 0, cols),
      c1 = clamp(Math.ceil(((this.clientWidth - x) / zoom - oc) / sc), 0, cols);
    pen.lineWidth = 1 / zoom;
    pen.strokeStyle = "rgb(128 128 128 / 0.35)";
    pen.beginPath();
    for (let r = r0; r <= r1; r++) {
      pen.moveTo(oc + c0 * sc, or + r * sr);
      pen.lineTo(oc + c1 * sc, or + r * sr);
    }
    for (let c = c0; c <= c1; c++) {
      pen.moveTo(oc + c * sc, or + r0 * sr);
      pen.lineTo(oc + c * sc, or + r1 * sr);
    }
    pen.stroke();
    if (zoom * sc < 34 || !this.#plane) return;
    const { data } = this.#plane.plane;
    pen.font = `${0.27 * sc}px ui-monospace, monospace`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (let r = r0; r < r1; r++)
      for (let c = c0; c < c1; c++) {
        const value = data[r * cols + c];
        pen.fillStyle = cell(value, this.#plane.colors).color;
        pen.fillText(tight(value, 6), oc + (c + 0.5) * sc, or + (r + 0.5) * sr);
      }
  }
  #crosshair() {
    if (!this.cursor) return;
    const pen = this.over,
      { zoom } = this.view,
      [row, col] = this.cursor;
    const {
      scale: [sr, sc],
      offset: [or, oc],
    } = this.#plane ?? { scale: [1, 1], offset: [0, 0] };
    const line = (width, color, draw) => {
      pen.lineWidth = width / zoom;
      pen.strokeStyle = color;
      pen.beginPath();
      draw();
      pen.stroke();
    };
    const box = (r0, c0, r1, c1) => () => pen.rect(c0, r0, c1 - c0, r1 - r0);
    const one = box(or + row * sr, oc + col * sc, or + (row + 1) * sr, oc + (col + 1) * sc);
    if (this.outline) {
      const around = box(...this.outline);
      line(3, "rgb(0 0 0 / 0.75)", around);
      line(1.5, "#ffd23f", around);
    } else {
      const r = or + (row + 0.5) * sr,
        c = oc + (col + 0.5) * sc,
        gap = 7 / zoom,
        arm = 15 / zoom;
      const cross = () => {
        for (const [dr, dc] of [
          [0, 1],
          [0, -1],
          [1, 0],
          [-1, 0],
        ]) {
          pen.moveTo(c + dc * gap, r + dr * gap);
          pen.lineTo(c + dc * arm, r + dr * arm);
        }
      };
      line(3.5, "rgb(0 0 0 / 0.75)", cross);
      line(1.5, "#ffd23f", cross);
    }
    line(3, "rgb(0 0 0 / 0.75)", one);
    line(1.5, "#ffffff", one);
  }

  // -- pointer and keys --------------------------------------------------------------------------

  /** Where an event points: (row, col) of the image, with fractions. */
  point(event) {
    const box = this.canvas.getBoundingClientRect(),
      { zoom, x, y } = this.view;
    return [(event.clientY - box.top - y) / zoom, (event.clientX - box.left - x) / zoom];
  }
  #inside([row, col]) {
    return row >= 0 && col >= 0 && row < this.size[0] && col < this.size[1];
  }
  #send(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #listen() {
    const { canvas } = this;
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const box = canvas.getBoundingClientRect();
        this.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), [
          event.clientX - box.left,
          event.clientY - box.top,
        ]);
      },
      { passive: false },
    );
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      const painting = this.tool && !this.#space && event.button === 0;
      this.#drag = {
        painting,
        x: event.clientX,
        y: event.clientY,
        moved: false,
        view: { ...this.view },
        vx: this.view.x,
        vy: this.view.y,
      };
      if (painting) this.tool.down(this.point(event), event);
    });
    canvas.addEventListener("pointermove", (event) => {
      const drag = this.#drag,
        at = this.point(event);
      if (drag?.painting) {
        for (const part of event.getCoalescedEvents?.().length
          ? event.getCoalescedEvents()
          : [event])
          this.tool.move(this.point(part), part);
      } else if (drag) {
        const dx = event.clientX - drag.x,
          dy = event.clientY - drag.y;
        drag.moved ||= Math.hypot(dx, dy) > 4;
        if (drag.moved) this.view.set(this.view.zoom, drag.vx + dx, drag.vy + dy);
        return;
      }
      this.pointer = at;
      this.#send("hover", this.#inside(at) ? at.map(Math.floor) : null);
      if (this.tool) this.paint(true);
    });
    const up = (event) => {
      const drag = this.#drag;
      this.#drag = null;
      if (!drag) return;
      if (drag.painting) this.tool?.up(this.point(event), event);
      else if (!drag.moved && event.type === "pointerup") {
        const at = this.point(event);
        if (this.#inside(at)) this.#send("pick", { at: at.map(Math.floor), point: at });
      }
    };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("pointerleave", () => {
      this.pointer = null;
      this.#send("hover", null);
      this.paint(true);
    });
    canvas.addEventListener("dblclick", () => {
      if (!this.tool) this.fit();
    });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("keyup", (event) => {
      if (event.key === " ") {
        this.#space = false;
        canvas.classList.remove("panning");
      }
    });
  }
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      if (event.ctrlKey && (event.key === "=" || event.key === "+")) {
        event.preventDefault();
        this.zoomBy(1.25);
      }
      if (event.ctrlKey && event.key === "-") {
        event.preventDefault();
        this.zoomBy(0.8);
      }
      if (event.ctrlKey && event.key === "0") {
        event.preventDefault();
        this.fit();
      }
      return;
    }
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (event.key in steps) {
      event.preventDefault();
      this.#send(
        "step",
        steps[event.key].map((d) => d * (event.shiftKey ? 10 : 1)),
      );
    } else if (event.key === "+" || event.key === "=") this.zoomBy(1.25);
    else if (event.key === "-") this.zoomBy(0.8);
    else if (event.key === "0") this.fit();
    else if (event.key === " ") {
      event.preventDefault();
      this.#space = true;
      canvas_pan(this.canvas);
    } else if (event.key === "Enter") this.#send("enter", null);
  }
  /** Words for those who do not see the picture. */
  speak(text) {
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => {
      this.live.textContent = text;
    }, 350);
  }
}
const canvas_pan = (canvas) => canvas.classList.add("panning");
customElements.define("spel-stage", Stage);

/** Buttons that zoom, for pens and fingers. */
export function zoomers(stage) {
  const one = (label, then, shown) =>
    h("button.mini", { onclick: then, "aria-label": t(label), title: t(label) }, shown);
  return [
    one("stage.out", () => stage.zoomBy(0.8), "−"),
    one("stage.in", () => stage.zoomBy(1.25), "+"),
    one("stage.fit", () => stage.fit(), icon("fit")),
  ];
}

/** A painter of boxes: [x0, y0, x1, y1] each. */
export function boxPainter(
  boxes,
  { color = "#ffd23f", dash = [], label = null, selected = -1, width = 2 } = {},
) {
  return (pen, zoom) => {
    boxes.forEach(([x0, y0, x1, y1], i) => {
      pen.setLineDash([]);
      pen.lineWidth = (width + (i === selected ? 3.5 : 2)) / zoom;
      pen.strokeStyle = "rgb(0 0 0 / 0.7)";
      pen.strokeRect(x0, y0, x1 - x0, y1 - y0);
      pen.setLineDash(dash.map((d) => d / zoom));
      pen.lineWidth = (width + (i === selected ? 1.5 : 0)) / zoom;
      pen.strokeStyle = typeof color === "function" ? color(i) : color;
      pen.strokeRect(x0, y0, x1 - x0, y1 - y0);
      const text = label?.(i);
      if (!text) return;
      const size = 12 / zoom;
      pen.font = `600 ${size}px system-ui, sans-serif`;
      const wide = pen.measureText(text).width + 8 / zoom;
      pen.fillStyle = typeof color === "function" ? color(i) : color;
      pen.fillRect(x0, y0 - 17 / zoom, wide, 17 / zoom);
      pen.fillStyle = "#000";
      pen.textBaseline = "middle";
      pen.fillText(text, x0 + 4 / zoom, y0 - 8.5 / zoom);
    });
  };
}
