// The arrows that open a part of the list of pages are named after that part, for screen readers.
document.addEventListener("DOMContentLoaded", () => {
  for (const arrow of document.querySelectorAll(".bd-sidebar summary")) {
    const name = arrow.closest("li")?.querySelector("a")?.textContent;
    if (name) arrow.setAttribute("aria-label", name.trim());
  }
});
