/**
 * Files for who uses the page.
 * @module
 */

/**
 * @param {Blob} file
 * @param {string} name
 */
export function save(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // a browser may take its time to read it
}

/**
 * @param {string} image name of the image
 * @param {string} ending
 * @returns {string}
 */
export function nameFor(image, ending) {
  return `${image.replace(/\.[^.]*$/, "") || "image"}.${ending}`;
}
