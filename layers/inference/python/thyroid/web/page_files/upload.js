/**
 * An image too large for a request: by an upload link, whose result is asked for until it is there.
 * @module
 */

import { pause } from "./patience.js";
import { DIRECT_LIMIT_IN_WORDS, sizeInWords } from "./picture.js";
import { Problem, SMALLER } from "./problem.js";
import { ask, blobOf, jsonOf, sent } from "./request.js";

const PATIENCE_SECONDS = 180;
const NOT_OFFERED = new Set([404, 405, 501]);

/**
 * @param {import("./picture.js").ImageFile} image
 * @param {AbortSignal} signal
 * @param {<T>(attempt: () => Promise<T>) => Promise<T>} patient makes one request until it is answered: what was uploaded
 *   is not uploaded again because a later one was not
 * @returns {Promise<object>} as analyze answers, but that its images are blobs, and there is no original
 */
export async function byLink(image, signal, patient) {
  const link = await patient(() => newLink(image, signal));
  const form = new FormData();
  for (const [name, value] of Object.entries(link.upload.fields)) form.append(name, value);
  form.append("file", image.file, "image"); // a form has to name a file, and would send the image's own name
  await patient(() => atLink(link.upload.url, { method: "POST", body: form, signal }));

  const answer = await result(link.result, signal, patient);
  const { heatmap, overlay } = answer.gradcam.images;
  const imageAt = (address) => patient(async () => blobOf(await atLink(address, { signal })));
  const images = { heatmap: await imageAt(heatmap), overlay: await imageAt(overlay) };
  return { ...answer, gradcam: { ...answer.gradcam, images } };
}

async function newLink(image, signal) {
  const body = JSON.stringify({ content_type: image.type, size: image.file.size });
  try {
    return await jsonOf(await ask("api/v1/uploads", { method: "POST", body, type: "application/json", signal }));
  } catch (error) {
    if (!NOT_OFFERED.has(error.status)) throw error;
    const has = sizeInWords(image.file.size);
    throw new Problem(`The image has ${has}, and this server takes ${DIRECT_LIMIT_IN_WORDS} at most.`, {
      advice: SMALLER,
      code: "payload_too_large",
    });
  }
}

/** A link is its own key: where storage refuses it, no other key helps. */
async function atLink(address, init) {
  try {
    return await sent(address, init);
  } catch (error) {
    if (error.status !== 403) throw error;
    throw new Problem("The upload link was refused.", {
      advice: "Links end after a while: try again with a new one.",
      mayPass: true,
      code: "link_refused",
    });
  }
}

async function result(address, signal, patient) {
  const until = performance.now() + PATIENCE_SECONDS * 1000;
  while (performance.now() < until) {
    const answer = await patient(() => ask(address, { signal }));
    if (answer.status !== 202) return jsonOf(answer);
    await pause(Number(answer.headers.get("Retry-After")) || 2, signal);
  }
  throw new Problem("The image was uploaded, and no answer came within three minutes.", {
    advice: "Try again later.",
    mayPass: true,
    code: "timeout",
  });
}
