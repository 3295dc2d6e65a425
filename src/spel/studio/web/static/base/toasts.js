// @ts-check
// Short messages in the corner of the page.

/** Messages on the page, with the timers that take them away. @type {Map<string, number>} */
const shown = new Map();

/**
 * Say something; what is on the page already only stays longer.
 * @param {string} text
 * @param {"note" | "error"} [kind]
 */
export function say(text, kind = "note") {
  const toasts = document.getElementById("toasts");
  let toast = [...(toasts?.children ?? [])].find((one) => one.textContent === text);
  if (!toast) {
    toast = document.createElement("div");
    toast.className = `toast ${kind}`;
    toast.setAttribute("role", kind === "error" ? "alert" : "status");
    toast.textContent = text;
    toasts?.append(toast);
  }
  clearTimeout(shown.get(text));
  const leave = () => {
    toast.remove();
    shown.delete(text);
  };
  shown.set(text, setTimeout(leave, kind === "error" ? 9000 : 3500));
}

/**
 * Say what went wrong.
 * @param {unknown} problem
 */
export function sayProblem(problem) {
  say(problem instanceof Error ? problem.message : String(problem), "error");
}
