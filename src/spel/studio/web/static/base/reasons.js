// @ts-check
// What the engine or a file's reader refuses, in the user's language: its sentences are made of
// clauses, and each clause is looked up.

import { language } from "./words.js";

/** @typedef {{ pattern: RegExp, names: string[], text: string }} Clause */

/** @type {Record<string, Clause[]>} */
const clauses = {};

export async function loadReasons() {
  const all = await (await fetch("/static/locales/reasons.json")).json();
  for (const [name, pairs] of Object.entries(all)) clauses[name] = pairs.map(clauseOf);
}

/**
 * @param {[from: string, to: string]} pair
 * @returns {Clause}
 */
function clauseOf([from, text]) {
  const names = [...from.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
  const parts = from.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return { pattern: new RegExp(`^${parts.join("(.+?)")}$`), names, text };
}

/**
 * A reason in the user's language, without the names of Python's errors; what has no translation
 * stays as it is.
 * @param {string} reason
 */
export function reasonText(reason) {
  const plain = reason.replace(/\((\w+(?:Error|Exception)): /g, "(");
  const known = clauses[language.now];
  return known
    ? plain
        .split("; ")
        .map((clause) => translated(clause, known))
        .join("; ")
    : plain;
}

/**
 * A clause, with the words before it: "a.png: PNG: it is cut short".
 * @param {string} clause
 * @param {Clause[]} known
 * @returns {string}
 */
function translated(clause, known) {
  const words = clause.split(": ");
  for (let i = 0; i < words.length; i++) {
    const rest = words.slice(i).join(": ");
    for (const { pattern, names, text } of known) {
      const match = pattern.exec(rest);
      if (!match) continue;
      const value = (/** @type {string} */ name) => {
        const own = match[names.indexOf(name) + 1] ?? "";
        return own === rest ? own : translated(own, known);
      };
      const said = text.replace(/\{(\w+)\}/g, (_, name) => value(name));
      return [...words.slice(0, i), said].join(": ");
    }
  }
  return clause;
}
