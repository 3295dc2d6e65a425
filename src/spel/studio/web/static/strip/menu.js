// @ts-check
// The list of kinds of steps that can be added.

import { create, h } from "../base/dom.js";
import { say } from "../base/toasts.js";
import { kindAbout, kindName, t } from "../base/words.js";
import { act } from "../commands.js";
import { choose, network, state, stepTitle } from "../store.js";

/**
 * @param {HTMLElement} button that opened it; it has the focus again in the end
 * @param {string} after the step behind which a new one comes
 */
export function openAddMenu(button, after) {
  document.querySelector("dialog.menu")?.remove();
  const kinds = state.constants.kinds.map((kind) =>
    h(
      "button",
      {
        key: kind,
        onclick: () => {
          dialog.close();
          add(kind, after);
        },
      },
      h("b", {}, kindName(kind)),
      h("small", {}, kindAbout(kind)),
    ),
  );
  const dialog = /** @type {HTMLDialogElement} */ (
    create(
      h(
        "dialog.menu",
        { "aria-label": t("step.add") },
        h("h2", {}, t("step.add.title")),
        h("div.menu-grid", {}, kinds),
      ),
    )
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    button.focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/**
 * @param {string} kind
 * @param {string} after
 */
async function add(kind, after) {
  const before = new Set(network()?.nodes.map((n) => n.name));
  await act({ do: "add_step", network: state.network, after, kind, image: state.image });
  const added = network()?.nodes.findLast((n) => !before.has(n.name));
  if (!added) return;
  choose({ node: added.name });
  say(t("step.added", { name: stepTitle(added.name) }));
}
