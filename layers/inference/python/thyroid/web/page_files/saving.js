/**
 * What can be saved of a result: image and heatmap as they are seen, the answer as it came, reports.
 * @module
 */

import { options } from "./map.js";
import { byId, say } from "./page.js";
import { patiently } from "./patience.js";
import { DIRECT_LIMIT_IN_WORDS } from "./picture.js";
import { nameFor, save } from "./save.js";
import { report } from "./service.js";
import { state } from "./state.js";
import { openKeyIfAsked, sentenceOf } from "./trouble.js";
import { overlayFile } from "./viewer.js";

/** Of which image which kind of report is being made: a second click asks for no second one. */
const making = new Map();

/** Listens to the buttons. */
export function listenToSaving() {
  byId("save-overlay").addEventListener("click", async () => {
    const name = nameFor(state.image.name, "overlay.png");
    try {
      save(await overlayFile(), name);
    } catch (error) {
      console.error(error);
      say("save-said", "This browser could not make a file of the overlay.");
    }
  });
  byId("save-answer").addEventListener("click", () => {
    const text = JSON.stringify(withoutBlobs(state.answer), null, 2);
    save(new Blob([text], { type: "application/json" }), nameFor(state.image.name, "answer.json"));
  });
  byId("save-pdf").addEventListener("click", () => saveReport("pdf"));
  byId("save-json").addEventListener("click", () => saveReport("json"));
}

/** @param {boolean} large whether the image is too large for a request, and so for a report */
export function allowSaving(large) {
  for (const id of ["save-pdf", "save-json"]) /** @type {HTMLButtonElement} */ (byId(id)).disabled = large;
  say("save-said", large ? `Other layers and reports are made of images up to ${DIRECT_LIMIT_IN_WORDS}.` : "");
}

/** @param {"pdf" | "json"} kind */
async function saveReport(kind) {
  const { image } = state;
  if (making.get(kind) === image) return;
  making.set(kind, image);
  const { signal } = new AbortController(); // it ends by itself, and no map has to wait for it
  const tell = (text) => {
    if (state.image === image) say("save-said", text);
  };
  tell("Making the report…");
  try {
    const file = await patiently(() => report(kind, image, options(), signal), {
      signal,
      tell: (seconds) => tell(`The service is not ready; trying again in ${seconds} s.`),
    });
    save(file, nameFor(image.name, `report.${kind}`));
    tell("The report is saved.");
  } catch (error) {
    const none = error.status === 404 || error.status === 405;
    tell(none ? "This server makes no reports." : sentenceOf(error));
    openKeyIfAsked(error);
  } finally {
    if (making.get(kind) === image) making.delete(kind);
  }
}

/** The images of an upload are files, which no JSON holds. */
function withoutBlobs(answer) {
  const text = Object.values(answer.gradcam.images).every((image) => typeof image === "string");
  return text ? answer : { ...answer, gradcam: { ...answer.gradcam, images: null } };
}
