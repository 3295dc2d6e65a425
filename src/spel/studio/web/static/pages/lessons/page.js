// @ts-check
// The list of lessons.

import { h, patch } from "../../base/dom.js";
import { Part } from "../../base/part.js";
import { inWords, t } from "../../base/words.js";
import { bus } from "../../store.js";
import { beginLesson } from "./lesson.js";
import { lessonList, progressOf } from "./progress.js";

/** @import { Lesson } from "../../server/types.js" */

class LessonsPage extends Part {
  build() {
    this.className = "page";
    this.on(bus, "language", () => this.redraw());
    this.redraw();
  }

  async redraw() {
    const cards = (await lessonList()).map(lessonCard);
    const title = h("h1", {}, t("lessons.title"));
    const about = h("p.muted.lead", {}, t("lessons.about"));
    patch(this, h("div.scroll.padded", {}, title, about, h("div.export-grid", {}, cards)));
  }
}
customElements.define("page-lessons", LessonsPage);

/** @param {Lesson} lesson */
function lessonCard(lesson) {
  const steps = t("lessons.steps", { n: lesson.steps.length });
  const { answers, step } = progressOf(lesson.id);
  const done = Object.values(answers).filter((one) => one.done).length;
  const minutes = t("lessons.minutes", { n: lesson.minutes });
  const words = [steps, minutes, done ? t("lessons.done", { n: done }) : ""].filter(Boolean);
  return h(
    "article.export-card.lesson-card",
    { key: lesson.id },
    h("h2", {}, inWords(lesson.title)),
    h("p.muted", {}, inWords(lesson.about)),
    h("p.small.muted", {}, words.join(" · ")),
    h(
      "button.primary",
      { "data-lesson": lesson.id, onclick: () => beginLesson(lesson) },
      t(step || done ? "lessons.continue" : "lessons.start"),
    ),
  );
}
