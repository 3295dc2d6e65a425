// @ts-check
// A lesson: prepared states with a question each; the answer comes from the engine where it can.

import { chip } from "../../base/controls.js";
import { h, patch } from "../../base/dom.js";
import { icon } from "../../base/icons.js";
import { num } from "../../base/numbers.js";
import { Part } from "../../base/part.js";
import { sayProblem } from "../../base/toasts.js";
import { inWords, t } from "../../base/words.js";
import { act } from "../../commands.js";
import { trace } from "../../server/arrays.js";
import { bus, choose, emit, onStep, state, step } from "../../store.js";

/** @import { Lesson, LessonStep, Question } from "../../server/types.js" */

/** Whether the first try was right, by step. @type {Map<number, boolean>} */
const scores = new Map();
/** The state of the studio that was set up last. */
let staged = "";

/** @param {Lesson} lesson */
export async function beginLesson(lesson) {
  scores.clear();
  Object.assign(state, { lesson, lessonStep: 0 });
  staged = "";
  await setStage();
}

/** Bring the studio to the state of the lesson's step. */
async function setStage() {
  const { lesson } = state;
  const shown = lesson?.steps[state.lessonStep];
  if (!lesson || !shown) return;
  const commands = shown.commands ?? [];
  const wanted = JSON.stringify([lesson.id, commands]);
  // What was learned from strokes lives on from step to step: the state changes only where steps say so.
  if (wanted !== staged) await act({ do: "stage_lesson", template: lesson.template, commands });
  staged = wanted;
  const known = state.doc.images.some((i) => i.id === lesson.image);
  const image = known ? lesson.image : state.image;
  choose({ network: "lesson", image });
  choose({ node: shown.node, kernel: 0, channel: 0 });
  if (shown.at) choose({ cursor: shown.at, pinned: true });
  state.page = shown.page;
  emit("go", "lesson");
}

class LessonPanel extends Part {
  /** What was said to the last answer, and whether it was right. */
  result = { text: "", class: "" };
  /** The option that was picked last. */
  picked = -1;
  shownStep = -1;

  build() {
    this.setAttribute("role", "complementary");
    this.on(bus, "language lesson", () => this.redraw());
    this.redraw();
  }

  redraw() {
    const { lesson, lessonStep } = state;
    const shown = lesson?.steps[lessonStep];
    if (!lesson || !shown) return;
    if (this.shownStep !== lessonStep) this.begin(lessonStep);
    this.setAttribute("aria-label", t("lessons.title"));
    const where = t("lesson.step", { i: lessonStep + 1, n: lesson.steps.length });
    const { text, class: verdict } = this.result;
    patch(
      this,
      heading(where),
      h("progress", { max: lesson.steps.length, value: lessonStep + 1, "aria-label": where }),
      h("h1", {}, inWords(shown.title)),
      h("p.lead", {}, inWords(shown.text)),
      h(
        "section.question",
        { key: lessonStep },
        h("p", {}, h("b", {}, inWords(shown.ask.question))),
        this.form(shown.ask),
        h("p.lesson-result", { role: "status", class: verdict }, text),
      ),
      lessonStep === lesson.steps.length - 1 ? score(lesson) : null,
      this.moves(lesson, where),
    );
  }

  /** @param {number} lessonStep */
  begin(lessonStep) {
    this.shownStep = lessonStep;
    this.picked = -1;
    this.result = { text: "", class: "" };
  }

  /**
   * @param {Lesson} lesson
   * @param {string} where
   */
  moves(lesson, where) {
    const { lessonStep } = state;
    const move = (/** @type {number} */ by) => {
      state.lessonStep = lessonStep + by;
      setStage();
    };
    return h(
      "nav.row.between",
      { "aria-label": where },
      chip(
        { disabled: lessonStep === 0, onclick: () => move(-1) },
        icon("left"),
        t("lesson.before"),
      ),
      h(
        "button.primary",
        { disabled: lessonStep === lesson.steps.length - 1, onclick: () => move(1) },
        t("lesson.next"),
        icon("right"),
      ),
    );
  }

  /** @param {Question} ask */
  form(ask) {
    return ask.kind === "choice" ? this.optionList(ask) : this.numberForm(ask);
  }

  /** @param {Question} ask */
  optionList({ options = [], answer = 0 }) {
    const verdict = (/** @type {number} */ i) => (i === answer ? "good" : "bad");
    const buttons = options.map((option, i) => {
      const pick = () => {
        this.picked = i;
        this.judge(i === answer);
      };
      return chip(
        { key: i, class: i === this.picked ? verdict(i) : "", onclick: pick },
        inWords(option),
      );
    });
    const reveal = () => this.reveal(t("lesson.answer.option", { v: inWords(options[answer]) }));
    return h("div.options", {}, buttons, revealButton(reveal));
  }

  /** @param {Question} ask */
  numberForm({ tolerance = 0 }) {
    const check = async (/** @type {SubmitEvent & { currentTarget: HTMLFormElement }} */ event) => {
      event.preventDefault();
      const input = event.currentTarget.querySelector("input");
      if (!input || !Number.isFinite(input.valueAsNumber)) return;
      const typed = input.valueAsNumber;
      const value = await engineValue();
      if (value !== undefined) this.judge(Math.abs(typed - value) <= tolerance + 1e-9);
    };
    const reveal = async () => {
      const value = await engineValue();
      if (value !== undefined) this.reveal(t("lesson.answer", { v: num(value, 5) }));
    };
    return h(
      "form.row",
      { onsubmit: check },
      h("input", { type: "number", step: "any", "aria-label": t("lesson.your") }),
      chip({ type: "submit" }, t("lesson.check")),
      revealButton(reveal),
    );
  }

  /** @param {boolean} right */
  judge(right) {
    if (!scores.has(state.lessonStep)) scores.set(state.lessonStep, right);
    const text = t(right ? "lesson.right" : "lesson.wrong");
    this.result = { text, class: right ? "good" : "bad" };
    this.redraw();
  }

  /** @param {string} text */
  reveal(text) {
    if (!scores.has(state.lessonStep)) scores.set(state.lessonStep, false);
    this.result = { text, class: "" };
    this.redraw();
  }
}
customElements.define("spel-lesson", LessonPanel);

/** @param {string} where */
function heading(where) {
  const leave = () => {
    state.lesson = null;
    emit("go");
  };
  const button = chip({ onclick: leave }, t("lesson.leave"));
  return h("header.row.between", {}, h("span.tag", {}, where), button);
}

/** @param {Lesson} lesson */
function score(lesson) {
  const right = [...scores.values()].filter(Boolean).length;
  const text = t("lesson.score", { n: right, m: lesson.steps.length });
  return h("p.muted.small", { key: "score" }, `${t("lesson.done")} ${text}`);
}

/** @param {() => void} onclick */
const revealButton = (onclick) =>
  h("button.chip.quiet", { type: "button", onclick }, t("lesson.reveal"));

/** The engine's number at the marked spel. @returns {Promise<number | undefined>} */
async function engineValue() {
  const shown = /** @type {LessonStep | undefined} */ (state.lesson?.steps[state.lessonStep]);
  if (!shown?.at) return undefined;
  const [row, col] = onStep(step(shown.node), shown.at);
  const { network, image } = state;
  try {
    return (await trace({ network, image, node: shown.node, row, col, channel: 0 }))?.value;
  } catch (problem) {
    sayProblem(problem);
    return undefined;
  }
}
