// @ts-check
// Images: all of the session as small pictures, and a run over a folder.

import { chip, miniButton, pickFiles } from "../../base/controls.js";
import { h, patch } from "../../base/dom.js";
import { icon } from "../../base/icons.js";
import { Part } from "../../base/part.js";
import { sayProblem } from "../../base/toasts.js";
import { reasonText } from "../../base/reasons.js";
import { t } from "../../base/words.js";
import { act } from "../../commands.js";
import { get } from "../../server/api.js";
import { addFiles, IMAGE_FILES } from "../../shell/uploads.js";
import { bus, choose, imageTitle, ownImages, sourceIdOf, state } from "../../store.js";
import { runSection } from "./run.js";
import { thumb } from "./thumbs.js";

/** @import { ImageName } from "../../server/types.js" */
/** @import { Folder } from "./run.js" */

class ImagesPage extends Part {
  /** @type {Folder[]} */
  folders = [];

  build() {
    this.className = "page";
    this.on(bus, "document image language problem select task", () => this.redraw());
    this.redraw();
    this.load();
  }

  async load() {
    try {
      this.folders = (await get("folders")).folders;
    } catch (problem) {
      sayProblem(problem);
    }
    this.redraw();
  }

  redraw() {
    const images = ownImages();
    const add = () => pickFiles(IMAGE_FILES, addFiles, true);
    const session = h(
      "section",
      { key: "session", "aria-labelledby": "images" },
      h("h1", { id: "images" }, t("images.title", { n: images.length })),
      h("div.row", { key: "add" }, chip({ onclick: add }, icon("upload"), t("image.add"))),
      h("ul.image-grid", { key: "gallery" }, images.map(imageItem)),
    );
    const run = runSection(this.folders, () => this.redraw());
    patch(this, h("div.scroll.padded", {}, session, run));
  }
}
customElements.define("page-images", ImagesPage);

/**
 * Why an image cannot be read, without its name, which stands above.
 * @param {string} why
 * @param {string} name
 */
const shortened = (why, name) => why.split(`${name}: `).at(-1);

/** @param {ImageName} image */
function imageItem({ id, name: ownName, problem }) {
  const name = imageTitle(ownName);
  const current = id === sourceIdOf(state.image);
  const why = problem ? reasonText(problem) : "";
  const strokes = state.doc.strokes[id]?.length ?? 0;
  const boxes = state.doc.truth[id]?.length ?? 0;
  const facts = [
    strokes ? t("images.strokes", { n: strokes }) : "",
    boxes ? t("images.boxes", { n: boxes }) : "",
  ];
  const remove = () => act({ do: "remove_image", image: id });
  const only = ownImages().length < 2;
  const label = { "aria-label": `${t("image.remove")}: ${name}`, disabled: only };
  return h(
    "li",
    { key: id, class: `${problem ? "problem" : ""} ${current ? "current" : ""}`.trim() },
    h(
      "button.plain",
      {
        title: why || name,
        "aria-current": current ? "true" : null,
        onclick: () => choose({ image: id }),
      },
      problem ? h("span.thumb-frame.broken", {}, "⚠") : thumb(`images/${id}/thumb`),
      h("span.name", {}, name),
    ),
    h("span.small.muted", {}, shortened(why, ownName) || facts.filter(Boolean).join(" · ")),
    miniButton(icon("trash"), t("image.remove"), remove, label),
  );
}
