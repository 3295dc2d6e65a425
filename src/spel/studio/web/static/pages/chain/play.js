// @ts-check
// The sum of a window, term by term: play, step, speed.

import { chip, labelled, miniButton, slider } from "../../base/controls.js";
import { h } from "../../base/dom.js";
import { icon } from "../../base/icons.js";
import { t } from "../../base/words.js";
import { pointAt, state } from "../../store.js";

export class Player {
  playing = false;
  /** Terms in a second. */
  speed = 2;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
  }

  /** How many terms there are. */
  get count() {
    return state.trace?.steps.at(-1)?.terms.displacements?.length ?? 0;
  }

  /** @param {1 | -1} by */
  step(by) {
    const { count } = this;
    if (!count) return;
    const start = by > 0 ? -1 : count;
    pointAt(((state.term ?? start) + by + count) % count);
  }

  toggle() {
    this.playing = !this.playing && this.count > 0;
    // From the last term on it begins again.
    if (this.playing && state.term === this.count - 1) pointAt(null);
    clearTimeout(this.timer);
    if (this.playing) this.tick();
    this.changed();
  }

  stop() {
    if (!this.playing) return;
    this.playing = false;
    clearTimeout(this.timer);
    this.changed();
  }

  tick() {
    this.step(1);
    if (state.term === this.count - 1) this.stop();
    else this.timer = setTimeout(() => this.tick(), 1000 / this.speed);
  }

  tools() {
    // They stand there from the start: no picture moves when the numbers come.
    const { playing, speed } = this;
    const disabled = !this.count;
    const name = t(playing ? "play.pause" : "play");
    const setSpeed = (/** @type {number} */ value) => {
      this.speed = value;
    };
    return h(
      "span.group",
      { key: "play", role: "group", "aria-label": t("play.label") },
      miniButton(icon("left"), t("play.back"), () => this.step(-1), { disabled }),
      chip({ key: "play", pressed: playing, disabled, onclick: () => this.toggle() }, name),
      miniButton(icon("right"), t("play.next"), () => this.step(1), { disabled }),
      labelled(
        t("play.speed"),
        slider({ what: "input.alpha", min: 1, max: 12, step: 1, value: speed, onmove: setSpeed }),
      ),
    );
  }
}
