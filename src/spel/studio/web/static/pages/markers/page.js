// @ts-check
// Markers: draw strokes on images; they are saved at once and can be undone one by one.

import { create, h, patch } from "../../base/dom.js";
import { clamp } from "../../base/numbers.js";
import { Part } from "../../base/part.js";
import { say } from "../../base/toasts.js";
import { hint, t } from "../../base/words.js";
import { act, refusal } from "../../commands.js";
import { learn, learnLive } from "../../learn.js";
import { boxPainter } from "../../picture/boxes.js";
import { veilCanvas } from "../../picture/colors.js";
import { showCurrentImage } from "../../picture/current.js";
import { Ink } from "../../picture/ink.js";
import { currentLabels, labelCanvas, tellsClasses, trueMaskCanvas } from "../../picture/labels.js";
import { newStage } from "../../picture/stage.js";
import { plane, trueMask } from "../../server/arrays.js";
import { bus, output, state } from "../../store.js";
import { advice, checkStroke, lookNext } from "./advice.js";
import { BoxTool } from "./boxes.js";
import * as draw from "./draw.js";
import {
  choices,
  extendStroke,
  inkOf,
  newStroke,
  savedStrokes,
  scaleRadius,
  swapLabel,
  TOOLS,
} from "./model.js";
import { markerPanel } from "./panel.js";
import { markerTools } from "./tools.js";

/** @import { Labels, Place, Stroke } from "../../server/types.js" */
/** @import { Tool } from "../../picture/stage.js" */
/** @import { ToolName } from "./model.js" */

const RETRY_MS = 2000;

class MarkersPage extends Part {
  stage = newStage();
  /** @type {Ink | null} */
  ink = null;
  /** The stroke under the pointer. @type {Stroke | null} */
  current = null;
  /** Strokes that the server has not confirmed yet, by image. @type {Array<Stroke & { image: string }>} */
  waiting = [];
  /** What the network says of each spel, if it tells classes apart. @type {Labels | null} */
  labels = null;
  /** Whether a stroke or a box is drawn by keys. */
  held = false;
  boxes = new BoxTool(this.stage, () => this.redrawPanels());
  tools = create(h("div.stage-tools", { role: "toolbar" }));
  status = create(h("p.status"));
  panel = create(h("aside.panel"));

  build() {
    this.className = "page";
    this.stage.painters = [(pen, zoom) => this.paintInk(pen, zoom)];
    this.furnish();
    this.on(this.stage, "hover", ({ detail }) => this.tell(detail));
    this.on(this.stage, "step", ({ detail }) => this.moveCursor(detail));
    this.on(this.stage, "enter", () => this.hold());
    this.on(bus, "image", () => {
      this.letGo();
      this.boxes.chosen = -1;
      this.load();
    });
    this.on(bus, "document task", () => this.redraw());
    this.on(bus, "document", () => this.showTruth());
    this.on(bus, "run", () => {
      this.overlay();
      this.look();
    });
    this.on(bus, "language", () => {
      this.furnish();
      this.redraw();
    });
    this.on(window, "keydown", (event) => this.key(event));
    this.load();
  }

  furnish() {
    this.stage.label = t("markers.canvas");
    this.tools.setAttribute("aria-label", t("markers.tools"));
    this.panel.setAttribute("aria-label", t("markers.classes"));
    this.tell(null);
    const center = h(
      "section.center.rows",
      { "aria-label": t("markers.canvas") },
      this.tools,
      h("div.stages", {}, this.stage),
      h("footer.stage-foot", {}, this.status),
    );
    patch(this, h("div.workbench.two", {}, center, this.panel));
  }

  /** @param {Place | null} place */
  tell(place) {
    const where = place ? t("inspector.at", { row: place[0], col: place[1] }) : "";
    const words = this.held ? t("markers.held") : hint("stage.hint.draw");
    this.status.textContent = this.held && place ? `${where} · ${words}` : where || words;
  }

  async load() {
    const { image: id } = state;
    const image = await showCurrentImage(this.stage);
    if (id !== state.image) return;
    if (!image) {
      this.ink = null;
      this.redrawPanels();
      return;
    }
    this.ink = new Ink(image.rows, image.cols, image.reduced);
    this.redraw();
    this.overlay();
  }

  redraw() {
    if (!this.ink || this.current) return;
    const waiting = this.waiting.filter((s) => s.image === state.image);
    this.ink.redraw([...savedStrokes(), ...waiting], state.doc.classes);
    this.stage.paint(true);
    this.redrawPanels();
  }

  redrawPanels() {
    const changed = () => {
      this.stage.paint(true);
      this.redrawPanels();
    };
    const overlayChanged = () => {
      this.overlay();
      this.redrawPanels();
    };
    const relabel = (/** @type {number} */ label) => {
      if (choices.tool === "box") this.boxes.relabel(label);
    };
    const learnAll = async () => {
      if (await learn()) choices.over = "saliency";
      overlayChanged();
    };
    patch(this.tools, markerTools({ changed, relabel, learn: learnAll }));
    const look = () => this.look();
    const actions = { changed, overlayChanged, look, boxes: this.boxes, labels: this.labels };
    patch(this.panel, markerPanel(this.ink?.count ?? 0, actions));
    this.stage.tool = this.drawingTool();
  }

  /** @returns {Tool | null} */
  drawingTool() {
    if (choices.tool === "move") return null;
    if (choices.tool === "box") return this.boxes;
    return {
      down: (point) => this.down(point),
      move: (point) => this.move(point),
      up: () => this.up(),
      cancel: () => this.cancel(),
    };
  }

  /** Show where the network wavers, if the user wants to know. */
  async look() {
    await lookNext();
    if (!this.isConnected) return;
    this.stage.paint(true);
    this.redrawPanels();
  }

  /** The true mask of the image, if it is to lie over the picture. */
  get maskName() {
    return choices.over === "truth" ? state.doc.masks[state.image] : undefined;
  }

  /** The mask that lies over the picture. */
  shownMask = "";

  /** Another true mask over the picture, or none any more. */
  showTruth() {
    if ((this.maskName ?? "") !== this.shownMask) this.overlay();
  }

  /** The true mask or the last step's saliency over the picture. */
  async overlay() {
    const last = output();
    const wanted = choices.showSaliency && choices.saliency > 0;
    const name = this.maskName;
    this.shownMask = name ?? "";
    if (wanted && name) {
      const mask = await trueMask(state.image, name).catch(() => null);
      if (mask && name === this.maskName) {
        this.stage.setTop(trueMaskCanvas(mask), undefined, choices.saliency);
      }
      return;
    }
    this.labels = tellsClasses() ? await currentLabels().catch(() => null) : null;
    if (wanted && this.labels) {
      this.stage.setTop(labelCanvas(this.labels), this.labels, choices.saliency);
      this.redrawPanels();
      return;
    }
    if (!wanted || !last?.id || last.shape.length !== 3 || last.shape[2] !== 1) {
      this.stage.setTop(null);
      return;
    }
    const top = await plane(last.id, 0);
    if (output()?.id !== last.id) return;
    top.map ??= veilCanvas(top);
    this.stage.setTop(top.map, last, choices.saliency);
  }

  // -- drawing -----------------------------------------------------------------------------------

  /** @param {Place} point */
  down(point) {
    if (!this.ink) return;
    const stroke = newStroke(point);
    this.current = stroke;
    if (stroke.tool === "brush" || stroke.tool === "erase") {
      this.ink.extend(point, point, stroke.radius, inkOf(stroke));
    }
    this.stage.paint(true);
  }

  /** @param {Place} point */
  move(point) {
    const stroke = this.current;
    if (!stroke) return;
    const from = extendStroke(stroke, point);
    if (from) this.ink?.extend(from, point, stroke.radius, inkOf(stroke));
    this.stage.paint(true);
  }

  up() {
    const stroke = this.current;
    this.current = null;
    if (!stroke) return;
    const waiting = { ...stroke, image: state.image };
    // Until the server has it, the page keeps it: nothing that was drawn is lost.
    this.waiting.push(waiting);
    this.ink?.add(stroke);
    this.stage.paint(true);
    this.send(stroke, state.image);
    performance.mark("spel-ink");
  }

  cancel() {
    this.current = null;
    this.redraw();
  }

  /**
   * @param {Stroke} stroke
   * @param {string} image
   */
  async send(stroke, image) {
    const reply = await act({ do: "add_stroke", image, stroke }, stroke.id);
    // The server was not reached, or another tab was faster: try again. Otherwise it was refused.
    if (!reply && (refusal() === 0 || refusal() === 409)) {
      setTimeout(() => this.send(stroke, image), RETRY_MS);
      return;
    }
    this.waiting = this.waiting.filter((s) => s.id !== stroke.id);
    if (this.isConnected) this.redraw();
    if (reply && choices.live) await this.learnLive(stroke.id);
    if (!reply || !advice.guard) return;
    await checkStroke(image, stroke.id);
    if (this.isConnected) this.redrawPanels();
  }

  /** @param {string} gesture */
  async learnLive(gesture) {
    if ((await learnLive(gesture)) !== false) return;
    choices.live = false;
    say(t("markers.live.slow"));
    if (this.isConnected) this.redrawPanels();
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {number} zoom
   */
  paintInk(pen, zoom) {
    if (!this.ink) return;
    draw.drawInk(pen, this.ink);
    draw.drawLabels(pen, zoom, savedStrokes());
    if (this.current) draw.drawShape(pen, this.current);
    this.boxes.paint(pen, zoom);
    const numbered = (/** @type {number} */ i) => String(i + 1);
    const dotted = { color: "#ffffff", dash: [3, 3], label: numbered, width: 1.5 };
    if (advice.next) boxPainter(advice.regions, dotted)(pen, zoom);
    const { pointer, tool } = this.stage;
    const brush = choices.tool !== "fill" && choices.tool !== "box";
    if (pointer && tool && brush) draw.drawBrush(pen, zoom, pointer);
  }

  // -- keys --------------------------------------------------------------------------------------

  /** @param {Place} by */
  moveCursor(by) {
    const { stage } = this;
    const [rows, cols] = stage.size;
    const [row, col] = stage.cursor ?? [rows >> 1, cols >> 1];
    stage.cursor = [clamp(row + by[0], 0, rows - 1), clamp(col + by[1], 0, cols - 1)];
    if (this.held) this.stage.tool?.move(this.underCursor());
    stage.paint(true);
    stage.speak(t("inspector.at", { row: stage.cursor[0], col: stage.cursor[1] }));
  }

  /** @returns {Place} */
  underCursor() {
    const [row, col] = this.stage.cursor ?? [0, 0];
    return [row + 0.5, col + 0.5];
  }

  /** Enter begins a stroke or takes hold of a box, the arrows draw on, and Enter ends it. */
  hold() {
    const { tool, cursor } = this.stage;
    if (!tool || !cursor) return;
    if (this.held) tool.up(this.underCursor());
    else tool.down(this.underCursor());
    this.held = !this.held;
    this.tell(cursor);
    this.stage.speak(t(this.held ? "markers.held" : "markers.released"));
  }

  /** Nothing is drawn by keys any more. */
  letGo() {
    if (this.held) this.stage.tool?.cancel();
    this.held = false;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.key === "Escape") this.letGo();
    const typing = target.matches?.("input:not([type=range]), select, textarea");
    if (event.ctrlKey || event.metaKey || event.altKey || typing) return;
    if (target.closest?.("dialog")) return;
    if (event.key === "Delete" || event.key === "Backspace") this.boxes.remove(this.boxes.chosen);
    else if (/^(Enter| |Arrow\w+)$/.test(event.key)) return;
    else if (event.key === "v") {
      choices.showSaliency = !choices.showSaliency;
      this.overlay();
    } else if (chooseByKey(event)) {
      this.letGo();
      this.stage.paint(true);
      this.redrawPanels();
    }
  }
}
customElements.define("page-markers", MarkersPage);

/**
 * Tool, class and radius by keys.
 * @param {KeyboardEvent} event
 * @returns {boolean} whether a choice has changed
 */
function chooseByKey(event) {
  const names = /** @type {ToolName[]} */ (Object.keys(TOOLS));
  const tool = names.find((name) => TOOLS[name] === event.key);
  const label = event.shiftKey ? Number(/^Digit(\d)$/.exec(event.code)?.[1] ?? -1) : -1;
  if (tool) choices.tool = tool;
  else if (event.key === "[") scaleRadius(0.8);
  else if (event.key === "]") scaleRadius(1.25);
  else if (event.key === "x") swapLabel();
  else if (state.doc.classes.some((c) => c.label === label)) choices.label = label;
  else return false;
  return true;
}
