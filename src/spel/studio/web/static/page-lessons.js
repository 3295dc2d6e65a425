// Lessons: prepared states with a question each; the answer comes from the engine where it can.

import { get } from "./api.js";
import { Part, fill, h, icon, inWords, num, t } from "./core.js";
import { act, bus, choose, onStep, state, step, tell, trace } from "./store.js";

let lessons = null;
const load = async () => (lessons ??= await get("lessons"));
const scores = new Map();

class LessonsPage extends Part {
  build() {
    this.className = "page";
    this.on(bus, "language", () => this.draw());
    this.draw();
  }
  async draw() {
    const all = await load();
    fill(
      this,
      h(
        "div.scroll.padded",
        {},
        h("h1", {}, t("lessons.title")),
        h("p.muted.lead", {}, t("lessons.about")),
        h(
          "div.export-grid",
          {},
          all.map((lesson) =>
            h(
              "article.export-card.lesson-card",
              {},
              h("h2", {}, inWords(lesson.title)),
              h("p.muted", {}, inWords(lesson.about)),
              h(
                "p.small.muted",
                {},
                `${t("lessons.steps", { n: lesson.steps.length })} · ${t("lessons.minutes", { n: lesson.minutes })}`,
              ),
              h(
                "button.primary",
                { "data-lesson": lesson.id, onclick: () => begin(lesson) },
                t("lessons.start"),
              ),
            ),
          ),
        ),
      ),
    );
  }
}
customElements.define("page-lessons", LessonsPage);

async function begin(lesson) {
  scores.clear();
  Object.assign(state, { lesson, step: 0 });
  stage.last = undefined;
  await stage();
}
/** Bring the studio to the state of the lesson's step. */
async function stage() {
  const { lesson } = state,
    told = lesson.steps[state.step];
  const template = JSON.stringify([lesson.id, told.commands ?? []]);
  // What was learned from strokes lives on from step to step: its state changes only where steps say so.
  if (template !== stage.last)
    await act({ do: "stage_lesson", template: lesson.template, commands: told.commands ?? [] });
  stage.last = template;
  const image = state.doc.images.some((i) => i.id === lesson.image)
    ? lesson.image
    : state.doc.images[0].id;
  choose({ network: "lesson", image });
  await new Promise((done) => setTimeout(done, 60));
  choose({
    node: told.node,
    kernel: 0,
    channel: 0,
    ...(told.at ? { cursor: told.at, pinned: true } : {}),
  });
  state.page = told.page;
  tell("go");
}

class Lesson extends Part {
  build() {
    this.on(bus, "language", () => this.draw());
    this.setAttribute("role", "complementary");
    this.setAttribute("aria-label", t("lessons.title"));
    this.draw();
  }
  move(by) {
    const last = state.lesson.steps.length - 1;
    state.step = Math.min(last, Math.max(0, state.step + by));
    stage();
  }
  draw() {
    const { lesson } = state;
    if (!lesson) return;
    const told = lesson.steps[state.step],
      last = state.step === lesson.steps.length - 1,
      right = [...scores.values()].filter(Boolean).length;
    this.result = h("p.lesson-result", { role: "status" });
    fill(
      this,
      h(
        "header.row.between",
        {},
        h("span.tag", {}, t("lesson.step", { i: state.step + 1, n: lesson.steps.length })),
        h(
          "button.chip",
          {
            onclick: () => {
              state.lesson = null;
              tell("go");
            },
          },
          t("lesson.leave"),
        ),
      ),
      h("progress", {
        max: lesson.steps.length,
        value: state.step + 1,
        "aria-label": t("lesson.step", { i: state.step + 1, n: lesson.steps.length }),
      }),
      h("h1", {}, inWords(told.title)),
      h("p.lead", {}, inWords(told.text)),
      h(
        "section.question",
        {},
        h("p", {}, h("b", {}, inWords(told.ask.question))),
        this.form(told.ask),
        this.result,
      ),
      last
        ? h(
            "p.muted.small",
            {},
            t("lesson.done"),
            " ",
            t("lesson.score", { n: right, m: lesson.steps.length }),
          )
        : null,
      h(
        "nav.row.between",
        { "aria-label": t("lesson.step", { i: state.step + 1, n: lesson.steps.length }) },
        h(
          "button.chip",
          { disabled: state.step === 0, onclick: () => this.move(-1) },
          icon("left"),
          t("lesson.before"),
        ),
        h(
          "button.primary",
          { disabled: last, onclick: () => this.move(1) },
          t("lesson.next"),
          icon("right"),
        ),
      ),
    );
  }
  form(ask) {
    if (ask.kind === "choice")
      return h(
        "div.options",
        {},
        ask.options.map((option, i) =>
          h(
            "button.chip",
            {
              onclick: (e) => {
                this.mark(i === ask.answer, e.currentTarget);
              },
            },
            inWords(option),
          ),
        ),
        h(
          "button.chip.quiet",
          {
            onclick: () =>
              this.tell(t("lesson.answer.option", { v: inWords(ask.options[ask.answer]) })),
          },
          t("lesson.reveal"),
        ),
      );
    const input = h("input", { type: "number", step: "any", "aria-label": t("lesson.your") });
    return h(
      "form.row",
      {
        onsubmit: async (e) => {
          e.preventDefault();
          const value = await this.value();
          if (input.value !== "")
            this.mark(Math.abs(Number(input.value) - value) <= ask.tolerance + 1e-9);
        },
      },
      input,
      h("button.chip", {}, t("lesson.check")),
      h(
        "button.chip.quiet",
        {
          type: "button",
          onclick: async () => this.tell(t("lesson.answer", { v: num(await this.value(), 5) })),
        },
        t("lesson.reveal"),
      ),
    );
  }
  /** The engine's number at the marked spel. */
  async value() {
    const told = state.lesson.steps[state.step],
      at = onStep(step(told.node), told.at);
    const found = await trace({
      network: state.network,
      image: state.image,
      node: told.node,
      row: at[0],
      col: at[1],
      channel: 0,
    });
    return found.value;
  }
  mark(good, button) {
    if (!scores.has(state.step)) scores.set(state.step, good);
    button?.classList.add(good ? "good" : "bad");
    this.result.className = `lesson-result ${good ? "good" : "bad"}`;
    this.result.textContent = t(good ? "lesson.right" : "lesson.wrong");
  }
  tell(text) {
    if (!scores.has(state.step)) scores.set(state.step, false);
    this.result.className = "lesson-result";
    this.result.textContent = text;
  }
}
customElements.define("spel-lesson", Lesson);
