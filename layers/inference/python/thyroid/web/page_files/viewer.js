/**
 * The image, and the heatmap over it as strongly as is wanted.
 *
 * The network may have seen a part of the image only. Outside of it a heatmap says nothing, and the API's overlay is
 * the image itself; so that is where the heatmap is left out here, too.
 * @module
 */

import { byId } from "./page.js";

const heat = /** @type {HTMLCanvasElement} */ (byId("heat"));
let original = /** @type {HTMLImageElement} */ (byId("original"));
let strength = 0.4;

/** @typedef {string | Blob} Image PNG in base64, or a file */

/**
 * @typedef {object} Layers what is laid into the stage, read and ready to be seen
 * @property {HTMLImageElement | null} image where it is another one than the image that is there already
 * @property {ImageData | null} heatmap none where the image has it in itself
 */

/**
 * Makes room for another image: what is shown of the one before it is not to be taken for its.
 * @param {string} name
 * @param {string} about
 */
export function announce(name, about) {
  heat.hidden = true;
  byId("frame").classList.add("blank"); // keeps its height, so that nothing jumps
  byId("invitation").hidden = true;
  byId("no-preview").hidden = true;
  byId("stage").hidden = false;
  byId("drop").classList.add("full");
  const given = document.createElement("bdi"); // a name that is read from the right turns nothing around it
  given.textContent = name;
  byId("caption").replaceChildren(given, about);
}

/**
 * @param {Blob} file
 * @returns {Promise<HTMLImageElement | null>} none where this browser cannot show it
 */
export function readImage(file) {
  return decoded(file, "The image that was chosen").catch(() => null);
}

/**
 * Shows an image before there is anything to lay over it.
 * @param {HTMLImageElement | null} image
 */
export function preview(image) {
  if (image) show(image);
  byId("frame").hidden = !image;
  byId("no-preview").hidden = Boolean(image);
}

/**
 * Reads the images of a map, and touches nothing that is seen.
 * @param {{original?: Image, heatmap: Image, overlay: Image}} images
 * @param {boolean} previewed whether the image itself can be seen where the answer has none
 * @returns {Promise<Layers>}
 */
export async function readLayers(images, previewed) {
  if (!images.original && !previewed) {
    return { image: await decoded(images.overlay, "The heatmap laid over the image"), heatmap: null };
  }
  const heatmap = await pixels(images.heatmap);
  if (!images.original) return { image: null, heatmap };
  clearOutside(heatmap, await pixels(images.original), await pixels(images.overlay));
  const words = "The image as the service read it, with the heatmap over it";
  return { image: await decoded(images.original, words), heatmap };
}

/** @param {Layers} layers */
export function layOver({ image, heatmap }) {
  if (image) preview(image);
  heat.hidden = !heatmap;
  if (!heatmap) return;
  heat.width = heatmap.width;
  heat.height = heatmap.height;
  heat.getContext("2d").putImageData(heatmap, 0, 0);
}

/** @returns {boolean} whether there is a heatmap whose strength can be chosen */
export function hasHeat() {
  return !heat.hidden;
}

/** @param {number} share from 0 to 1 */
export function setStrength(share) {
  strength = share;
  heat.style.opacity = String(share);
}

/** @returns {Promise<Blob>} image and heatmap as they are seen, as a PNG file */
export function overlayFile() {
  const canvas = document.createElement("canvas");
  canvas.width = original.naturalWidth;
  canvas.height = original.naturalHeight;
  const context = canvas.getContext("2d");
  context.drawImage(original, 0, 0);
  if (hasHeat()) {
    context.globalAlpha = strength;
    context.drawImage(heat, 0, 0, canvas.width, canvas.height);
  }
  return new Promise((resolve, reject) => {
    canvas.toBlob((file) => (file ? resolve(file) : reject(new Error("no image"))), "image/png");
  });
}

/**
 * Puts an image that is decoded into the place of the one before it: whose source were changed would be neither for a while.
 * @param {HTMLImageElement} image
 */
function show(image) {
  const before = original.src;
  original.replaceWith(image);
  original = image;
  byId("frame").classList.remove("blank");
  byId("frame").style.setProperty("--shape", String(image.naturalWidth / image.naturalHeight));
  URL.revokeObjectURL(before);
}

/**
 * @param {Image} image
 * @param {string} words for who does not see it
 * @returns {Promise<HTMLImageElement>}
 */
async function decoded(image, words) {
  const element = document.createElement("img");
  element.id = "original";
  element.draggable = false; // dropped on the page, it would be no file
  element.alt = words;
  element.src = URL.createObjectURL(fileOf(image));
  await element.decode();
  return element;
}

/**
 * @param {Image} image
 * @returns {Promise<ImageData>}
 */
async function pixels(image) {
  const bitmap = await createImageBitmap(fileOf(image));
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

/** Makes the heatmap transparent wherever the overlay is the image itself. */
function clearOutside(heatmap, image, overlay) {
  for (let at = 0; at < heatmap.data.length; at += 4) {
    const same = [0, 1, 2].every((channel) => image.data[at + channel] === overlay.data[at + channel]);
    if (same) heatmap.data[at + 3] = 0;
  }
}

function fileOf(image) {
  if (image instanceof Blob) return image;
  return new Blob([Uint8Array.from(atob(image), (letter) => letter.charCodeAt(0))], { type: "image/png" });
}
