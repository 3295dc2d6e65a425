// @ts-check
// A lesson: prepared states with a question each. What is asked for is hidden until it is answered.

import { chip } from "../../base/controls.js";
import { h, patch } from "../../base/dom.js";
import { icon } from "../../base/icons.js";
import { num } from "../../base/numbers.js";
import { Part } from "../../base/part.js";
import { sayProblem } from "../../base/toasts.js";
import { inWords, t } from "../../base/words.js";
import { act } from "../../commands.js";
import { bus, choose, emit, network, state } from "../../store.js";
import { answerOf } from "./answers.js";
import { progressOf, saveAnswer, saveProgress } from "./progress.js";

/** @import { Lesson, LessonStep, Question } from "../../server/types.js" */
/** @import { Answer } from "./progress.js" */

/** The state of the studio that was set up last. */
let staged = "";

/**
 * @param {Lesson} lesson
 * @param {number} [at] the step to begin with; without it, that of last time
 */
export async function beginLesson(lesson, at = progressOf(lesson.id).step) {
  const lessonStep = Math.min(Math.max(0, at || 0), lesson.steps.length - 1);
  if (state.lesson?.id !== lesson.id) staged = "";
  Object.assign(state, { lesson, lessonStep });
  await setStage();
}

/**
 * The next step of the lesson, or the one before.
 * @param {1 | -1} by
 */
export function moveLesson(by) {
  const { lesson, lessonStep } = state;
  if (lesson?.steps[lessonStep + by]) beginLesson(lesson, lessonStep + by);
}

/** Bring the studio to the state of the lesson's step. */
async function setStage() {
  const { lesson, lessonStep } = state;
  const shown = lesson?.steps[lessonStep];
  if (!lesson || !shown) return;
  saveProgress(lesson.id, { ...progressOf(lesson.id), step: lessonStep });
  await stageNetwork(lesson, shown);
  choose({ network: lesson.network ?? "lesson", image: shown.image ?? lesson.image });
  choose({ node: shown.node, kernel: 0, channel: 0 });
  if (shown.at) choose({ cursor: shown.at, pinned: true });
  state.page = shown.page;
  emit("go", "lesson");
}

/**
 * What was learned from strokes lives on: the network changes only where steps say so.
 * @param {Lesson} lesson
 * @param {LessonStep} shown
 */
async function stageNetwork(lesson, { commands = [], template = lesson.template }) {
  const { network: own } = lesson;
  const wanted = JSON.stringify([lesson.id, template, commands]);
  if (wanted === staged || (own && network(own))) return;
  await act({ do: "stage_lesson", template, commands, network: own ?? "lesson" });
  staged = wanted;
}

/**
 * Hide what a question asks for until it is answered.
 * @param {LessonStep | undefined} shown
 */
function hideAnswer(shown) {
  const { lesson, lessonStep } = state;
  const isQuestion = lesson && shown?.ask.kind === "value";
  const open = isQuestion && !progressOf(lesson.id).answers[lessonStep]?.done;
  const { dataset } = document.documentElement;
  dataset.predict = open ? (shown.ask.cover ? "cover" : "on") : "off";
  dataset.asked = open ? (shown.ask.of ?? "value") : "";
  state.asked = open ? shown.node : "";
  emit("predict");
}

class LessonPanel extends Part {
  /** What was said to the last answer, and whether it was right. */
  result = { text: "", class: "" };
  shownStep = "";

  build() {
    this.setAttribute("role", "complementary");
    this.on(bus, "language lesson", () => this.redraw());
    this.redraw();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    if (!state.lesson) hideAnswer(undefined);
  }

  redraw() {
    const { lesson, lessonStep } = state;
    const shown = lesson?.steps[lessonStep];
    if (!lesson || !shown) return;
    const key = `${lesson.id} ${lessonStep}`;
    const arrived = this.shownStep !== key;
    if (arrived) this.result = { text: "", class: "" };
    this.shownStep = key;
    hideAnswer(shown);
    this.setAttribute("aria-label", t("lessons.title"));
    const where = t("lesson.step", { i: lessonStep + 1, n: lesson.steps.length });
    patch(
      this,
      heading(inWords(lesson.title), where),
      h("progress", { max: lesson.steps.length, value: lessonStep + 1, "aria-label": where }),
      h("h1", { tabIndex: -1 }, inWords(shown.title)),
      h("p.lead", {}, inWords(shown.text)),
      this.question(shown, lesson, lessonStep),
      score(lesson),
      moves(lesson, lessonStep, where),
    );
    if (arrived) this.querySelector("h1")?.focus();
  }

  /**
   * @param {LessonStep} shown
   * @param {Lesson} lesson
   * @param {number} lessonStep
   */
  question(shown, lesson, lessonStep) {
    const answer = progressOf(lesson.id).answers[lessonStep];
    const { text, class: verdict } = this.result;
    const before = answer ? t(answer.done ? "lesson.answered" : "lesson.tried") : "";
    return h(
      "section.question",
      { key: `${lesson.id} ${lessonStep}` },
      h("p", {}, h("b", {}, inWords(shown.ask.question))),
      shown.ask.kind === "choice" ? this.options(shown.ask, answer) : this.number(shown, answer),
      h("p.lesson-result", { role: "status", class: verdict }, text || before),
    );
  }

  /**
   * @param {Question} ask
   * @param {Answer | undefined} before
   */
  options({ options = [], answer = 0 }, before) {
    const verdict = (/** @type {number} */ i) => (i === answer ? "good" : "bad");
    const buttons = options.map((option, i) => {
      const pick = () => this.judge(i === answer, i, inWords(option.why));
      const picked = i === before?.picked ? verdict(i) : "";
      return chip({ key: i, class: picked, onclick: pick }, inWords(option));
    });
    const right = options[answer];
    const reveal = () => this.reveal(t("lesson.answer.option", { v: inWords(right) }), answer);
    return h("div.options", {}, buttons, revealButton(reveal));
  }

  /**
   * @param {LessonStep} shown
   * @param {Answer | undefined} before
   */
  number(shown, before) {
    const check = async (/** @type {SubmitEvent & { currentTarget: HTMLFormElement }} */ event) => {
      event.preventDefault();
      const typed = event.currentTarget.querySelector("input")?.valueAsNumber ?? Number.NaN;
      const value = await answerOf(shown).catch(sayProblem);
      if (!Number.isFinite(typed) || typeof value !== "number") return;
      const right = Math.abs(typed - value) <= (shown.ask.tolerance ?? 0) + 1e-9;
      this.judge(right, typed, t(typed > value ? "lesson.large" : "lesson.small"));
    };
    const reveal = async () => {
      const value = await answerOf(shown).catch(sayProblem);
      if (typeof value === "number") this.reveal(t("lesson.answer", { v: num(value, 5) }), value);
    };
    const label = { "aria-label": t("lesson.your"), value: before?.picked ?? null };
    return h(
      "form.row",
      { onsubmit: check },
      h("input", { type: "number", step: "any", ...label }),
      chip({ type: "submit" }, t("lesson.check")),
      revealButton(reveal),
    );
  }

  /**
   * @param {boolean} right
   * @param {number} picked
   * @param {string} why what is wrong with a wrong answer
   */
  judge(right, picked, why) {
    this.result = right
      ? { text: t("lesson.right"), class: "good" }
      : { text: why || t("lesson.wrong"), class: "bad" };
    this.save({ first: right, done: right, picked });
  }

  /**
   * @param {string} text
   * @param {number} picked
   */
  reveal(text, picked) {
    this.result = { text, class: "" };
    this.save({ first: false, done: true, picked });
  }

  /** @param {Answer} answer */
  save(answer) {
    if (state.lesson) saveAnswer(state.lesson.id, state.lessonStep, answer);
    this.redraw();
  }
}
customElements.define("spel-lesson", LessonPanel);

/**
 * @param {string} title
 * @param {string} where
 */
function heading(title, where) {
  const leave = () => {
    state.lesson = null;
    emit("go");
  };
  const button = chip({ onclick: leave }, t("lesson.leave"));
  return h("header.row.between", {}, h("span.tag", {}, `${title} · ${where}`), button);
}

/**
 * @param {Lesson} lesson
 * @param {number} now
 * @param {string} where
 */
function moves(lesson, now, where) {
  const last = now === lesson.steps.length - 1;
  const back = { key: "back", disabled: now === 0, onclick: () => moveLesson(-1) };
  const next = { key: "next", disabled: last, onclick: () => moveLesson(1) };
  return h(
    "nav.row.between",
    { "aria-label": where },
    chip(back, icon("left"), t("lesson.before")),
    h("button.primary", next, t("lesson.next"), icon("right")),
  );
}

/**
 * How many were right, once all questions are answered.
 * @param {Lesson} lesson
 */
function score(lesson) {
  const answers = Object.values(progressOf(lesson.id).answers).filter((one) => one.done);
  if (answers.length < lesson.steps.length) return null;
  const right = answers.filter((one) => one.first).length;
  const text = t("lesson.score", { n: right, m: lesson.steps.length });
  return h("p.muted.small", { key: "score" }, `${t("lesson.done")} ${text}`);
}

/** @param {() => void} onclick */
const revealButton = (onclick) =>
  h("button.chip.quiet", { type: "button", onclick }, t("lesson.reveal"));
