// @ts-check
// Changes of the document: sent one after the other, so that each knows the revision of the last.

import { latest } from "./base/latest.js";
import { say, sayProblem } from "./base/toasts.js";
import { get, post, RequestError } from "./server/api.js";
import { choose, emit, imageOf, network, node, ownImages, refresh, state } from "./store.js";

/** @import { Command, Reply } from "./server/types.js" */

/** @type {Promise<any>} */
let queue = Promise.resolve();
let waiting = 0;
let lastStatus = 0;

/** Whether changes are on their way: the document on the page is not the newest one. */
export const pending = () => waiting > 0;

/** The status of the last refusal; 0 if the server was not reached. */
export const refusal = () => lastStatus;

/**
 * Do something to the document.
 * @param {Command} command
 * @param {string} [gesture] changes of one gesture are one step of undo
 * @returns {Promise<Reply | null>} null if it was refused
 */
export const act = (command, gesture) => enqueue("do", { command, gesture });

/** @returns {Promise<Reply | null>} */
export const undo = () => enqueue("undo", {});

/** @returns {Promise<Reply | null>} */
export const redo = () => enqueue("redo", {});

const sendLive = latest(act);
/** @type {number | undefined} */
let rest;

/**
 * Like `act`, for drags: while one change is on its way, only the last of those that follow is sent.
 * Large pictures may be coarse meanwhile; soon after the drag they are whole again.
 * @param {Command} command
 * @param {string} gesture
 */
export function live(command, gesture) {
  state.dragging = true;
  clearTimeout(rest);
  rest = setTimeout(() => {
    state.dragging = false;
    emit("rest");
  }, 350);
  return sendLive(command, gesture);
}

/**
 * @param {string} path
 * @param {object} more
 * @returns {Promise<Reply | null>}
 */
function enqueue(path, more) {
  waiting += 1;
  const done = queue.then(() => send(path, more));
  queue = done;
  return done;
}

/**
 * @param {string} path
 * @param {object} more
 * @returns {Promise<Reply | null>}
 */
async function send(path, more) {
  emit("busy");
  const { revision, drawn } = state.doc;
  const run = { network: state.network, image: state.image };
  try {
    const reply = await post(path, { ...more, revision, drawn, run });
    waiting -= 1;
    adopt(reply);
    return reply;
  } catch (problem) {
    waiting -= 1;
    await refused(problem);
    return null;
  } finally {
    emit("idle");
  }
}

/**
 * Take the document, and the run if it is the one on the screen.
 * @param {Reply} reply
 */
function adopt({ document, run, run_problem: problem }) {
  state.doc = { ...document, strokes: document.strokes ?? state.doc.strokes };
  const [first] = state.doc.networks;
  if (!network() && first) choose({ network: first.name });
  const [image] = ownImages();
  if (!imageOf() && image) choose({ image: image.id });
  if (run && run.network === state.network && run.image === state.image) state.run = run;
  if (problem !== undefined) {
    state.run = null;
    if (!imageOf()?.problem) say(problem, "error");
  }
  if (state.node !== "input" && !node()) state.node = network()?.nodes.at(-1)?.name ?? "input";
  emit("document", "run");
}

/**
 * Say why; fields then show the document's values again.
 * @param {unknown} problem
 */
async function refused(problem) {
  lastStatus = problem instanceof RequestError ? problem.status : 0;
  if (problem instanceof RequestError && problem.status === 409) {
    adopt(problem.body);
    await refresh();
  }
  emit("document");
  sayProblem(problem);
}

/** Fetch the document anew: a task of the server has changed it. */
export async function refreshDocument() {
  await queue;
  adopt({ document: await get("document") });
}

/** See what another window has changed since this one was looked at last. */
export async function catchUp() {
  await queue;
  const { revision } = state.doc;
  const document = await get("document").catch(() => null);
  if (!document || document.revision === revision || state.doc.revision !== revision) return;
  adopt({ document });
  await refresh();
}

/**
 * A name that no network has: a number is added if it is taken.
 * @param {string} name
 */
export function freeName(name) {
  const taken = new Set(state.doc.networks.map((one) => one.name));
  let free = name;
  for (let i = 2; taken.has(free); i++) free = `${name} ${i}`;
  return free;
}

/**
 * Take a document that came with an upload.
 * @param {Reply} reply
 */
export function adoptUpload({ document }) {
  state.doc = document;
  emit("document");
}
