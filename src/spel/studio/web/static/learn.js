// @ts-check
// Learning a network from strokes.

import { checkbox, labelled } from "./base/controls.js";
import { latest } from "./base/latest.js";
import { num } from "./base/numbers.js";
import { askChoice } from "./base/sheet.js";
import { say } from "./base/toasts.js";
import { t } from "./base/words.js";
import { act, freeName, refreshDocument } from "./commands.js";
import { choose, network, state } from "./store.js";
import { refusalText } from "./server/api.js";
import { runTask } from "./tasks.js";

/** @import { Network } from "./server/types.js" */

/** @param {Network} network */
const learns = (network) => network.learned || network.nodes.some((n) => n.waits);

/** The network that is learned: the one at hand, or the first one that learns from strokes. */
export function learnable() {
  const { networks } = state.doc;
  return networks.find((n) => n.name === state.network && learns(n)) ?? networks.find(learns);
}

/** Whether masks are cut by the colours of each image; null: as the network does at present. */
const choices = { cut: /** @type {boolean | null} */ (null) };

const cutsMasks = () => choices.cut ?? learnable()?.cut ?? false;

/**
 * The box that lets masks be cut by colours from the next learning on.
 * @param {() => void} changed
 */
export function cutSwitch(changed) {
  const pick = (/** @type {boolean} */ on) => {
    choices.cut = on;
    changed();
  };
  const box = checkbox({ id: "cut-masks", checked: cutsMasks(), onpick: pick });
  return labelled(t("learn.cut"), box, { title: t("learn.cut.about") });
}

/**
 * Learn a network; one is added if there is none to learn. The user is asked before kernels that
 * were chosen or edited are learned again.
 * @param {{ start?: string, decoder?: string, seed?: number }} [options] `start`: the layer to start
 *   from; all of them without it
 */
export async function learn(options = {}) {
  let wanted = learnable();
  if (!wanted) {
    await act({ do: "add_network", name: "from strokes", template: "flim" });
    wanted = learnable();
  }
  if (!wanted) return null;
  if (wanted.name !== state.network) choose({ network: wanted.name });
  const start = options.start ?? (await firstLayer(wanted));
  if (start === undefined) return null;
  const begin = performance.now();
  const reply = await act({
    do: "learn",
    network: wanted.name,
    cut: cutsMasks(),
    ...options,
    start,
  });
  if (reply) say(t("markers.learned", { ms: num(performance.now() - begin, 3) }));
  return reply;
}

/** Live learning that takes longer than this disturbs the drawing. */
const MAX_LIVE_MS = 2000;

/**
 * Learn after a stroke without a word, if strokes of an object and of another class are there and no
 * kernel was chosen or edited by hand.
 * @param {string} gesture of the stroke: undo reverts both at once
 * @returns {Promise<boolean>} false if it takes too long to go on like this
 */
export const learnLive = latest(async (/** @type {string} */ gesture) => {
  const wanted = learnable();
  const drawn = Object.values(state.doc.strokes).flat();
  const labels = new Set(drawn.filter((s) => s.tool !== "erase").map((s) => s.label));
  if (!wanted || labels.size < 2 || wanted.nodes.some((n) => n.edited)) return true;
  if (wanted.name !== state.network) choose({ network: wanted.name });
  const begin = performance.now();
  await act({ do: "learn", network: wanted.name, cut: cutsMasks(), start: "" }, gesture);
  return performance.now() - begin <= MAX_LIVE_MS;
});

/**
 * Learn a detector from the true boxes, and show it; it takes seconds to minutes.
 * @param {boolean} adjust whether it moves the sides of boxes to the edges of what it finds
 */
export async function learnBoxes(adjust) {
  const own = network();
  const again = own?.decision.kind ? own.name : freeName(t("boxes.network"));
  const task = await runTask("learn-boxes", { network: again, adjust });
  if (task?.state === "failed") say(refusalText(task.message, task.refusal), "error");
  if (task?.state !== "done") return;
  await refreshDocument();
  choose({ network: task.result.network });
  say(t("boxes.learned"));
}

/**
 * The layer from which learning starts: "" for all, null for the layers that are not learned yet
 * and the decoder, undefined if the user decided otherwise.
 * @param {Network} network
 * @returns {Promise<string | null | undefined>}
 */
async function firstLayer({ nodes }) {
  if (nodes.some((n) => n.waits)) return null;
  const last = nodes.findLastIndex((n) => n.edited);
  if (last < 0) return "";
  const names = nodes.filter((n) => n.edited).map((n) => n.name);
  const choice = await askChoice(
    t("learn.ask"),
    t("learn.ask.text", { names: names.join(", ") }),
    /** @type {const} */ ([
      ["keep", t("learn.ask.keep")],
      ["all", t("learn.ask.all")],
    ]).slice(),
  );
  if (choice === null) return undefined;
  if (choice === "all") return "";
  return nodes.slice(last + 1).find((n) => n.relearn)?.name ?? null;
}
