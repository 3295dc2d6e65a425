// @ts-check
// Compare two networks on the same image: outputs side by side with one view, facts below.

import { checkbox, labelled, selectField } from "../../base/controls.js";
import { create, h, patch } from "../../base/dom.js";
import { latest } from "../../base/latest.js";
import { Part } from "../../base/part.js";
import { reasonText } from "../../base/reasons.js";
import { t } from "../../base/words.js";
import { boxPainter } from "../../picture/boxes.js";
import { newStage } from "../../picture/stage.js";
import { View } from "../../picture/view.js";
import { get, post } from "../../server/api.js";
import { picture, plane } from "../../server/arrays.js";
import { bus, choose, imageTitle, network, networkTitle, sayOfImage, state } from "../../store.js";
import { difference, factRows, otherNetwork, toUnit } from "./model.js";

/** @import { Boxes, Judged, Picture, Place, Plane, Run, Step } from "../../server/types.js" */

/**
 * All that the page shows.
 * @typedef {object} Comparison
 * @property {string[]} names of the two networks
 * @property {Picture} image
 * @property {Run[]} runs
 * @property {Array<Step | undefined>} ends the last steps
 * @property {Array<Plane | null>} planes their first channels
 * @property {Array<Boxes | null>} boxes
 */

const PANES = /** @type {const} */ (["image", "a", "b", "difference"]);

class ComparePage extends Part {
  view = new View();
  /** Each output is brought to the range from 0 to 1. */
  unit = true;
  /** The first network of the comparison shown. */
  first = "";
  tools = create(h("div.stage-tools", { role: "toolbar" }));
  facts = create(h("div.facts-table"));
  panes = PANES.map(() => ({ stage: newStage(), caption: create(h("figcaption")) }));
  fetch = latest(() => this.load());

  build() {
    this.className = "page";
    this.furnish();
    for (const { stage } of this.panes) {
      stage.share(this.view);
      this.on(stage, "hover", ({ detail }) => this.markCursor(detail));
    }
    this.on(bus, "document image", () => this.fetch());
    this.on(bus, "language", () => {
      this.furnish();
      this.fetch();
    });
    this.on(bus, "select", () => {
      if (this.first !== state.network) this.fetch();
    });
    this.fetch();
  }

  furnish() {
    const label = { "aria-label": t("page.compare") };
    this.tools.setAttribute("aria-label", t("page.compare"));
    const figures = this.panes.map(({ stage, caption }, i) =>
      h("figure.compare", { key: PANES[i] }, caption, stage),
    );
    const grid = h("div.compare-grid", {}, figures);
    patch(this, h("section.center.rows.compare-page", label, this.tools, grid, this.facts));
  }

  redrawTools() {
    const names = state.doc.networks.map(
      ({ name }) => /** @type {const} */ ([name, networkTitle(name)]),
    );
    const pickOther = (/** @type {string} */ other) => {
      choose({ other });
      this.fetch();
    };
    const unit = checkbox({
      checked: this.unit,
      onpick: (checked) => {
        this.unit = checked;
        this.fetch();
      },
    });
    patch(
      this.tools,
      labelled(
        t("compare.a"),
        selectField(names, state.network, (network) => choose({ network })),
      ),
      labelled(t("compare.b"), selectField(names, otherNetwork(), pickOther)),
      h("label.inline", { key: "unit" }, unit, h("span", {}, t("compare.normalize"))),
    );
  }

  async load() {
    this.first = state.network;
    this.redrawTools();
    const { image } = state;
    try {
      const shown = await fetchComparison([state.network, otherNetwork()], image);
      if (shown.image.id !== state.image || !this.isConnected) return;
      this.show(shown);
      await this.showFacts(shown);
    } catch (problem) {
      sayOfImage(image, problem);
    }
  }

  /** @param {Comparison} shown */
  show({ names, image, ends, planes, boxes }) {
    const outputs = planes.map((one) => (one && this.unit ? toUnit(one) : one));
    const apart = difference(outputs[0], outputs[1]);
    const captions = [
      imageTitle(image.name),
      ...names.map((name, i) => captionOf(i, name, ends[i])),
      apart ? t("compare.difference") : noDifference(names, outputs),
    ];
    this.panes.forEach(({ stage, caption }, i) => {
      caption.textContent = caption.title = captions[i] ?? "";
      stage.label = captions[i] ?? "";
      stage.relabel();
      stage.setImage(image);
    });
    for (const i of [0, 1]) {
      const { stage } = /** @type {ComparePage["panes"][number]} */ (this.panes[i + 1]);
      const detected = boxes[i];
      stage.setPlane(outputs[i] ?? null, ends[i]);
      stage.painters = detected ? [boxPainter(detected.boxes)] : [];
    }
    this.panes[3]?.stage.setPlane(apart, ends[0], "signed");
  }

  /**
   * The table at once, precision and recall as soon as they are known.
   * @param {Comparison} shown
   */
  async showFacts({ names, runs, boxes }) {
    this.drawFacts(names, factRows(names, runs, boxes, [null, null]));
    const judged = await Promise.all(
      names.map((network, i) => (boxes[i]?.truth ? judge(network) : null)),
    );
    if (!this.isConnected || names[0] !== this.first) return;
    this.drawFacts(names, factRows(names, runs, boxes, judged));
  }

  /**
   * @param {string[]} names
   * @param {Array<[string, string[]]>} rows
   */
  drawFacts(names, rows) {
    const heads = names.map((name, i) =>
      h("th", { scope: "col" }, `${"AB"[i]} · ${networkTitle(name)}`),
    );
    const corner = h("th", { scope: "col" }, t("compare.facts"));
    const lines = rows.map(([name, values]) =>
      h(
        "tr",
        { key: name },
        h("th", { scope: "row" }, t(`compare.${name}`)),
        values.map((value) => h("td", {}, value)),
      ),
    );
    const head = h("thead", {}, h("tr", {}, corner, heads));
    patch(this.facts, h("table.terms", {}, head, h("tbody", {}, lines)));
  }

  /** @param {Place | null} place */
  markCursor(place) {
    for (const { stage } of this.panes) {
      stage.cursor = place;
      stage.paint(true);
    }
  }
}
customElements.define("page-compare", ComparePage);

/**
 * @param {number} index
 * @param {string} name
 * @param {Step | undefined} end
 */
function captionOf(index, name, end) {
  const title = `${"AB"[index]} · ${networkTitle(name)}`;
  if (!end?.error) return title;
  const waits = network(name)?.nodes.some((node) => node.waits);
  return `${title} · ${waits ? t("step.unlearned") : reasonText(end.error)}`;
}

/**
 * Why there is no difference to show.
 * @param {string[]} names
 * @param {Array<Plane | null>} outputs
 */
function noDifference(names, outputs) {
  const name = names.find((_, i) => !outputs[i]);
  return name === undefined
    ? t("compare.sizes")
    : t("compare.missing", { name: networkTitle(name) });
}

/**
 * @param {string[]} names
 * @param {string} id of the image
 * @returns {Promise<Comparison>}
 */
async function fetchComparison(names, id) {
  const image = await picture(id);
  /** @type {Run[]} */
  const runs = await Promise.all(names.map((network) => get("run", { network, image: id })));
  const ends = runs.map((run) => run.steps.at(-1));
  const planes = await Promise.all(
    ends.map((end) => (end?.id && end.shape.length === 3 ? plane(end.id, 0) : null)),
  );
  const boxes = await Promise.all(
    names.map((network, i) => (ends[i]?.shape?.[2] === 1 ? boxesOf(network, id) : null)),
  );
  return { names, image, runs, ends, planes, boxes };
}

/**
 * @param {string} network
 * @param {string} image
 * @returns {Promise<Boxes | null>}
 */
const boxesOf = (network, image) => post("boxes", { network, image }).catch(() => null);

/**
 * @param {string} network
 * @returns {Promise<Judged | null>}
 */
const judge = (network) => post("judged", { network }).catch(() => null);
