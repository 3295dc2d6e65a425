// @ts-check
// A worksheet as a page: the button saves the answers as a file.

const about = JSON.parse(document.getElementById("worksheet")?.textContent ?? "");
const form = /** @type {HTMLFormElement} */ (document.querySelector("form"));

/** The answer to each task, null where there is none; two radio buttons have one name. */
function answers() {
  /** @type {Record<string, FormDataEntryValue | null>} */
  const found = {};
  /** @type {NodeListOf<HTMLInputElement>} */
  const fields = form.querySelectorAll("input, textarea");
  for (const { name } of fields) {
    if (name !== "name") found[name] = new FormData(form).get(name) || null;
  }
  return found;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const name = new FormData(form).get("name");
  const text = JSON.stringify({ ...about, name, answers: answers() }, null, 1);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = `${about.lesson}-answers.json`;
  link.click();
});
