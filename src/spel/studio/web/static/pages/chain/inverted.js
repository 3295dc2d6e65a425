// @ts-check
// What a step still knows of the image: its activation inverted, in the place of the picture.

import { chip } from "../../base/controls.js";
import { num } from "../../base/numbers.js";
import { sayProblem } from "../../base/toasts.js";
import { t } from "../../base/words.js";
import { canvasOf, penOf } from "../../picture/colors.js";
import { getPacked } from "../../server/api.js";
import { imageOf, ownImages, state, step } from "../../store.js";
import { runTask, taskOf, taskRow } from "../../tasks.js";

/** The picture of the step on the screen that an inversion gave, and how like the image it is. */
export class Inverted {
  /** @type {{ of: string, canvas: HTMLCanvasElement, likeness: number | null } | null} */
  made = null;

  /** Whether what the step has lost is guessed from the other images. */
  guess = false;

  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
  }

  /** The picture, if it is of what the screen shows now. */
  get canvas() {
    return this.made?.of === shownId() ? this.made.canvas : null;
  }

  tools() {
    const running = taskOf("invert")?.state === "running";
    const attributes = {
      key: "invert",
      pressed: this.canvas !== null,
      disabled: running || !shownId(),
      title: t("invert.about"),
      onclick: () => this.toggle(),
    };
    return [chip(attributes, t("invert")), othersToAsk() ? this.guessTool(running) : null];
  }

  /** @param {boolean} running */
  guessTool(running) {
    const attributes = {
      key: "invert-guess",
      pressed: this.guess,
      disabled: running,
      title: t("invert.guess.about"),
      onclick: () => this.toggleGuess(),
    };
    return chip(attributes, t("invert.guess"));
  }

  /** A picture that is shown is made anew. */
  toggleGuess() {
    this.guess = !this.guess;
    const again = this.canvas !== null;
    this.made = null;
    this.changed();
    if (again) this.toggle();
  }

  /** How far it is, or what came of it. */
  work() {
    const task = taskOf("invert");
    if (this.made && this.canvas) {
      const { likeness } = this.made;
      return likeness === null
        ? t("invert.nothing")
        : t("invert.likeness", { r: num(likeness, 3) });
    }
    return task?.state === "running" || (task?.state === "failed" && this.asked === shownId())
      ? taskRow("invert")
      : null;
  }

  /** The activation that was asked for last. */
  asked = "";

  async toggle() {
    if (this.canvas) {
      this.made = null;
      this.changed();
      return;
    }
    const { network, image, node } = state;
    const guess = this.guess && othersToAsk();
    const of = shownId();
    this.asked = of;
    const task = await runTask("invert", { network, image, step: node, guess });
    if (task?.state !== "done") return;
    try {
      const [picture] = (await getPacked(`tasks/${task.id}/picture`)).arrays;
      if (!picture) return;
      const { likeness } = task.result;
      const share = likeness === null ? null : Number(likeness);
      this.made = { of, canvas: canvasOfPicture(picture), likeness: share };
      this.changed();
    } catch (problem) {
      sayProblem(problem);
    }
  }
}

/** Whether the user has images besides the one on the screen, which is theirs as well. */
const othersToAsk = () => imageOf()?.lesson === false && ownImages().length > 1;

/** The activation on the screen; empty for the image itself and where there is none. */
const shownId = () => (state.node === "input" ? "" : (step()?.id ?? ""));

/** @param {{ shape: number[], data: any }} picture of one or three channels */
function canvasOfPicture({ shape: [rows = 0, cols = 0, channels = 1], data }) {
  const canvas = canvasOf(rows, cols);
  const pen = penOf(canvas);
  const pixels = pen.createImageData(cols, rows);
  for (let i = 0; i < rows * cols; i++) {
    for (let c = 0; c < 3; c++) {
      pixels.data[4 * i + c] = data[i * channels + Math.min(c, channels - 1)];
    }
    pixels.data[4 * i + 3] = 255;
  }
  pen.putImageData(pixels, 0, 0);
  return canvas;
}
