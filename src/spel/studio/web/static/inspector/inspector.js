// @ts-check
// The inspector: the engine's numbers behind one spel, and the walk back to the image.

import { chip, tableRow } from "../base/controls.js";
import { h, patch } from "../base/dom.js";
import { exact, num } from "../base/numbers.js";
import { Part } from "../base/part.js";
import { say, sayProblem } from "../base/toasts.js";
import { reasonText } from "../base/reasons.js";
import { t } from "../base/words.js";
import { limitsOf } from "../picture/contrast.js";
import { picture, trace, valuesAt } from "../server/arrays.js";
import { RequestError } from "../server/api.js";
import { bus, choose, emit, onImage, onStep, pointAt, state, step, stepTitle } from "../store.js";
import { arithmetic } from "./arithmetic.js";
import { markTerm, sliceOf } from "./sum.js";

/** @import { Description } from "../base/dom.js" */
/** @import { Place, Step, Trace, TraceStep } from "../server/types.js" */
/** @import { SumView } from "./sum.js" */

const HINTS = ["hover", "click", "arrows", "zoom"];

class Inspector extends Part {
  /** Steps of the walk that the user has opened. @type {Set<string>} */
  open = new Set();
  /** @type {Trace | null} */
  trace = null;
  /** @type {SumView} */
  sums = { channels: new Map(), stacked: false, neuron: false, redraw: () => this.redraw() };

  build() {
    this.on(bus, "cursor run select language", () => this.update());
    this.on(bus, "term", () => this.markTerm());
    this.on(bus, "predict", () => this.redraw());
    this.update();
  }

  async update() {
    if (!state.cursor) this.showHints();
    else if (state.node === "input") await this.showInput(state.cursor);
    else await this.showStep(state.cursor);
  }

  showHints() {
    this.trace = null;
    const hints = HINTS.map((name) => h("li", {}, t(`inspector.hint.${name}`)));
    const empty = h("p.muted", {}, t("inspector.empty"));
    patch(this, h("h2", {}, t("inspector.title")), empty, h("ul.hints", {}, hints));
  }

  /** @param {Place} cursor */
  async showInput(cursor) {
    const image = state.image;
    const shown = await picture(image).catch(() => null);
    const values = shown && (await valuesAt(image, cursor).catch(() => null));
    if (!shown || !values) return;
    if (state.cursor !== cursor || state.image !== image || state.node !== "input") return;
    const [low, high] = limitsOf(shown);
    const level = (/** @type {number | undefined} */ v = 0) =>
      ((v - low) / (high - low || 1)) * 255;
    const [red, green = red, blue = red] = shown.grid[2] < 3 ? values.slice(0, 1) : values;
    const levels = [red, green, blue].map(level).join(" ");
    const rows = values.map((value, k) =>
      tableRow(channelName(k, values.length), h("output", {}, exact(value))),
    );
    this.trace = null;
    patch(
      this,
      heading(t("step.input"), cursor),
      h("div.swatch", { style: { background: `rgb(${levels})` }, "aria-hidden": "true" }),
      h("table.terms.values", {}, rows),
      h("p.muted.small", {}, t("inspector.as_in_file", { dtype: shown.dtype })),
    );
  }

  /** @param {Place} cursor */
  async showStep(cursor) {
    const shown = step();
    if (!shown) return;
    const problem = problemOf(shown);
    if (problem) {
      patch(this, h("h2", {}, stepTitle(state.node)), problem);
      return;
    }
    const result = await this.ask(shown, cursor);
    if (!result) return;
    this.trace = result;
    if (state.trace?.value !== result.value) pointAt(null);
    this.redraw();
    performance.mark("spel-inspector");
    this.dispatchEvent(new CustomEvent("traced", { detail: result, bubbles: true }));
  }

  /**
   * @param {Step} shown
   * @param {Place} cursor
   */
  async ask(shown, cursor) {
    const [row, col] = onStep(shown, cursor);
    const channel = Math.min(state.channel, (shown.shape[2] ?? 1) - 1);
    const { network, image, node } = state;
    try {
      const result = await trace({ network, image, node, row, col, channel });
      return node === state.node && state.run !== null ? result : undefined;
    } catch (error) {
      // Between two runs a place may be outside, or a step not computed: the next run tells.
      if (!(error instanceof RequestError) || error.status !== 422) sayProblem(error);
      return undefined;
    }
  }

  redraw() {
    const steps = this.trace?.steps ?? [];
    const last = steps.at(-1);
    if (!last) return;
    const before = steps.slice(0, -1).reverse();
    const several = (step(last.node)?.shape[2] ?? 1) > 1;
    const value = h("output", {}, num(last.terms.value, 5));
    Object.assign(state, { trace: this.trace, slice: sliceOf(last, this.sums) });
    patch(
      this,
      heading(stepTitle(last.node), last.at, several ? ` · ${t("channel")} ${last.channel}` : ""),
      h("p.big-value", {}, h("span.muted", {}, t("inspector.value")), value),
      arithmetic(last, this.sums),
      before.length ? h("h3", {}, t("inspector.back")) : null,
      h(
        "ol.walk",
        {},
        before.map((one) => this.walkStep(one)),
      ),
      h("div.row", {}, chip({ onclick: () => this.copy() }, t("inspector.copy"))),
    );
    this.markTerm();
    emit("traced");
  }

  markTerm() {
    const last = this.querySelector(":scope > .arithmetic");
    if (last) markTerm(last);
  }

  /**
   * @param {TraceStep} one
   * @returns {Description}
   */
  walkStep(one) {
    const key = `${one.node}/${one.channel}`;
    const open = this.open.has(one.node);
    const toggled = (/** @type {boolean} */ now) => {
      if (now === this.open.has(one.node)) return;
      if (now) this.open.add(one.node);
      else this.open.delete(one.node);
      this.redraw();
    };
    const where = ` (${one.at.join(", ")})${one.channel ? ` #${one.channel}` : ""}`;
    return h(
      "li",
      { key },
      h(
        "details",
        { open, ontoggle: (event) => toggled(event.currentTarget.open) },
        h(
          "summary",
          {},
          h("b", {}, stepTitle(one.node)),
          h("span.where", {}, where),
          h("output", {}, num(one.terms.value, 4)),
        ),
        open ? [arithmetic(one, this.sums), jumpTo(one)] : null,
      ),
    );
  }

  copy() {
    const lines = (this.trace?.steps ?? []).map(({ node, at, channel, terms }) =>
      [node, ...at, channel, terms.value].join("\t"),
    );
    const text = ["node\trow\tcol\tchannel\tvalue", ...lines].join("\n");
    const done = () => say(t("copied"));
    const failed = () => say(t("copy.failed"), "error");
    navigator.clipboard?.writeText(text).then(done, failed);
  }
}
customElements.define("spel-inspector", Inspector);

/**
 * The name of a channel of an image.
 * @param {number} channel
 * @param {number} count
 */
export function channelName(channel, count) {
  const names = count < 3 ? ["grey", "alpha"] : ["red", "green", "blue", "alpha"];
  return count > 4 || !names[channel] ? `${t("channel")} ${channel}` : t(`color.${names[channel]}`);
}

/**
 * @param {string} name
 * @param {Place} at
 * @param {string} [more]
 */
function heading(name, at, more = "") {
  const unpin = () => choose({ pinned: false });
  const attributes = { class: "on", title: t("inspector.unpin"), onclick: unpin };
  return h(
    "header.inspector-head",
    {},
    h("h2", {}, name),
    h("p.where", {}, t("inspector.at", { row: at[0], col: at[1] }), more),
    state.pinned ? chip(attributes, t("inspector.pinned")) : null,
  );
}

/**
 * Why a step has no numbers to show, or null.
 * @param {Step} shown
 */
function problemOf(shown) {
  if (shown.error) return h("p.error", { role: "alert" }, reasonText(shown.error));
  if (shown.shape.length !== 3) return h("p.muted", {}, t("inspector.flat"));
  return null;
}

/** @param {TraceStep} one */
function jumpTo(one) {
  const jump = () => {
    const cursor = onImage(step(one.node), one.at);
    choose({ node: one.node, channel: one.channel, cursor, pinned: true });
  };
  return chip({ onclick: jump }, t("inspector.go", { name: stepTitle(one.node) }));
}
