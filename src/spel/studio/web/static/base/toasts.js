// @ts-check
// Short messages in the corner of the page.

/**
 * @param {string} text
 * @param {"note" | "error"} [kind]
 */
export function say(text, kind = "note") {
  const toast = document.createElement("div");
  toast.className = `toast ${kind}`;
  toast.setAttribute("role", kind === "error" ? "alert" : "status");
  toast.textContent = text;
  document.getElementById("toasts")?.append(toast);
  setTimeout(() => toast.remove(), kind === "error" ? 9000 : 3500);
}

/**
 * Say what went wrong.
 * @param {unknown} problem
 */
export function sayProblem(problem) {
  say(problem instanceof Error ? problem.message : String(problem), "error");
}
