// @ts-check
// The texts of the page in the user's language.

/** @typedef {"en" | "pt-BR"} Language */

/** @type {Record<Language, Record<string, string>>} */
const words = { en: {}, "pt-BR": {} };

/** @type {{ now: Language }} */
export const language = { now: "en" };

export async function loadWords() {
  for (const name of /** @type {Language[]} */ (Object.keys(words))) {
    words[name] = await (await fetch(`/static/locales/${name}.json`)).json();
  }
}

/**
 * The text of a key in the user's language; {name} is replaced by a value.
 * @param {string} key
 * @param {Record<string, unknown>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  return textOr(key, key, values);
}

/**
 * What a picture can be asked for: with a mouse, or by touch.
 * @param {string} key
 */
export const hint = (key) =>
  t(matchMedia("(hover: none) and (pointer: coarse)").matches ? `${key}.touch` : key);

/**
 * The text of a key, or another one where nothing was translated.
 * @param {string} key
 * @param {string} otherwise
 * @param {Record<string, unknown>} [values]
 * @returns {string}
 */
export function textOr(key, otherwise, values = {}) {
  const text = words[language.now][key] ?? words.en[key] ?? otherwise;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/**
 * The name of a kind of layer: translated, or the words of the kind itself ("local_contrast.v1" is
 * "local contrast"), so that a new layer needs no entry here.
 * @param {string} kind
 */
export const kindName = (kind) => textOr(`kind.${stem(kind)}`, stem(kind).replaceAll("_", " "));

/**
 * One sentence about a kind of layer; empty where nothing was translated.
 * @param {string} kind
 */
export const kindAbout = (kind) => textOr(`kind.${stem(kind)}.about`, "");

/**
 * The name of a field of a layer: translated, or its own words.
 * @param {string} name
 */
export const fieldName = (name) => textOr(`field.${name}`, name.replaceAll("_", " "));

/**
 * A value of a field that has a few: translated, or its own words.
 * @param {string} field
 * @param {unknown} value
 */
export function choiceName(field, value) {
  if (value === null) return t("none");
  if (Array.isArray(value)) return t("border.learned");
  return textOr(`value.${field}.${value}`, String(value));
}

/**
 * A kind without its version: "max_pool.v1" is "max_pool".
 * @param {string} kind
 */
export const stem = (kind) => kind.split(".")[0] ?? kind;

/**
 * The text in the user's language of a value that carries several.
 * @param {{ en: string, pt: string } | undefined} texts
 * @returns {string}
 */
export function inWords(texts) {
  if (!texts) return "";
  return (language.now === "pt-BR" ? texts.pt : texts.en) ?? texts.en;
}
