// @ts-check
// Edit the selected step in place: its parameters, and its kernels number by number.

import { textField } from "../base/controls.js";
import { h, patch } from "../base/dom.js";
import { Part } from "../base/part.js";
import { kindAbout, kindName, stem, t } from "../base/words.js";
import { act, pending } from "../commands.js";
import { bankArrays, picture, planes } from "../server/arrays.js";
import { bus, choose, node, state, stepTitle } from "../store.js";
import { layerField } from "./fields.js";
import { imageForm } from "./image.js";
import { inputsSection } from "./inputs.js";
import { kernelSection } from "./kernels.js";
import { statisticsSection } from "./statistics.js";

/** @import { NetworkNode } from "../server/types.js" */

class Editor extends Part {
  /** The channel of the kernel whose weights are shown. */
  channel = 0;
  /** A pointer is down here: what it drags must not jump back to the document's value. */
  held = false;

  build() {
    this.on(bus, "document select image contrast language task", () => this.redraw());
    this.on(this, "pointerdown", () => {
      this.held = true;
    });
    this.on(window, "pointerup pointercancel", () => {
      if (!this.held) return;
      this.held = false;
      setTimeout(() => this.redraw(), 60);
    });
    this.redraw();
  }

  async showImage() {
    const { image, band } = state;
    const current = await picture(image, band).catch(() => null);
    const strip = current?.cut ? await planes(image, current.cut[0]).catch(() => null) : null;
    if (state.image !== image || state.band !== band || node()) return;
    patch(this, h("h2", {}, t("step.input")), current ? imageForm(current, strip) : null);
  }

  async redraw() {
    // While changes are on their way the fields are newer than the document.
    if (this.held || pending()) return;
    const shown = node();
    if (!shown) {
      await this.showImage();
      return;
    }
    const { network } = state;
    const bank = shown.bank ? await bankArrays(network, shown) : null;
    if (node() !== shown || state.network !== network || this.held || pending()) return;
    const pickChannel = (/** @type {number} */ channel) => {
      this.channel = channel;
      this.redraw();
    };
    patch(
      this,
      heading(shown),
      h("p.muted.small", {}, kindAbout(shown.kind)),
      fields(shown),
      stem(shown.kind) === "batch_normalize" ? statisticsSection(shown) : null,
      bank ? kernelSection(shown, bank, this.channel, pickChannel) : null,
    );
  }
}
customElements.define("spel-editor", Editor);

/** @param {NetworkNode} shown */
function heading(shown) {
  const title = stepTitle(shown.name);
  const rename = async (/** @type {string} */ name) => {
    if (name === title) return;
    const { network } = state;
    const reply = await act({ do: "rename_step", network, node: shown.name, name });
    if (reply) choose({ node: name });
  };
  const label = t("editor.name");
  const name = textField({
    value: title,
    title: shown.name,
    "aria-label": label,
    maxLength: 64,
    onpick: rename,
  });
  return h("header.editor-head", {}, name, h("span.tag", {}, kindName(shown.kind)));
}

/** @param {NetworkNode} shown */
function fields(shown) {
  const schema = state.constants.schema[shown.kind] ?? [];
  const edited = schema.filter((one) => one.name in shown.fields);
  const rows = edited.map((one) =>
    layerField(shown, one, (value) => {
      const changed = { [one.name]: value };
      act({ do: "set_layer", network: state.network, node: shown.name, fields: changed });
    }),
  );
  // Another step has other fields, even where they have the same names.
  return h("div.fields", { key: shown.name }, rows, inputsSection(shown));
}
