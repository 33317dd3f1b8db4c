/**
 * The page's conductor: a picture comes in, is sent, and what comes back is shown.
 * @module
 */

import { meaning, tell } from "./answer.js";
import { listen } from "./intake.js";
import { storeKey, storedKey } from "./key.js";
import { hideMap, listenToMap, options, showMap } from "./map.js";
import { introduce } from "./model.js";
import { byId, say, showOnly } from "./page.js";
import { patiently } from "./patience.js";
import { look, sizeInWords } from "./picture.js";
import { Problem } from "./problem.js";
import { allowSaving, listenToSaving } from "./saving.js";
import * as service from "./service.js";
import { state } from "./state.js";
import { showProblem } from "./trouble.js";
import { DIRECT_LIMIT, byLink } from "./upload.js";
import { preview } from "./viewer.js";
import { work } from "./waiting.js";

const SAMPLE = ". Made by code: it is nobody’s neck, and its score means nothing.";

const key = /** @type {HTMLInputElement} */ (byId("key"));

// --- a picture, from choosing it to its result -------------------------------------------------------------------------

/**
 * @param {File} file
 * @param {string} [note] about the picture
 */
async function take(file, note = "") {
  let picture;
  try {
    picture = await look(file);
  } catch (error) {
    showProblem(error, false); // the picture before it, and its result, are still there
    return;
  }
  state.working?.abort();
  state.picture = picture;
  state.answer = null;
  hideMap();
  say("choose", "Choose another");
  state.previewed = await preview(picture.file, `${picture.name}, ${sizeInWords(picture.file.size)}${note}`);
  if (state.picture === picture) await analyze();
}

async function analyze() {
  const { picture } = state;
  const large = picture.file.size > DIRECT_LIMIT;
  await work(large ? "Uploading and analysing the picture…" : "Analysing the picture…", async (signal, tellWait) => {
    const answer = await patiently(
      () => (large ? byLink(picture, signal) : service.analyze(picture, options(), signal)),
      { signal, tell: tellWait },
    );
    signal.throwIfAborted(); // another picture was chosen meanwhile
    state.answer = answer;
    await showResult(large);
  });
}

async function showResult(large) {
  learnModel();
  say("answer-title", "Result");
  showOnly("result");
  tell(state.answer, state.info);
  allowSaving(large);
  await showMap(state.answer.gradcam, large);
  moveFocusTo("answer-title");
}

/** Leads who works without a mouse to what is new; nobody is taken away from what he is typing. */
function moveFocusTo(id) {
  if (document.activeElement !== key) byId(id).focus({ preventScroll: innerWidth >= 896 });
}

// --- the key, and the model that it opens --------------------------------------------------------------------------------

async function useKey() {
  try {
    storeKey(key.value);
  } catch (error) {
    say("key-said", error.message);
    return;
  }
  say("key-said", storedKey() ? "The key is used from now on." : "No key is used any more.");
  state.info = null;
  await learnModel();
  if (state.picture && !state.answer) await analyze();
}

/** Asks once who answers here. Without an answer the page works all the same. */
async function learnModel() {
  if (state.info) return;
  try {
    state.info = await service.modelInfo();
    introduce(state.info);
    if (state.answer) say("meaning", meaning(state.answer.prediction.confidence_score, state.info));
  } catch (error) {
    if (error.status === 403) {
      /** @type {HTMLDetailsElement} */ (byId("key-box")).open = true;
      if (!storedKey()) say("key-said", "This service asks for a key.");
    }
  }
}

// --- what is listened to -------------------------------------------------------------------------------------------------

const file = /** @type {HTMLInputElement} */ (byId("file"));
const mayTryAgain = () => Boolean(state.picture && !state.answer);
listen(file, (chosen) => take(chosen), (problem) => showProblem(problem, mayTryAgain()));
byId("sample").addEventListener("click", async () => {
  try {
    await take(await service.sample(), SAMPLE);
  } catch (error) {
    showProblem(error, false);
  }
});
byId("again").addEventListener("click", () => state.picture && analyze());
byId("cancel").addEventListener("click", () => {
  state.working?.abort();
  showProblem(new Problem("Cancelled.", { advice: "Your picture is still here." }), true);
});
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey();
});
listenToMap();
listenToSaving();

byId("not-started").hidden = true;
key.value = storedKey();
learnModel();
