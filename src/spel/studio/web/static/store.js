// @ts-check
// What the page knows: the document, the run on the screen, where the user looks. One place, and events.
//
// Events of the bus: "document" (it changed), "run" (new numbers), "select" (another network, step,
// channel or kernel), "image", "problem" (an image turned out to be broken), "contrast" (of an image),
// "cursor", "traced" (the inspector has new numbers), "term" (another neighbour is pointed at), "page",
// "lesson", "predict" (a question hides or shows numbers), "language", "theme", "busy", "idle", and
// "rest" (a drag has ended).

import { latest } from "./base/latest.js";
import { sayProblem } from "./base/toasts.js";
import { t, textOr } from "./base/words.js";
import { get, post, RequestError } from "./server/api.js";

/** @import { Class, Constants, ImageName, Lesson, Network } from "./server/types.js" */
/** @import { NetworkNode, Place, Run, Step, StudioDocument, Trace } from "./server/types.js" */

/**
 * @typedef {object} State
 * @property {Constants} constants from here on set before the first page is built
 * @property {StudioDocument} doc
 * @property {string} network
 * @property {string} image
 * @property {string} node "input" or the name of a node
 * @property {Run | null} run
 * @property {string} page
 * @property {number} channel
 * @property {number} kernel
 * @property {Place | null} cursor on the image
 * @property {boolean} pinned
 * @property {string | null} other the second network of a comparison
 * @property {Lesson | null} lesson
 * @property {number} lessonStep
 * @property {string} asked the step whose numbers a question hides; empty for none
 * @property {string} map colour map of the stage
 * @property {number | null} band the channel of the image that is shown; null for its colours
 * @property {Trace | null} trace the numbers in the inspector
 * @property {number} slice the channel of the step's input that they are of
 * @property {number | null} term the neighbour that is pointed at, by its number in the window
 * @property {boolean} dragging something changes live
 */

/** @type {State} */
export const state = {
  constants: /** @type {any} */ (null),
  doc: /** @type {any} */ (null),
  network: "",
  image: "",
  node: "",
  run: null,
  page: "chain",
  channel: 0,
  kernel: 0,
  cursor: null,
  pinned: false,
  other: null,
  lesson: null,
  lessonStep: 0,
  asked: "",
  map: "auto",
  band: null,
  trace: null,
  slice: 0,
  term: null,
  dragging: false,
};

export const bus = new EventTarget();

/** @param {...string} names */
export function emit(...names) {
  for (const name of names) bus.dispatchEvent(new Event(name));
}

// -- lookups -------------------------------------------------------------------------------------

/** @returns {Network | undefined} */
export const network = (name = state.network) => state.doc?.networks.find((n) => n.name === name);

/** @returns {NetworkNode | undefined} */
export const node = (name = state.node) => network()?.nodes.find((n) => n.name === name);

/** @returns {Step | undefined} */
export const step = (name = state.node) => state.run?.steps.find((s) => s.name === name);

/** @returns {ImageName | undefined} */
export const imageOf = (id = state.image) => state.doc?.images.find((i) => i.id === sourceIdOf(id));

/** An image, or all planes of a stack in one direction. @param {string} id */
const directionOf = (id) => (id.includes("@") ? id : `${id}@0`).split(".")[0];

/** The id of the file of an image: "3f@0.12" is a plane of "3f". @param {string} id */
export const sourceIdOf = (id) => id.split("@")[0] ?? id;

/** The images of the user. */
export const ownImages = () => state.doc.images.filter((image) => !image.lesson);

/** The nodes with kernels that are switched on. */
export const convolutions = () => network()?.nodes.filter((n) => n.bank && !n.off) ?? [];

/** The last step. @returns {Step | undefined} */
export const output = () => state.run?.steps.at(-1);

/** The classes with their names in the user's language, unless the user gave them others. */
export const shownClasses = () =>
  state.doc.classes.map((one) => ({ ...one, name: inLanguage("class", one.name) }));

/** The name of a network in the user's language, unless the user gave it another. @param {string} name */
export const networkTitle = (name) => inLanguage("network", name);

/** The name of a step, likewise. @param {string} name */
export const stepTitle = (name) => inLanguage("step", name);

/** The name of an image, likewise. @param {string} name */
export const imageTitle = (name) => inLanguage("image", name);

/** @type {(what: string, name: string) => string} */
const inLanguage = (what, name) => textOr(`${what}.named.${name}`, name);

/**
 * @param {number} label
 * @returns {Class}
 */
export function classOf(label) {
  const entry = shownClasses().find((c) => c.label === label);
  return entry ?? { label, name: t("class.n", { n: label }), color: "#6f6f6f" };
}

/** Grey images are shown in grey; other steps by the sign of their values. */
export function mapOf(name = state.node) {
  const shown = node(name);
  return shown?.kind === "color.v1" && shown.fields.space === "grey" ? "grey" : "auto";
}

/**
 * Remember whether an image can be read.
 * @param {string} id
 * @param {string | null} problem
 */
export function reportImage(id, problem) {
  const image = imageOf(id);
  if (!image || image.problem === problem) return;
  image.problem = problem;
  emit("problem");
}

/**
 * Say what went wrong with an image. A broken one is marked instead: the page says above it why.
 * @param {string} id
 * @param {unknown} problem
 */
export function sayOfImage(id, problem) {
  const isBroken = problem instanceof RequestError && problem.body?.broken;
  if (isBroken) reportImage(id, problem.message);
  else sayProblem(problem);
}

/**
 * Point at a neighbour of the window in the inspector.
 * @param {number | null} term
 */
export function pointAt(term) {
  if (state.term === term) return;
  state.term = term;
  emit("term");
}

// -- places --------------------------------------------------------------------------------------

/**
 * The spel of a step under a place of the image; steps with strides have fewer.
 * @param {Step | undefined} on
 * @param {Place} place
 * @returns {Place}
 */
export function onStep(on, place) {
  const axis = (/** @type {0 | 1} */ i) => {
    const at = Math.floor((place[i] + 0.5 - (on?.offset?.[i] ?? 0)) / (on?.scale?.[i] ?? 1));
    return Math.min(Math.max(at, 0), (on?.shape?.[i] ?? 1e9) - 1);
  };
  return [axis(0), axis(1)];
}

/**
 * The place on the image under the middle of a step's spel.
 * @param {Step | undefined} on
 * @param {Place} at
 * @returns {Place}
 */
export function onImage(on, at) {
  const axis = (/** @type {0 | 1} */ i) =>
    Math.floor((at[i] + 0.5) * (on?.scale?.[i] ?? 1) + (on?.offset?.[i] ?? 0));
  return [axis(0), axis(1)];
}

/**
 * The step whose activation a step reads; undefined if it reads the image as it is.
 * @param {string} [name]
 * @returns {Step | undefined}
 */
export function sourceOf(name = state.node) {
  let source = node(name)?.inputs[0] ?? "input";
  while (node(source)?.off) source = node(source)?.inputs[0] ?? "input";
  // A step of the run that the network does not have reduces a large image.
  const [first] = state.run?.steps ?? [];
  return step(source) ?? (first && !node(first.name) ? first : undefined);
}

// -- looking -------------------------------------------------------------------------------------

/**
 * Look at something else; what hangs on it is fetched.
 * @param {Partial<State>} change
 */
export function choose(change) {
  const before = { ...state };
  Object.assign(state, change);
  if (state.network !== before.network || state.image !== before.image) lookElsewhere(before);
  else if (state.node !== before.node) {
    const channels = step()?.shape?.[2] ?? 1;
    if (change.channel === undefined && state.channel >= channels) state.channel = 0;
    if (change.kernel === undefined) state.kernel = 0;
    emit("select", "cursor");
  } else if (
    state.channel !== before.channel ||
    state.kernel !== before.kernel ||
    state.map !== before.map ||
    state.band !== before.band
  ) {
    emit("select", "cursor");
  }
  if (state.cursor !== before.cursor || state.pinned !== before.pinned) emit("cursor");
  if (!("cursor" in change) || "page" in change || "pinned" in change) rememberView();
}

/**
 * Another network or image was chosen.
 * @param {State} before
 */
function lookElsewhere(before) {
  if (!state.node || (state.node !== "input" && !node())) state.node = firstNode();
  // Numbers of another image or network must not stand under this one's name.
  state.run = null;
  if (state.network !== before.network) {
    state.channel = 0;
    state.kernel = 0;
  }
  const elsewhere = directionOf(state.image) !== directionOf(before.image);
  if (elsewhere) Object.assign(state, { cursor: null, pinned: false, band: null });
  emit("select");
  if (state.image !== before.image) emit("image", "cursor");
  refresh();
}

/** The node to look at first: the first one with kernels. */
export function firstNode() {
  const nodes = network()?.nodes ?? [];
  return (nodes.find((n) => n.bank) ?? nodes[0])?.name ?? "input";
}

/** Run the network on the image again. */
export const refresh = latest(async () => {
  if (!state.network || !state.image) return;
  emit("busy");
  const query = { network: state.network, image: state.image };
  try {
    const run = await get("run", query);
    if (query.network === state.network && query.image === state.image) {
      state.run = run;
      emit("run");
    }
  } catch (problem) {
    sayOfImage(query.image, problem);
  } finally {
    emit("idle");
  }
});

// -- the view, remembered by the server ----------------------------------------------------------

/** @type {number | null} */
let timer = null;

function rememberView() {
  if (timer !== null) clearTimeout(timer);
  timer = setTimeout(sendView, 400);
}

function sendView() {
  timer = null;
  const { page, network: shown, image, node: at, channel, kernel, other, cursor, pinned } = state;
  const place = pinned ? cursor : null;
  const view = {
    page,
    network: shown,
    image,
    node: at,
    channel,
    kernel,
    other,
    cursor: place,
    pinned,
  };
  post("view", view, true).catch(() => null);
}

addEventListener("pagehide", () => {
  if (timer !== null) sendView();
});
