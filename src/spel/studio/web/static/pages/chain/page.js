// @ts-check
// The chain: all steps live, the stage, the inspector, parameters in place.

import { radio } from "../../base/controls.js";
import { h, patch } from "../../base/dom.js";
import { Part } from "../../base/part.js";
import { t } from "../../base/words.js";
import "../../editor/editor.js";
import "../../inspector/inspector.js";
import { bus } from "../../store.js";
import "../../strip/strip.js";
import "./viewer.js";

class ChainPage extends Part {
  /** The panel that is shown where there is room for one. @type {"inspector" | "editor"} */
  side = "inspector";

  build() {
    this.className = "page chain";
    this.on(bus, "language", () => this.redraw());
    this.redraw();
  }

  redraw() {
    const editor = h("aside.panel.left", { "aria-label": t("editor.title") }, h("spel-editor"));
    const viewer = h("section.center", { "aria-label": t("stage.label") }, h("spel-viewer"));
    const side = { "aria-label": t("inspector.title") };
    const inspector = h("aside.panel.right", side, h("spel-inspector"));
    const columns = { "data-side": this.side };
    patch(
      this,
      h("spel-strip"),
      h("div.workbench", columns, editor, viewer, this.tabs(), inspector),
    );
  }

  /** Which panel to show; seen only where there is no room for both. */
  tabs() {
    const choices = /** @type {const} */ ([
      ["inspector", t("inspector.title")],
      ["editor", t("editor.title")],
    ]);
    const show = (/** @type {"inspector" | "editor"} */ side) => {
      this.side = side;
      this.redraw();
    };
    return h("div.side-tabs", {}, radio(t("side.tabs"), [...choices], this.side, show));
  }
}
customElements.define("page-chain", ChainPage);
