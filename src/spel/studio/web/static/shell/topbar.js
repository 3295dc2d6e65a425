// @ts-check
// The top bar: pages, network, image, undo, settings.

import { chip, pickFiles, selectField, toolButton } from "../base/controls.js";
import { h, patch } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { say } from "../base/toasts.js";
import { reasonText } from "../base/reasons.js";
import { language, t } from "../base/words.js";
import { act, redo, undo } from "../commands.js";
import {
  bus,
  choose,
  imageOf,
  imageTitle,
  networkTitle,
  ownImages,
  sourceIdOf,
  state,
} from "../store.js";
import { showCode, showHelp } from "./dialogs.js";
import { openMatrix } from "./matrix.js";
import { PAGES } from "./pages.js";
import { isDark, toggleLanguage, toggleProjector, toggleTheme } from "./settings.js";
import { addImages, IMAGE_FILES } from "./uploads.js";

let working = 0;
/** The problem of the document that was shown last. @type {string | null} */
let problem = null;

export function listenTopbar() {
  for (const name of ["document", "select", "image", "problem", "page", "language", "theme"]) {
    bus.addEventListener(name, drawTopbar);
  }
  bus.addEventListener("busy", () => showWork(1));
  bus.addEventListener("idle", () => showWork(-1));
}

/** @param {1 | -1} change */
function showWork(change) {
  working = Math.max(0, working + change);
  document.querySelector(".busy")?.classList.toggle("on", working > 0);
}

export function drawTopbar() {
  if (!state.doc) return;
  patch(
    /** @type {HTMLElement} */ (document.getElementById("top")),
    brand(),
    h("nav", { "aria-label": t("pages") }, PAGES.map(tab)),
    h("span.spread"),
    pickers(),
    history(),
    settings(),
  );
  drawNotice();
  if (state.doc.problem && state.doc.problem !== problem) say(state.doc.problem, "error");
  problem = state.doc.problem;
}

function brand() {
  const mark = h("i.mark", { "aria-hidden": "true" });
  const attributes = { href: "./#chain", "aria-label": "spel studio" };
  return h("a.brand", attributes, mark, h("span", {}, "spel"));
}

/** @param {string} page */
function tab(page) {
  const current = page === state.page ? "page" : null;
  const attributes = { key: page, href: `./#${page}`, "data-page": page, "aria-current": current };
  return h("a.tab", attributes, t(`page.${page}`));
}

/** Network and image, and files to add. */
function pickers() {
  const { networks } = state.doc;
  const images = state.doc.images.filter((one) => !one.lesson || one === imageOf());
  const networkNames = networks.map(
    ({ name }) => /** @type {const} */ ([name, networkTitle(name)]),
  );
  const imageNames = images.map(({ id, name, problem }) => {
    return /** @type {const} */ ([id, problem ? `⚠ ${imageTitle(name)}` : imageTitle(name)]);
  });
  const pick = (/** @type {string} */ key) => ({ what: "select.pick", key, "aria-label": t(key) });
  const add = () => pickFiles(IMAGE_FILES, addImages, true);
  return h(
    "span.group",
    { key: "pickers" },
    selectField(networkNames, state.network, (network) => choose({ network }), pick("network")),
    toolButton("left", t("image.before"), () => nextImage(-1)),
    selectField(imageNames, sourceIdOf(state.image), (image) => choose({ image }), pick("image")),
    toolButton("right", t("image.next"), () => nextImage(1)),
    toolButton("upload", t("image.add"), add),
    toolButton("numbers", t("matrix"), openMatrix),
    toolButton("trash", t("image.remove"), removeImage, { disabled: images.length < 2 }),
  );
}

const removeImage = () => act({ do: "remove_image", image: state.image });

/** Below the bar: why the image cannot be read. */
function drawNotice() {
  const { problem } = imageOf() ?? {};
  const only = ownImages().length < 2;
  const button = chip({ disabled: only, onclick: removeImage }, icon("trash"), t("image.remove"));
  patch(
    /** @type {HTMLElement} */ (document.getElementById("notice")),
    problem
      ? h("p.error", { role: "alert" }, t("image.broken", { problem: reasonText(problem) }))
      : null,
    problem ? button : null,
  );
}

/**
 * The next image of the session, round and round.
 * @param {1 | -1} by
 */
export function nextImage(by) {
  const images = ownImages();
  const at = images.findIndex((one) => one.id === sourceIdOf(state.image));
  const next = images.at((at + by) % images.length);
  if (next) choose({ image: next.id });
}

/** Undo, redo, and whether the server is at work. */
function history() {
  /** @type {(name: "undo" | "redo", then: () => void) => any} */
  const button = (name, then) => {
    const what = state.doc[name];
    const title = what ? `${t(name)}: ${t(`do.${what}`)}` : t(name);
    return toolButton(name, t(name), then, { title, disabled: !what });
  };
  const busy = h("span.busy", { role: "status", "aria-label": t("idle") });
  return h("span.group", { key: "history" }, button("undo", undo), button("redo", redo), busy);
}

function settings() {
  const english = language.now === "en";
  return h(
    "span.group",
    { key: "settings" },
    h(
      "button.tool.text",
      { key: "code", title: t("code"), "aria-label": t("code"), onclick: showCode },
      icon("code"),
    ),
    h(
      "button.tool.text",
      {
        key: "language",
        title: t("language.switch"),
        lang: english ? "pt-BR" : "en",
        onclick: toggleLanguage,
      },
      english ? "PT" : "EN",
    ),
    toolButton(isDark() ? "sun" : "moon", t("theme"), toggleTheme, { key: "theme" }),
    toolButton("screen", t("projector"), toggleProjector),
    toolButton("help", t("help"), showHelp),
  );
}
