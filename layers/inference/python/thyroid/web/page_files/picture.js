/**
 * A file that was chosen, dropped or pasted, looked at before anything is sent.
 * @module
 */

import { byId } from "./page.js";
import { Problem } from "./problem.js";

/**
 * @typedef {object} ImageFile
 * @property {Blob} file
 * @property {string} name for the names of what is saved; never sent
 * @property {string} type what it is sent as
 */

/** Largest image file that a request takes, in bytes (`Settings.max_binary_body_bytes`). */
export const DIRECT_LIMIT = 4_669_440;
export const DIRECT_LIMIT_IN_WORDS = "4.6 MB";

/** The formats that the service accepts (`thyroid/core/formats.py`), each with how its files begin. */
const FORMATS = [
  ["image/png", /^\x89PNG\r\n\x1a\n/],
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/gif", /^GIF8[79]a/],
  ["image/webp", /^RIFF[^]{4}WEBP/],
  ["image/bmp", /^BM/],
  ["image/tiff", /^(II\*\0|MM\0\*|II\+\0|MM\0\+)/],
];

/**
 * @param {File | Blob} file
 * @returns {Promise<ImageFile>}
 * @throws {Problem} where it is no image, in one sentence
 */
export async function look(file) {
  const name = file instanceof File && file.name ? file.name : "image";
  const start = await bytes(file.slice(0, 16), name);
  if (!file.size) throw new Problem(`“${name}” is empty.`, { advice: "Choose another image." });
  const letters = String.fromCharCode(...start);
  const format = FORMATS.find(([, beginning]) => beginning.test(letters));
  if (!format) {
    throw new Problem(`“${name}” is not an image that this service takes.`, {
      advice: `Choose a file of one of these formats: ${byId("format-names").textContent}. Save a DICOM file as one of them first.`,
    });
  }
  // A copy keeps what was chosen, whatever becomes of it on the disk, and has no name.
  const kept = isLarge(file) ? file : new Blob([await bytes(file, name)]);
  return { file: kept, name, type: format[0] };
}

/**
 * @param {Blob} file
 * @returns {boolean} whether it is too large for a request
 */
export function isLarge(file) {
  return file.size > DIRECT_LIMIT;
}

async function bytes(file, name) {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new Problem(`“${name}” cannot be read.`, { advice: "Is it a folder, or was it moved? Choose it again." });
  }
}

/**
 * @param {number} bytes
 * @returns {string} as people say it
 */
export function sizeInWords(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(Math.ceil(bytes / 1e5) / 10).toFixed(1)} MB`;
}
