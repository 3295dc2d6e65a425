// @ts-check
// The lessons, and how far this browser has come in each of them.

import { get } from "../../server/api.js";

/** @import { Lesson } from "../../server/types.js" */

/**
 * What was answered to a question.
 * @typedef {object} Answer
 * @property {boolean} first the first try was right
 * @property {boolean} done it was answered right, or revealed
 * @property {number} [picked] the option, or the number, that was given last
 */

/** @typedef {{ step: number, answers: Record<number, Answer> }} Progress */

const KEY = "spel-lessons";

/** @type {Promise<Lesson[]> | null} */
let lessons = null;

/** All lessons, in order. */
export function lessonList() {
  lessons ??= get("lessons");
  return /** @type {Promise<Lesson[]>} */ (lessons);
}

/** @returns {Record<string, Progress>} */
const saved = () => JSON.parse(localStorage.getItem(KEY) ?? "{}");

/**
 * @param {string} lesson
 * @returns {Progress}
 */
export const progressOf = (lesson) => saved()[lesson] ?? { step: 0, answers: {} };

/**
 * @param {string} lesson
 * @param {Progress} progress
 */
export function saveProgress(lesson, progress) {
  localStorage.setItem(KEY, JSON.stringify({ ...saved(), [lesson]: progress }));
}

/**
 * Remember an answer; whether the first try was right is decided once.
 * @param {string} lesson
 * @param {number} step
 * @param {Answer} answer
 */
export function saveAnswer(lesson, step, answer) {
  const progress = progressOf(lesson);
  const before = progress.answers[step];
  const first = before ? before.first : answer.first;
  const done = answer.done || (before?.done ?? false);
  progress.answers[step] = { ...before, ...answer, first, done };
  saveProgress(lesson, progress);
}
