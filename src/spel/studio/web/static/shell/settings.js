// @ts-check
// Settings of this browser: theme, language, projector mode.

import { language, t } from "../base/words.js";
import { emit } from "../store.js";

/** @import { Language } from "../base/words.js" */
/** @typedef {{ theme?: "light" | "dark", language?: Language, projector?: boolean }} Settings */

const KEY = "spel";
/** @type {Settings} */
const settings = JSON.parse(localStorage.getItem(KEY) ?? "{}");
const root = document.documentElement;

/** @param {Settings} change */
function save(change) {
  Object.assign(settings, change);
  localStorage.setItem(KEY, JSON.stringify(settings));
  applySettings();
}

export const isDark = () => root.dataset.theme === "dark";
export const toggleTheme = () => save({ theme: isDark() ? "light" : "dark" });
export const toggleProjector = () => save({ projector: !settings.projector });
export const toggleLanguage = () => save({ language: language.now === "en" ? "pt-BR" : "en" });

/** Bring the page to the settings; what was not chosen follows the browser. */
export function applySettings() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = settings.theme ?? (dark ? "dark" : "light");
  root.dataset.projector = settings.projector ? "on" : "off";
  const own = navigator.language.startsWith("pt") ? "pt-BR" : "en";
  const wanted = settings.language ?? own;
  if (language.now !== wanted || root.lang !== wanted) {
    language.now = wanted;
    root.lang = wanted;
    const skip = document.querySelector(".skip");
    if (skip) skip.textContent = t("skip");
    emit("language");
  }
  emit("theme");
}
