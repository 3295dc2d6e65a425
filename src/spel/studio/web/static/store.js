// What the page knows: the document, the run on the screen, where the user looks. One place, events.

import { Problem, get, getPacked, post } from "./api.js";
import { latest, say, t } from "./core.js";

export const state = {
  constants: null,
  doc: null,
  run: null,
  page: "chain",
  network: null,
  image: null,
  node: null,
  channel: 0,
  kernel: 0,
  cursor: null,
  pinned: false,
  other: null,
  lesson: null,
  step: 0,
  map: "auto",
};
export const bus = new EventTarget();
export const tell = (...what) => what.forEach((name) => bus.dispatchEvent(new Event(name)));

// -- lookups -------------------------------------------------------------------------------------

export const network = (name = state.network) => state.doc?.networks.find((n) => n.name === name);
export const node = (name = state.node) => network()?.nodes.find((n) => n.name === name);
export const step = (name = state.node) => state.run?.steps.find((s) => s.name === name);
export const imageOf = (id = state.image) => state.doc?.images.find((i) => i.id === id);
export const convolutions = () => network()?.nodes.filter((n) => n.bank && !n.off) ?? [];
export const output = () => state.run?.steps[state.run.steps.length - 1];

// -- changing ------------------------------------------------------------------------------------

function took(reply) {
  state.doc = { strokes: state.doc.strokes, ...reply.document };
  if (!network()) choose({ network: state.doc.networks[0].name });
  if (reply.run && reply.run.network === state.network && reply.run.image === state.image)
    state.run = reply.run;
  if (state.node !== "input" && !node()) state.node = network().nodes.at(-1).name;
  tell("document", "run");
}

const body = (more) => ({
  ...more,
  revision: state.doc.revision,
  drawn: state.doc.drawn,
  run: { network: state.network, image: state.image },
});

async function changing(work) {
  tell("busy");
  try {
    const reply = await work();
    if (reply) took(reply);
    return reply;
  } catch (problem) {
    state.status = problem.status ?? 0;
    if (problem instanceof Problem && problem.status === 409) {
      state.doc = problem.told.document;
      await refresh();
      say(problem.message, "error");
    } else say(problem.message, "error");
    return null;
  } finally {
    tell("idle");
  }
}

let queue = Promise.resolve();
/** Commands go one after the other, so that each knows the revision that the last one made. */
export function act(command, gesture) {
  const done = queue.then(() => changing(() => post("do", body({ command, gesture }))));
  queue = done.catch(() => null);
  return done;
}
/** For drags: while one is on its way, only the last of those that follow is sent. */
const sendLive = latest((command, gesture) => act(command, gesture));
let resting;
export function live(command, gesture) {
  // While a drag goes on large pictures may be coarse; soon after it they are whole again.
  state.live = true;
  clearTimeout(resting);
  resting = setTimeout(() => {
    state.live = false;
    tell("rest");
  }, 350);
  return sendLive(command, gesture);
}

export const undo = () => {
  queue = queue.then(() => changing(() => post("undo", body({}))));
  return queue;
};
export const redo = () => {
  queue = queue.then(() => changing(() => post("redo", body({}))));
  return queue;
};

/** Look at something else; what hangs on it is fetched. */
export function choose(change) {
  const before = { ...state };
  Object.assign(state, change);
  if (state.network !== before.network || state.image !== before.image) {
    if (!state.node || (state.node !== "input" && !node())) {
      const first = network()?.nodes.find((n) => n.bank) ?? network()?.nodes[0];
      state.node = first?.name ?? "input";
    }
    if (state.network !== before.network) {
      state.channel = 0;
      state.kernel = 0;
    }
    tell("select");
    if (state.image !== before.image) {
      state.cursor = null;
      state.pinned = false;
      tell("image", "cursor");
    }
    refresh();
  } else if (state.node !== before.node) {
    if (change.channel === undefined) state.channel = 0;
    if (change.kernel === undefined) state.kernel = 0;
    tell("select", "cursor");
  } else if (
    state.channel !== before.channel ||
    state.kernel !== before.kernel ||
    state.map !== before.map
  )
    tell("select", "cursor");
  if (state.cursor !== before.cursor || state.pinned !== before.pinned) tell("cursor");
  if (state.page !== before.page) tell("page");
  if (!("cursor" in change) || "page" in change || "pinned" in change) remember();
}

let remembering;
function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(sendView, 400);
}
function sendView() {
  remembering = null;
  const { page, network, image, node, channel, kernel, other, cursor, pinned } = state;
  post(
    "view",
    { page, network, image, node, channel, kernel, other, cursor: pinned ? cursor : null, pinned },
    true,
  ).catch(() => null);
}
addEventListener("pagehide", () => {
  if (remembering) sendView();
});

export const refresh = latest(async () => {
  if (!state.network || !state.image) return;
  tell("busy");
  try {
    const asked = { network: state.network, image: state.image };
    const run = await get("run", asked);
    if (asked.network === state.network && asked.image === state.image) {
      state.run = run;
      tell("run");
    }
  } catch (problem) {
    say(problem.message, "error");
  } finally {
    tell("idle");
  }
});

// -- arrays, kept by their id --------------------------------------------------------------------

const kept = new Map();
let bytes = 0;
const LIMIT = 256 << 20;
function keep(key, value, size) {
  kept.set(key, { value, size });
  bytes += size;
  for (const [old, entry] of kept) {
    if (bytes <= LIMIT || old === key) break;
    kept.delete(old);
    bytes -= entry.size;
  }
  return value;
}
const waiting = new Map();
function once(key, make, size) {
  const found = kept.get(key);
  if (found) {
    kept.delete(key);
    kept.set(key, found);
    return Promise.resolve(found.value);
  }
  if (!waiting.has(key)) {
    waiting.set(
      key,
      make()
        .then((value) => keep(key, value, size(value)))
        .finally(() => waiting.delete(key)),
    );
  }
  return waiting.get(key);
}

const bytesOf = (value) => value.data.byteLength;
export const plane = (id, channel, grain = 1) =>
  once(
    `${id}/${channel}/${grain}`,
    async () => {
      let found;
      const ask = () => getPacked(`arrays/${id}/${channel}`, { step: grain > 1 ? grain : null });
      try {
        found = await ask();
      } catch (problem) {
        if (problem.status !== 404) throw problem;
        await get("run", { network: state.network, image: state.image });
        found = await ask();
      }
      const [{ shape, data }] = found.arrays;
      return { id, grain, rows: shape[0], cols: shape[1], data, low: found.low, high: found.high };
    },
    bytesOf,
  );

export const picture = (id) =>
  once(
    `image/${id}`,
    async () => {
      const found = await getPacked(`images/${id}`);
      return { ...found, data: found.arrays[0].data, arrays: null };
    },
    bytesOf,
  );

export async function thumbs(ids) {
  const missing = ids.filter((id) => id && !kept.has(`thumb/${id}`));
  if (missing.length) {
    const found = await getPacked("thumbs", { ids: [...new Set(missing)].join(","), side: 176 });
    found.thumbs.forEach((told, i) => {
      const { shape, data } = found.arrays[i];
      keep(
        `thumb/${told.id}`,
        { ...told, shown: shape[0], rows: shape[1], cols: shape[2], data },
        data.byteLength,
      );
    });
  }
  return ids.map((id) => kept.get(`thumb/${id}`)?.value ?? null);
}

export const bank = (name, told) =>
  once(
    `bank/${told.bank.print}`,
    async () => {
      const found = await getPacked("bank", { network: name, node: told.name });
      return {
        ...found,
        dense: found.arrays[0],
        weights: found.arrays[1],
        data: found.arrays[0].data,
      };
    },
    bytesOf,
  );

export const trace = latest((given) => get("trace", given));

/** The spel of a step under a place of the image; steps with strides have fewer. */
export function onStep(told, place) {
  const at = place.map((x, i) =>
    Math.floor((x + 0.5 - (told?.offset?.[i] ?? 0)) / (told?.scale?.[i] ?? 1)),
  );
  return at.map((x, i) => Math.min(Math.max(x, 0), (told?.shape?.[i] ?? 1e9) - 1));
}
/** The place on the image under the middle of a step's spel. */
export const onImage = (told, at) =>
  at.map((x, i) => Math.floor((x + 0.5) * (told?.scale?.[i] ?? 1) + (told?.offset?.[i] ?? 0)));

/** Grey images are shown in grey; other steps by the sign of their values. */
export function mapOf(name) {
  const told = node(name),
    f = told?.fields;
  return told?.kind === "color.v1" && f.space === "grey" ? "grey" : "auto";
}

export function classOf(label) {
  return (
    state.doc.classes.find((c) => c.label === label) ?? {
      label,
      name: t("class.n", { n: label }),
      color: "#6f6f6f",
    }
  );
}
