// @ts-check
// Learning a network from strokes.

import { num } from "./base/numbers.js";
import { say } from "./base/toasts.js";
import { t } from "./base/words.js";
import { act } from "./commands.js";
import { choose, state } from "./store.js";

/** @import { Network } from "./server/types.js" */

/** @param {Network} network */
const learns = (network) => network.learned || network.nodes.some((n) => n.waits);

/** The network that is learned: the one at hand, or the first one that learns from strokes. */
export function learnable() {
  const { networks } = state.doc;
  return networks.find((n) => n.name === state.network && learns(n)) ?? networks.find(learns);
}

/**
 * Learn a network; one is added if there is none to learn.
 * @param {{ start?: string | null, decoder?: string, seed?: number }} [options] `start`: the layer to
 *   start from, "" for all of them
 */
export async function learn(options = {}) {
  let wanted = learnable();
  if (!wanted) {
    await act({ do: "add_network", name: "from strokes", template: "flim" });
    wanted = learnable();
  }
  if (!wanted) return null;
  if (wanted.name !== state.network) choose({ network: wanted.name });
  const begin = performance.now();
  const start = wanted.nodes.some((n) => n.waits) ? null : "";
  const reply = await act({ do: "learn", network: wanted.name, start, ...options });
  if (reply) say(t("markers.learned", { ms: num(performance.now() - begin, 3) }));
  return reply;
}
