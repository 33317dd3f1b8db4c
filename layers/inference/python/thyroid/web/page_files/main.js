/**
 * The page's conductor: a picture comes in, is sent, and what comes back is shown.
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
import { announce, preview, readLayers, readPicture } from "./viewer.js";
import { work } from "./waiting.js";

const SAMPLE = ". Made by code: it is nobody’s neck, and its score means nothing.";

const key = /** @type {HTMLInputElement} */ (byId("key"));

// --- a picture, from choosing it to its result -------------------------------------------------------------------------

let turn = 0; // of the picture that was chosen last

/**
 * @param {File} file
 * @param {string} [note] about the picture
 */
async function take(file, note = "") {
  const mine = ++turn;
  try {
    const picture = await look(file);
    if (mine !== turn) return;
    putIn(picture, note);
    await analyze();
  } catch (error) {
    if (mine === turn) showProblem(error); // the picture before it, and what comes back of it, are still there
  }
}

async function takeSample() {
  turn++;
  await work("Analysing the sample…", async (signal, tellWait) => {
    const picture = await look(await service.sample(signal));
    signal.throwIfAborted();
    putIn(picture, SAMPLE);
    await score(signal, tellWait);
  });
}

/** Puts a picture into the place of the one before it. */
function putIn(picture, note) {
  Object.assign(state, { picture, previewed: null, answer: null });
  announce(picture.name, `, ${sizeInWords(picture.file.size)}${note}`);
  say("choose", "Choose another");
}

async function analyze() {
  await work(isLarge(state.picture.file) ? "Uploading and analysing the picture…" : "Analysing the picture…", score);
}

async function score(signal, tellWait) {
  const { picture } = state;
  const large = isLarge(picture.file);
  if (state.previewed === null) {
    const seen = await readPicture(picture.file);
    signal.throwIfAborted();
    preview(seen);
    state.previewed = Boolean(seen);
  }
  const patient = (attempt) => patiently(attempt, { signal, tell: tellWait });
  const answer = await (large
    ? byLink(picture, signal, patient)
    : patient(() => service.analyze(picture, options(), signal)));
  const layers = await readLayers(answer.gradcam.images, state.previewed);
  signal.throwIfAborted(); // another picture was chosen meanwhile
  showResult(answer, layers, large);
}

/** Shows score and map at one blow: nothing is seen beside what belongs to another picture. */
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
  if (state.picture && !state.answer) await analyze();
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
