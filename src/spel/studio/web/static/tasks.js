// @ts-check
// Work of the server that takes longer than a click: how far it is, and a button that stops it.

import { chip } from "./base/controls.js";
import { h } from "./base/dom.js";
import { sayProblem } from "./base/toasts.js";
import { reasonText } from "./base/reasons.js";
import { t } from "./base/words.js";
import { get, post, refusalText } from "./server/api.js";
import { emit } from "./store.js";

/** @import { Task } from "./server/types.js" */

const EVERY_MS = 400;

/** The last task of each kind. @type {Map<string, Task>} */
const tasks = new Map();

/** @param {string} kind */
export const taskOf = (kind) => tasks.get(kind);

/**
 * Begin a task and follow it to its end.
 * @param {string} path of the request that begins it
 * @param {object} body
 * @returns {Promise<Task | null>} null if it did not begin
 */
export async function runTask(path, body) {
  try {
    return await follow(await post(path, body));
  } catch (problem) {
    sayProblem(problem);
    return null;
  }
}

/**
 * @param {Task} begun
 * @returns {Promise<Task>}
 */
async function follow(begun) {
  let task = begun;
  while (true) {
    tasks.set(task.kind, task);
    emit("task");
    if (task.state !== "running") return task;
    await new Promise((done) => setTimeout(done, EVERY_MS));
    task = await get(`tasks/${task.id}`);
  }
}

/** Tasks that run while the page is opened anew. */
export async function followRunning() {
  const reply = await get("tasks").catch(() => ({ tasks: [] }));
  for (const task of reply.tasks) {
    tasks.set(task.kind, task);
    if (task.state === "running") follow(task).catch(sayProblem);
  }
}

/**
 * How far the last task of a kind is; nothing if there is none.
 * @param {string} kind
 */
export function taskRow(kind) {
  const task = tasks.get(kind);
  if (!task) return null;
  const running = task.state === "running";
  const stop = () => post("stop", { id: task.id }).catch(sayProblem);
  const bar = { max: task.total || 1, value: task.total ? task.done : undefined };
  const count = task.total ? ` · ${task.done} / ${task.total}` : "";
  return h(
    "div.task",
    { key: `task ${kind}`, role: "status" },
    running ? h("progress", { ...bar, "aria-label": t(`task.${kind}`) }) : null,
    h("p.small", { class: task.state === "failed" ? "error" : "muted" }, wordsOf(task), count),
    running ? chip({ key: "stop", onclick: stop }, t("task.stop")) : null,
  );
}

/** @param {Task} task */
function wordsOf({ state, message, refusal }) {
  if (state === "failed" && refusal) return refusalText(message, refusal);
  if (state === "running" || state === "failed") return reasonText(message) || t(`task.${state}`);
  return t(`task.${state}`);
}
