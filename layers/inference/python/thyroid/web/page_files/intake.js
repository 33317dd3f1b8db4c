/**
 * The ways in for an image: chosen, dropped anywhere on the page, or pasted.
 * @module
 */

import { Problem } from "./problem.js";

/**
 * @param {HTMLInputElement} input
 * @param {(file: File, note?: string) => void} take
 * @param {(problem: Problem) => void} refuse hears of what was dropped or pasted and is no file
 */
export function listen(input, take, refuse) {
  input.addEventListener("change", () => {
    const [file] = input.files;
    if (file) take(file);
    input.value = ""; // so that the same file can be chosen again
  });

  const over = (on) => document.body.classList.toggle("over", on);
  document.addEventListener("dragover", (event) => {
    if (isText(event)) return;
    event.preventDefault();
    over(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) over(false);
  });
  document.addEventListener("drop", (event) => {
    over(false);
    if (isText(event)) return;
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) take(file, onlyFirst(event.dataTransfer.files));
    else refuse(new Problem("What was dropped is no file.", { advice: "Save the image first, then drop its file." }));
  });

  document.addEventListener("paste", (event) => {
    if (event.target instanceof HTMLInputElement) return; // a key
    const [file] = event.clipboardData.files;
    if (file) {
      event.preventDefault();
      take(file, onlyFirst(event.clipboardData.files));
    } else {
      refuse(new Problem("There is no image in the clipboard.", { advice: "Copy an image first, then paste again." }));
    }
  });
}

/** Text that is dropped into a field is the browser's to put there. */
function isText(event) {
  return event.target instanceof HTMLInputElement && !event.dataTransfer.types.includes("Files");
}

function onlyFirst(files) {
  return files.length > 1 ? `. Only the first of ${files.length} files was taken.` : "";
}
