// @ts-check
// The list of lessons.

import { h, patch } from "../../base/dom.js";
import { Part } from "../../base/part.js";
import { inWords, t } from "../../base/words.js";
import { get } from "../../server/api.js";
import { bus } from "../../store.js";
import { beginLesson } from "./lesson.js";

/** @import { Lesson } from "../../server/types.js" */

/** @type {Promise<Lesson[]> | null} */
let lessons = null;

class LessonsPage extends Part {
  build() {
    this.className = "page";
    this.on(bus, "language", () => this.redraw());
    this.redraw();
  }

  async redraw() {
    lessons ??= get("lessons");
    const cards = (await lessons).map(lessonCard);
    const title = h("h1", {}, t("lessons.title"));
    const about = h("p.muted.lead", {}, t("lessons.about"));
    patch(this, h("div.scroll.padded", {}, title, about, h("div.export-grid", {}, cards)));
  }
}
customElements.define("page-lessons", LessonsPage);

/** @param {Lesson} lesson */
function lessonCard(lesson) {
  const steps = t("lessons.steps", { n: lesson.steps.length });
  const length = `${steps} · ${t("lessons.minutes", { n: lesson.minutes })}`;
  return h(
    "article.export-card.lesson-card",
    { key: lesson.id },
    h("h2", {}, inWords(lesson.title)),
    h("p.muted", {}, inWords(lesson.about)),
    h("p.small.muted", {}, length),
    h(
      "button.primary",
      { "data-lesson": lesson.id, onclick: () => beginLesson(lesson) },
      t("lessons.start"),
    ),
  );
}
