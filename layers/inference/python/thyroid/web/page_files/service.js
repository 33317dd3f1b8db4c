/**
 * What the API offers, one function an endpoint. Images go as they are, options in the query, names not at all.
 * @module
 */

import { ask, blobOf, jsonOf } from "./request.js";

/** @typedef {import("./picture.js").ImageFile} ImageFile */

/**
 * @typedef {object} Options
 * @property {string} layer empty for the model's default
 * @property {string} target `malignant` or `benign`
 */

/** Longest side of the images that come back: sharp on a screen, and far from the largest answer. */
const SIZE = "640";

/** @returns {Promise<object>} */
export async function modelInfo() {
  return jsonOf(await ask("api/v1/model-info"));
}

/**
 * @param {ImageFile} image
 * @param {Options} options
 * @param {AbortSignal} signal
 * @returns {Promise<object>}
 */
export async function analyze(image, options, signal) {
  return jsonOf(await send("api/v1/analyze", image, options, signal));
}

/**
 * @param {ImageFile} image
 * @param {Options} options
 * @param {AbortSignal} signal
 * @returns {Promise<object>}
 */
export async function gradcam(image, options, signal) {
  return jsonOf(await send("api/v1/gradcam", image, options, signal));
}

/**
 * @param {"pdf" | "json"} kind
 * @param {ImageFile} image
 * @param {Options} options
 * @param {AbortSignal} signal
 * @returns {Promise<Blob>}
 */
export async function report(kind, image, options, signal) {
  return blobOf(await send(`api/v1/report/${kind}`, image, options, signal, `application/${kind}`, ""));
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<File>} a phantom made by code
 */
export async function sample(signal) {
  const answer = await ask(new URL("./phantom.jpg", import.meta.url).href, { accept: "image/jpeg", signal });
  return new File([await blobOf(answer)], "phantom.jpg", { type: "image/jpeg" });
}

function send(path, image, { layer, target }, signal, accept = "application/json", size = SIZE) {
  const query = { layer_name: layer, target, size };
  return ask(path, { method: "POST", body: image.file, type: image.type, accept, query, signal });
}
