// @ts-check
// The chain: all steps live, the stage, the inspector, parameters in place.

import { h, patch } from "../../base/dom.js";
import { Part } from "../../base/part.js";
import { t } from "../../base/words.js";
import "../../editor/editor.js";
import "../../inspector/inspector.js";
import { bus } from "../../store.js";
import "../../strip/strip.js";
import "./viewer.js";

class ChainPage extends Part {
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
    patch(this, h("spel-strip"), h("div.workbench", {}, editor, viewer, inspector));
  }
}
customElements.define("page-chain", ChainPage);
