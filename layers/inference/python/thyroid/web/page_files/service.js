/**
 * What the API offers, one function an endpoint. Pictures go as they are, options in the query, names not at all.
 * @module
 */

import { ask } from "./request.js";

/** @typedef {import("./picture.js").Picture} Picture */

/**
 * @typedef {object} Options
 * @property {string} layer empty for the model's default
 * @property {string} target `malignant` or `benign`
 */

/** Longest side of the pictures that come back: sharp on a screen, and far from the largest answer. */
const SIZE = "640";

/** @returns {Promise<object>} */
export async function modelInfo() {
  return (await ask("api/v1/model-info")).json();
}

/**
 * @param {Picture} picture
 * @param {Options} options
 * @param {AbortSignal} signal
 * @returns {Promise<object>}
 */
export async function analyze(picture, options, signal) {
  return (await send("api/v1/analyze", picture, options, signal)).json();
}

/**
 * @param {Picture} picture
 * @param {Options} options
 * @param {AbortSignal} signal
 * @returns {Promise<object>}
 */
export async function gradcam(picture, options, signal) {
  return (await send("api/v1/gradcam", picture, options, signal)).json();
}

/**
 * @param {"pdf" | "json"} kind
 * @param {Picture} picture
 * @param {Options} options
 * @param {AbortSignal} signal
 * @returns {Promise<Blob>}
 */
export async function report(kind, picture, options, signal) {
  return (await send(`api/v1/report/${kind}`, picture, options, signal, `application/${kind}`, "")).blob();
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<File>} a phantom made by code
 */
export async function sample(signal) {
  const answer = await ask(new URL("./phantom.jpg", import.meta.url).href, { accept: "image/jpeg", signal });
  return new File([await answer.blob()], "phantom.jpg", { type: "image/jpeg" });
}

function send(path, picture, { layer, target }, signal, accept = "application/json", size = SIZE) {
  const query = { layer_name: layer, target, size };
  return ask(path, { method: "POST", body: picture.file, type: picture.type, accept, query, signal });
}
