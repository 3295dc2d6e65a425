// @ts-check
// The page begins here: words and document are fetched, the view of last time is taken up.

import { h, patch } from "./base/dom.js";
import { sayProblem } from "./base/toasts.js";
import { loadReasons } from "./base/reasons.js";
import { loadWords } from "./base/words.js";
import "./pages/chain/page.js";
import "./pages/compare/page.js";
import "./pages/detect/page.js";
import "./pages/export/page.js";
import "./pages/images/page.js";
import "./pages/kernels/page.js";
import "./pages/lessons/page.js";
import "./pages/markers/page.js";
import "./pages/space/page.js";
import { catchUp } from "./commands.js";
import { get, RequestError } from "./server/api.js";
import { listenKeys } from "./shell/keys.js";
import { listenLayout } from "./shell/layout.js";
import { goTo, PAGES, route } from "./shell/pages.js";
import { applySettings } from "./shell/settings.js";
import { drawTopbar, listenTopbar } from "./shell/topbar.js";
import { listenDrops } from "./shell/uploads.js";
import { bus, firstNode, node, ownImages, sourceIdOf, state } from "./store.js";
import { followRunning } from "./tasks.js";

/** @import { SavedView } from "./server/types.js" */

/**
 * Look where the user looked last, as far as that is still there.
 * @param {SavedView} view
 */
function takeUp(view) {
  const { networks } = state.doc;
  const images = ownImages();
  const image = images.find((one) => one.id === sourceIdOf(view.image ?? "")) ?? images[0];
  const network = networks.find((one) => one.name === view.network) ?? networks[0];
  state.image = (image?.id === sourceIdOf(view.image ?? "") && view.image) || (image?.id ?? "");
  state.network = network?.name ?? "";
  state.page = view.page && PAGES.includes(view.page) ? view.page : "chain";
  state.kernel = view.kernel ?? 0;
  state.channel = view.channel ?? 0;
  state.other = view.other ?? null;
  const exists = view.node === "input" || node(view.node);
  state.node = view.node && exists ? view.node : firstNode();
  if (view.pinned && view.cursor) Object.assign(state, { cursor: view.cursor, pinned: true });
}

async function start() {
  await Promise.all([loadWords(), loadReasons()]);
  applySettings();
  try {
    [state.constants, state.doc] = await Promise.all([get("constants"), get("document")]);
  } catch (problem) {
    const main = /** @type {HTMLElement} */ (document.getElementById("main"));
    const text = problem instanceof Error ? problem.message : String(problem);
    patch(main, h("p.error", { role: "alert" }, text));
    return;
  }
  takeUp(state.doc.view);
  try {
    state.run = await get("run", { network: state.network, image: state.image });
  } catch (problem) {
    // A broken image is named by the page that shows it.
    if (!(problem instanceof RequestError)) sayProblem(problem);
  }
  drawTopbar();
  route();
  followRunning();
  document.documentElement.dataset.ready = "yes";
}

listenTopbar();
listenLayout();
listenKeys();
listenDrops();
addEventListener("hashchange", route);
addEventListener("focus", catchUp);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applySettings);
bus.addEventListener("go", () => goTo(state.page));
start();
