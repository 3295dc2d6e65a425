// @ts-check
// Detect: the decision live, boxes while a slider moves, why a box is there, precision and recall.

import { radio } from "../../base/controls.js";
import { create, h, patch } from "../../base/dom.js";
import { latest } from "../../base/latest.js";
import { Part } from "../../base/part.js";
import { say, sayProblem } from "../../base/toasts.js";
import { t } from "../../base/words.js";
import { act } from "../../commands.js";
import { boxPainter } from "../../picture/boxes.js";
import { showCurrentImage } from "../../picture/current.js";
import { currentLabels, labelCanvas, tellsClasses, trueMaskCanvas } from "../../picture/labels.js";
import { newStage, zoomers } from "../../picture/stage.js";
import { mask, plane, trueMask } from "../../server/arrays.js";
import { get, post, RequestError } from "../../server/api.js";
import { bus, network, output, reportImage, sayOfImage, state } from "../../store.js";
import { runTask } from "../../tasks.js";
import { drawReasons, maskCanvas } from "./draw.js";
import { classesForm, decisionForm, noSaliency, windowsForm } from "./form.js";
import { boxAt, changed, choices, colorOf, decisionOf } from "./model.js";
import { labelOf, needsNoSaliency, slides, statusOf, truth } from "./model.js";
import { boxList, judgedPanel, objectsPanel, whyPanel } from "./panels.js";

/** @import { Boxes, Decision, Judged, Labels, Place, Plane, Reasons } from "../../server/types.js" */
/** @import { SizedObjects, Step } from "../../server/types.js" */
/** @import { Painter } from "../../picture/boxes.js" */

/** Opacity of the label image. */
const LABELS = 0.5;

class DetectPage extends Part {
  /** The network whose decision this is. */
  network = "";
  /** The network's decision, or one that is tried. @type {Decision} */
  decision = {};
  dragging = false;
  /** @type {Plane | null} */
  saliency = null;
  /** The saliency of the last run. @type {Plane | null} */
  lastSaliency = null;
  /** The classes of the spels, if the network tells them apart. @type {Labels | null} */
  labels = null;
  /** The mask that is cut by colours, if the network cuts it. @type {Plane | null} */
  cut = null;
  /** Where the saliency lies on the image. @type {Step | undefined} */
  place;
  /** @type {Boxes | null} */
  detected = null;
  /** The chosen box, or -1. */
  selected = -1;
  /** @type {Reasons | null} */
  reasons = null;
  /** @type {Painter[]} */
  boxPainters = [];
  stage = newStage();
  tools = create(h("div.stage-tools", { role: "toolbar" }));
  status = create(h("p.status", { role: "status" }));
  form = create(h("div"));
  why = create(h("section.why", { "aria-live": "polite" }));
  /** Objects of the learned size. @type {SizedObjects | null} */
  sized = null;
  objects = create(h("section"));
  judged = create(h("section"));
  ask = latest(() => this.askBoxes());

  build() {
    this.className = "page";
    this.furnish();
    this.stage.painters = [(pen, zoom) => this.paint(pen, zoom)];
    this.on(this.stage, "pick", ({ detail }) => this.open(this.boxUnder(detail.point)));
    this.on(this.stage, "hover", ({ detail }) => {
      const over = detail !== null && this.boxUnder(detail) >= 0;
      this.stage.canvas.style.cursor = over ? "pointer" : "";
    });
    this.on(bus, "image run", () => this.load());
    this.on(bus, "task", () => this.redrawPanels());
    this.on(bus, "document", () => this.adopt());
    this.on(bus, "select", () => this.follow());
    this.on(bus, "language", () => {
      this.furnish();
      this.redraw();
    });
    this.adopt();
    this.load();
  }

  furnish() {
    this.tools.setAttribute("aria-label", t("stage.tools"));
    this.why.setAttribute("aria-label", t("detect.why"));
    this.objects.setAttribute("aria-label", t("detect.objects"));
    this.judged.setAttribute("aria-label", t("detect.all"));
    const center = h(
      "section.center.rows",
      { "aria-label": t("stage.label") },
      this.tools,
      h("div.stages", {}, this.stage),
      h("footer.stage-foot", {}, this.status),
    );
    const label = { "aria-label": t("detect.title") };
    const side = h("aside.panel", label, this.form, this.why, this.objects, this.judged);
    patch(this, h("div.workbench.two", {}, center, side));
  }

  /** Take the network's own decision, unless a drag is under way. */
  adopt() {
    if (!this.dragging) this.decision = decisionOf(network());
    this.network = state.network;
    this.redraw();
    this.ask();
    if (this.saliency) this.askCut();
  }

  /** Another network brings its own decision, and what was said of the last one is gone. */
  follow() {
    if (this.network === state.network) return;
    this.dragging = false;
    this.forget();
    patch(this.judged, null);
    this.adopt();
  }

  async load() {
    const { image, network: name } = state;
    const base = await showCurrentImage(this.stage);
    const last = output();
    if (image !== state.image) return;
    this.forget();
    if (base && last?.id && last.shape.length === 3 && last.shape[2] === 1) {
      const top = await plane(last.id, 0);
      if (output()?.id !== last.id || image !== state.image || name !== state.network) return;
      this.saliency = top;
      this.lastSaliency = top;
      this.place = last;
    }
    const labels = base ? await currentLabels().catch(() => null) : null;
    const sized = base && network()?.sized ? await get("objects", { network: name, image }) : null;
    if (image === state.image && name === state.network) {
      this.labels = labels;
      this.sized = sized;
    }
    this.redraw();
    await Promise.all([this.ask(), this.askCut()]);
  }

  /** The mask that is cut by the colours of the image. */
  async askCut() {
    const { network: name, image } = state;
    const last = output();
    const id = `${last?.id}/${network()?.decision.threshold}`;
    if (!network()?.cut || !last?.id || id === this.cut?.id) return;
    this.cut = null;
    try {
      const cut = await mask(id, { network: name, image });
      if (output()?.id !== last.id || image !== state.image || name !== state.network) return;
      this.cut = cut;
      this.showLayers(this.detected?.threshold ?? undefined);
    } catch (problem) {
      sayOfImage(image, problem);
    }
  }

  /** Nothing of another image or run may stay on the picture. */
  forget() {
    this.saliency = null;
    this.cut = null;
    this.labels = null;
    this.sized = null;
    this.detected = null;
    this.selected = -1;
    this.reasons = null;
    this.boxPainters = [];
    this.stage.setTop(null);
  }

  redraw() {
    this.redrawTools();
    this.redrawPanels();
    this.showLayers(this.detected?.threshold ?? undefined);
  }

  redrawTools() {
    const names = /** @type {Array<typeof choices.show>} */ (["image", "saliency", "mask"]);
    if (state.doc.masks[state.image]) names.push("truth");
    else if (choices.show === "truth") choices.show = "mask";
    const shown = names.map((name) => /** @type {const} */ ([name, t(`detect.show.${name}`)]));
    const pick = (/** @type {typeof choices.show} */ show) => {
      choices.show = show;
      this.redraw();
    };
    const show = radio(t("detect.show"), shown, choices.show, pick);
    patch(this.tools, show, h("span.spread"), zoomers(this.stage));
  }

  redrawPanels() {
    const { detected, decision } = this;
    // Until the run of another image is here the form stays, without numbers.
    const saliency = this.saliency ?? (state.run ? null : this.lastSaliency);
    const view = {
      decision,
      detected,
      size: this.stage.size,
      set: (/** @type {Decision} */ change) => this.set(change),
      drag: (/** @type {Decision} */ change) => this.drag(change),
      rest: () => this.commit(),
      judge: () => this.judge(),
    };
    if (slides()) patch(this.form, windowsForm(view));
    else if (tellsClasses()) patch(this.form, classesForm(view, this.labels));
    else patch(this.form, saliency ? decisionForm({ ...view, saliency }) : noSaliency());
    const why = this.reasons
      ? whyPanel(this.reasons)
      : boxList(detected, (index) => this.open(index));
    patch(this.why, saliency || needsNoSaliency() ? why : null);
    patch(
      this.objects,
      objectsPanel(this.sized, (rate) =>
        act({ do: "set_false_alarms", network: state.network, rate }),
      ),
    );
    this.status.textContent = statusOf(detected);
  }

  /**
   * The picture, the saliency, or the mask over the picture.
   * @param {number | undefined} threshold
   */
  showLayers(threshold) {
    const { saliency, stage, place } = this;
    if (choices.show === "truth") {
      this.showTruth();
      return;
    }
    stage.setPlane(choices.show === "saliency" ? saliency : null, place);
    const masked = choices.show === "mask" && saliency && threshold !== undefined;
    if (masked && this.cut && !this.dragging) stage.setTop(maskCanvas(this.cut, 0.5));
    else if (masked) stage.setTop(maskCanvas(saliency, threshold), place);
    else if (this.labels && choices.show === "mask") {
      stage.setTop(labelCanvas(this.labels), this.labels, LABELS);
    } else stage.setTop(null);
  }

  async showTruth() {
    const { image } = state;
    const name = state.doc.masks[image];
    this.stage.setPlane(null);
    const truthMask = name ? await trueMask(image, name) : null;
    if (truthMask && image === state.image && choices.show === "truth") {
      this.stage.setTop(trueMaskCanvas(truthMask), undefined, LABELS);
    }
  }

  // -- boxes -------------------------------------------------------------------------------------

  async askBoxes() {
    if (!this.saliency && !needsNoSaliency()) return;
    const query = { network: state.network, image: state.image, decision: this.decision };
    try {
      const detected = await post("boxes", query);
      if (query.image !== state.image || query.network !== state.network) return;
      if (!this.saliency && !needsNoSaliency()) return;
      this.detected = detected;
    } catch (problem) {
      if (!(problem instanceof RequestError) || problem.status !== 422) sayProblem(problem);
      else this.status.textContent = problem.message;
      return;
    }
    if (this.selected >= (this.detected?.count ?? 0)) this.deselect();
    this.layBoxes();
    this.redraw();
    performance.mark("spel-boxes");
    this.dispatchEvent(new Event("boxes", { bubbles: true }));
  }

  layBoxes() {
    const { detected, selected } = this;
    if (!detected) return;
    const { boxes, matched, classes } = detected;
    const color = (/** @type {number} */ i) => {
      if (!matched) return colorOf(classes[i]);
      return matched[i] ? "#3dff9a" : "#ff8fa3";
    };
    this.boxPainters = [
      boxPainter(truth(), { color: "#7cc4ff", dash: [6, 4], width: 1.5 }),
      boxPainter(boxes, { color, selected, label: labelOf(detected, selected) }),
    ];
    this.stage.paint(true);
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {number} zoom
   */
  paint(pen, zoom) {
    for (const painter of this.boxPainters) painter(pen, zoom);
    if (this.reasons) drawReasons(pen, zoom, this.reasons);
  }

  /** @param {Place} place */
  boxUnder(place) {
    return boxAt(this.detected?.boxes ?? [], place);
  }

  deselect() {
    this.selected = -1;
    this.reasons = null;
  }

  /**
   * Say why a box is there.
   * @param {number} index of the box, or -1
   */
  async open(index) {
    this.deselect();
    this.selected = index;
    this.layBoxes();
    this.redrawPanels();
    if (index < 0) return;
    const { network: name, image } = state;
    try {
      const query = { network: name, image, index, decision: this.decision };
      const reasons = await post("why", query);
      if (this.selected !== index || image !== state.image || name !== state.network) return;
      this.reasons = reasons;
    } catch (problem) {
      sayProblem(problem);
    }
    this.redrawPanels();
    this.stage.paint(true);
  }

  async judge() {
    const { network: name } = state;
    const task = await runTask("judge", { network: name, decision: this.decision });
    if (task?.state !== "done" || name !== state.network) return;
    const judged = /** @type {Judged} */ (/** @type {unknown} */ (task.result));
    for (const { image, problem } of [...judged.failed, ...(judged.masks.failed ?? [])])
      reportImage(image, problem);
    for (const name of judged.masks.lost ?? [])
      say(t("refused.mask_lost", { image: name }), "error");
    patch(this.judged, judgedPanel(judged));
  }

  // -- the decision ------------------------------------------------------------------------------

  /** @param {Decision} change */
  drag(change) {
    this.dragging = true;
    this.decision = changed(this.decision, change);
    if (typeof change.threshold === "number") this.showLayers(change.threshold);
    this.ask();
  }

  /** @param {Decision} change */
  set(change) {
    this.decision = changed(this.decision, change);
    this.commit();
  }

  commit() {
    this.dragging = false;
    act({ do: "set_decision", network: state.network, decision: this.decision });
  }
}
customElements.define("page-detect", DetectPage);
