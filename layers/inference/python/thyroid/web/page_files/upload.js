/**
 * A picture too large for a request: by an upload link, whose result is asked for until it is there.
 * @module
 */

import { pause } from "./patience.js";
import { sizeInWords } from "./picture.js";
import { Problem } from "./problem.js";
import { ask, sent } from "./request.js";

/** Largest picture file that a request takes, in bytes (`Settings.max_binary_body_bytes`). */
export const DIRECT_LIMIT = 4_669_440;
export const DIRECT_LIMIT_IN_WORDS = "4.6 MB";

const PATIENCE_SECONDS = 180;
const NOT_OFFERED = new Set([404, 405, 501]);

/**
 * @param {import("./picture.js").Picture} picture
 * @param {AbortSignal} signal
 * @returns {Promise<object>} as analyze answers, but that its pictures are blobs, and there is no original
 */
export async function byLink(picture, signal) {
  const link = await newLink(picture, signal);
  const form = new FormData();
  for (const [name, value] of Object.entries(link.upload.fields)) form.append(name, value);
  form.append("file", picture.file, "picture"); // a form has to name a file, and would send the picture's own name
  await sent(link.upload.url, { method: "POST", body: form, signal });

  const answer = await result(link.result, signal);
  const { heatmap, overlay } = answer.gradcam.images;
  const images = { heatmap: await pictureAt(heatmap, signal), overlay: await pictureAt(overlay, signal) };
  return { ...answer, gradcam: { ...answer.gradcam, images } };
}

async function newLink(picture, signal) {
  const body = JSON.stringify({ content_type: picture.type, size: picture.file.size });
  try {
    return await (await ask("api/v1/uploads", { method: "POST", body, type: "application/json", signal })).json();
  } catch (error) {
    if (!NOT_OFFERED.has(error.status)) throw error;
    const has = sizeInWords(picture.file.size);
    throw new Problem(`The picture has ${has}, and this server takes ${DIRECT_LIMIT_IN_WORDS} at most.`, {
      advice: "Save it smaller, as a JPEG or cut to the ultrasound, and choose it again.",
      code: "payload_too_large",
    });
  }
}

async function result(address, signal) {
  const until = performance.now() + PATIENCE_SECONDS * 1000;
  while (performance.now() < until) {
    const answer = await ask(address, { signal });
    if (answer.status !== 202) return answer.json();
    await pause(Number(answer.headers.get("Retry-After")) || 2, signal);
  }
  throw new Problem("The picture was uploaded, and no answer came within three minutes.", {
    advice: "Your picture is still here: try again later.",
    code: "timeout",
  });
}

async function pictureAt(address, signal) {
  return (await sent(address, { signal })).blob();
}
