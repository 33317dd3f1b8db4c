/**
 * The page's conductor: an image comes in, is sent, and what comes back is shown.
 * @module
 */

import { tell, tellScore } from "./answer.js";
import { listen } from "./intake.js";
import { storeKey, storedKey } from "./key.js";
import { listenToMap, options, redrawFailed, showMap } from "./map.js";
import { introduce } from "./model.js";
import { byId, focusAnswer, say, showAnswer, showOnly } from "./page.js";
import { patiently } from "./patience.js";
import { isLarge, look, sizeInWords } from "./picture.js";
import { Problem } from "./problem.js";
import { allowSaving, listenToSaving } from "./saving.js";
import * as service from "./service.js";
import { state, stop } from "./state.js";
import { showProblem } from "./trouble.js";
import { byLink } from "./upload.js";
import { announce, preview, readLayers, readImage } from "./viewer.js";
import { work } from "./waiting.js";

const SAMPLE = ". Made by code: it is nobody’s neck, and its score means nothing.";

const key = /** @type {HTMLInputElement} */ (byId("key"));

// --- an image, from choosing it to its result -------------------------------------------------------------------------

let turn = 0; // of the image that was chosen last

/**
 * @param {File} file
 * @param {string} [note] about the image
 */
async function take(file, note = "") {
  const mine = ++turn;
  try {
    const image = await look(file);
    if (mine !== turn) return;
    putIn(image, note);
    await analyze();
  } catch (error) {
    if (mine === turn) showProblem(error); // the image before it, and what comes back of it, are still there
  }
}

async function takeSample() {
  turn++;
  await work("Analysing the sample…", async (signal, tellWait) => {
    const image = await look(await service.sample(signal));
    signal.throwIfAborted();
    putIn(image, SAMPLE);
    await score(signal, tellWait);
  });
}

/** Puts an image into the place of the one before it. */
function putIn(image, note) {
  Object.assign(state, { image, previewed: null, answer: null });
  announce(image.name, `, ${sizeInWords(image.file.size)}${note}`);
  say("choose", "Choose another");
}

async function analyze() {
  await work(isLarge(state.image.file) ? "Uploading and analysing the image…" : "Analysing the image…", score);
}

async function score(signal, tellWait) {
  const { image } = state;
  const large = isLarge(image.file);
  if (state.previewed === null) {
    const seen = await readImage(image.file);
    signal.throwIfAborted();
    preview(seen);
    state.previewed = Boolean(seen);
  }
  const patient = (attempt) => patiently(attempt, { signal, tell: tellWait });
  const answer = await (large
    ? byLink(image, signal, patient)
    : patient(() => service.analyze(image, options(), signal)));
  const layers = await readLayers(answer.gradcam.images, state.previewed);
  signal.throwIfAborted(); // another image was chosen meanwhile
  showResult(answer, layers, large);
}

/** Shows score and map at one blow: nothing is seen beside what belongs to another image. */
function showResult(answer, layers, large) {
  tell(answer, state.info); // first: an answer that cannot be told is none
  state.answer = answer;
  say("answer-title", "Result");
  showOnly("result");
  allowSaving(large);
  showMap(answer.gradcam, layers, large);
  focusAnswer();
  showAnswer();
  learnModel();
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
  if (state.image && !state.answer) await analyze();
  else await redrawFailed();
}

/** Asks once who answers here. Without an answer the page works all the same. */
async function learnModel() {
  if (state.info) return;
  const used = storedKey();
  try {
    state.info = await service.modelInfo();
    introduce(state.info);
    if (state.answer) tellScore(state.answer, state.info);
  } catch (error) {
    if (error.status !== 403 || storedKey() !== used) return;
    /** @type {HTMLDetailsElement} */ (byId("key-box")).open = true;
    say("key-said", used ? "This service refused that key." : "This service asks for a key.");
  }
}

// --- what is listened to -------------------------------------------------------------------------------------------------

const file = /** @type {HTMLInputElement} */ (byId("file"));
listen(file, take, showProblem);
byId("sample").addEventListener("click", takeSample);
byId("again").addEventListener("click", analyze);
byId("cancel").addEventListener("click", () => {
  stop();
  showProblem(new Problem("Cancelled.", { mayPass: true }));
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
