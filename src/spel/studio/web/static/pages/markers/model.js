// @ts-check
// What the user chose for drawing, and strokes in the making.

import { clamp } from "../../base/numbers.js";
import { state } from "../../store.js";

/** @import { Place, Stroke } from "../../server/types.js" */

/** Drawing tools and their keys. */
export const TOOLS = /** @type {const} */ ({
  brush: "p",
  line: "l",
  fill: "f",
  erase: "e",
  box: "b",
  move: "z",
});
/** @typedef {keyof typeof TOOLS} ToolName */

const MIN_RADIUS = 0.5;
const MAX_RADIUS = 64;
const MIN_STEP = 0.75;

/** Choices that stay while the user looks at other pages. */
export const choices = {
  tool: /** @type {ToolName} */ ("brush"),
  label: 1,
  /** The class that was chosen before background. */
  otherLabel: 1,
  radius: 4,
  /** Opacity of the ink. */
  opacity: 0.75,
  /** Opacity of the saliency. */
  saliency: 0.45,
  showSaliency: true,
  /** What lies over the picture, where the image has a true mask. */
  over: /** @type {"saliency" | "truth"} */ ("saliency"),
  /** Learn after every stroke. */
  live: false,
};

/** @param {number} factor */
export function scaleRadius(factor) {
  choices.radius = clamp(choices.radius * factor, MIN_RADIUS, MAX_RADIUS);
}

/** Draw background, or the class that was chosen before. */
export function swapLabel() {
  if (choices.label === 0) choices.label = choices.otherLabel;
  else {
    choices.otherLabel = choices.label;
    choices.label = 0;
  }
}

/**
 * A stroke that begins at a point.
 * @param {Place} point
 * @returns {Stroke}
 */
export function newStroke(point) {
  const { tool, label, radius } = choices;
  const id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
  return { id, label, tool, radius: tool === "fill" ? 0 : radius, points: [point] };
}

/**
 * Draw a stroke on to a point.
 * @param {Stroke} stroke
 * @param {Place} point
 * @returns {Place | null} where the new piece begins, or null if there is none
 */
export function extendStroke(stroke, point) {
  const last = stroke.points.at(-1);
  if (!last) return null;
  if (stroke.tool === "line") {
    stroke.points.splice(1, 1, point);
    return null;
  }
  const far = Math.hypot(point[0] - last[0], point[1] - last[1]) >= MIN_STEP;
  if (!far || stroke.points.length >= state.constants.maxPoints) return null;
  stroke.points.push(point);
  return stroke.tool === "fill" ? null : last;
}

/**
 * The label that a stroke gives its spels; -1 takes it away.
 * @param {Stroke} stroke
 */
export const inkOf = (stroke) => (stroke.tool === "erase" ? -1 : stroke.label);

/** The strokes of the image that the document has. @returns {Stroke[]} */
export const savedStrokes = () => state.doc.strokes[state.image] ?? [];

/** The first label and color that no class has. */
export function freeClass() {
  const taken = new Set(state.doc.classes.map((c) => c.label));
  const colors = state.constants.classColors;
  const label = colors.findIndex((_, i) => i > 0 && !taken.has(i));
  return label < 0 ? null : { label, color: colors[label] ?? "#6f6f6f" };
}
