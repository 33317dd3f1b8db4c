/**
 * The picture, and the heatmap over it as strongly as is wanted.
 *
 * The network may have seen a part of the picture only. Outside of it a heatmap says nothing, and the API's overlay is
 * the picture itself; so that is where the heatmap is left out here, too.
 * @module
 */

import { byId } from "./page.js";

const original = /** @type {HTMLImageElement} */ (byId("original"));
const heat = /** @type {HTMLCanvasElement} */ (byId("heat"));
let strength = 0.4;
let shown = "";

/** @typedef {string | Blob} Image PNG in base64, or a file */

/**
 * Shows a picture before there is anything to lay over it.
 * @param {Blob} file
 * @param {string} caption
 * @returns {Promise<boolean>} whether this browser can show it
 */
export async function preview(file, caption) {
  heat.hidden = true;
  byId("invitation").hidden = true;
  byId("stage").hidden = false;
  byId("drop").classList.add("full");
  byId("caption").textContent = caption;
  return show(file, "The picture that was chosen");
}

/**
 * @param {{original?: Image, heatmap: Image, overlay: Image}} images
 * @param {boolean} previewed whether the picture itself can be seen where the answer has none
 */
export async function layOver(images, previewed) {
  if (images.original) await show(images.original, "The picture as the service read it, with the heatmap over it");
  const [heatmap, overlay] = await Promise.all([pixels(images.heatmap), pixels(images.overlay)]);
  if (!images.original && !previewed) {
    await show(images.overlay, "The heatmap laid over the picture"); // all that there is to see
    heat.hidden = true;
    return;
  }
  if (images.original) clearOutside(heatmap, await pixels(images.original), overlay);
  heat.width = heatmap.width;
  heat.height = heatmap.height;
  heat.getContext("2d").putImageData(heatmap, 0, 0);
  // Pictures of uploads are square, whatever the shape of what was sent.
  heat.style.objectFit = "fill";
  heat.hidden = false;
  fit();
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

/** @returns {Promise<Blob>} picture and heatmap as they are seen, as a PNG file */
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
    canvas.toBlob((file) => (file ? resolve(file) : reject(new Error("no picture"))), "image/png");
  });
}

/** Lays the heatmap just over the picture, which keeps its shape within its place. */
function fit() {
  const { naturalWidth, naturalHeight, clientWidth, clientHeight } = original;
  if (!naturalWidth || !clientWidth) return;
  const scale = Math.min(clientWidth / naturalWidth, clientHeight / naturalHeight);
  const [width, height] = [naturalWidth * scale, naturalHeight * scale];
  Object.assign(heat.style, {
    width: `${width}px`,
    height: `${height}px`,
    left: `${original.offsetLeft + (clientWidth - width) / 2}px`,
    top: `${original.offsetTop + (clientHeight - height) / 2}px`,
  });
}
new ResizeObserver(fit).observe(original);

/**
 * @param {Image} image
 * @param {string} words for who does not see it
 * @returns {Promise<boolean>}
 */
async function show(image, words) {
  URL.revokeObjectURL(shown);
  shown = URL.createObjectURL(fileOf(image));
  original.src = shown;
  original.alt = words;
  const seen = await original.decode().then(() => true, () => false);
  byId("frame").hidden = !seen;
  byId("no-preview").hidden = seen;
  return seen;
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

/** Makes the heatmap transparent wherever the overlay is the picture itself. */
function clearOutside(heatmap, picture, overlay) {
  for (let at = 0; at < heatmap.data.length; at += 4) {
    const same = [0, 1, 2].every((channel) => picture.data[at + channel] === overlay.data[at + channel]);
    if (same) heatmap.data[at + 3] = 0;
  }
}

function fileOf(image) {
  if (image instanceof Blob) return image;
  return new Blob([Uint8Array.from(atob(image), (letter) => letter.charCodeAt(0))], { type: "image/png" });
}
