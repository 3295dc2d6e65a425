// @ts-check
// Images that the user adds.

import { sayProblem } from "../base/toasts.js";
import { adoptUpload } from "../commands.js";
import { put } from "../server/api.js";
import { choose } from "../store.js";

export const IMAGE_FILES = "image/*,.npy,.tif,.tiff,.pgm,.ppm,.csv,.tsv,.txt";

/** @param {Iterable<File>} files */
export async function addImages(files) {
  for (const file of files) {
    try {
      const reply = await put("images", { name: file.name }, file);
      adoptUpload(reply);
      choose({ image: reply.id });
    } catch (problem) {
      sayProblem(problem);
    }
  }
}

/** Images can be dropped anywhere on the page. */
export function listenDrops() {
  addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    const files = event.dataTransfer?.files ?? [];
    if (!files.length) return;
    event.preventDefault();
    addImages(files);
  });
}
