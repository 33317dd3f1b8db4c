/**
 * The page's conductor: a picture comes in, is sent, and what comes back is shown.
 * @module
 */

import { meaning, tell } from "./answer.js";
import { listen } from "./intake.js";
import { storeKey, storedKey } from "./key.js";
import { introduce } from "./model.js";
import { byId, say, showOnly } from "./page.js";
import { patiently } from "./patience.js";
import { look, sizeInWords } from "./picture.js";
import { Problem } from "./problem.js";
import { nameFor, save } from "./save.js";
import * as service from "./service.js";
import { DIRECT_LIMIT, DIRECT_LIMIT_IN_WORDS, byLink } from "./upload.js";
import * as viewer from "./viewer.js";

/** After so long the first answer is probably waiting for a service that is only starting. */
const COLD_AFTER_MS = 4000;

/**
 * @type {{picture: import("./picture.js").Picture | null, previewed: boolean, answer: any, info: any,
 *   working: AbortController | null}}
 */
const state = { picture: null, previewed: false, answer: null, info: null, working: null };

const layer = /** @type {HTMLSelectElement} */ (byId("layer"));
const opacity = /** @type {HTMLInputElement} */ (byId("opacity"));
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
  showMapControls(false);
  say("choose", "Choose another");
  say("map-said", "");
  say("save-said", "");
  state.previewed = await viewer.preview(picture.file, `${picture.name}, ${sizeInWords(picture.file.size)}${note}`);
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
  const { answer } = state;
  learnModel();
  say("answer-title", "Result");
  showOnly("result");
  tell(answer, state.info);
  await viewer.layOver(answer.gradcam.images, state.previewed);
  showMapControls(true);
  opacity.disabled = !viewer.hasHeat();
  for (const control of [layer, ...targets()]) control.disabled = large;
  for (const id of ["save-pdf", "save-json"]) /** @type {HTMLButtonElement} */ (byId(id)).disabled = large;
  if (large) resetMapOptions(answer.gradcam);
  tellMap(answer.gradcam);
  say("save-said", large ? `Other layers and reports are made of pictures up to ${DIRECT_LIMIT_IN_WORDS}.` : "");
  moveFocusTo("answer-title");
}

/** Asks for another map of the same picture; the score stays what it is. */
async function remap() {
  if (!state.answer) return;
  const asked = options();
  say("map-said", "Drawing the map…");
  const signal = begin().signal;
  try {
    const answer = await patiently(() => service.gradcam(state.picture, asked, signal), {
      signal,
      tell: (seconds) => say("map-said", `The service is not ready; trying again in ${seconds} s.`),
    });
    await viewer.layOver(answer.images, state.previewed);
    const { layer_used, images, target, has_evidence } = answer;
    state.answer = { ...state.answer, gradcam: { layer_used, images, target, has_evidence } };
    tellMap(state.answer.gradcam);
  } catch (error) {
    if (signal.aborted) return;
    say("map-said", `${sentenceOf(error)} The map before it is still shown.`);
    openKeyIfAsked(error);
  } finally {
    end(signal);
  }
}

function tellMap({ has_evidence, target, layer_used }) {
  say("map-said", has_evidence ? `The map of ${layer_used}, for ${target}.` : `Nothing in layer ${layer_used} speaks for ${target}: the map is empty.`);
}

function showMapControls(shown) {
  for (const id of ["strength", "controls"]) byId(id).hidden = !shown;
}

function options() {
  return { layer: layer.value, target: targets().find((choice) => choice.checked)?.value ?? "malignant" };
}

function targets() {
  return /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("input[name=target]")]);
}

function resetMapOptions({ target }) {
  layer.value = "";
  for (const choice of targets()) choice.checked = choice.value === target;
}

// --- waiting, and what goes wrong ---------------------------------------------------------------------------------------

/** Begins work, and ends what was still under way. */
function begin() {
  state.working?.abort();
  state.working = new AbortController();
  return state.working;
}

function end(signal) {
  if (state.working?.signal === signal) state.working = null;
}

/**
 * @param {string} words
 * @param {(signal: AbortSignal, tellWait: (seconds: number, next: number, of: number) => void) => Promise<void>} job
 */
async function work(words, job) {
  const { signal } = begin();
  const tellWaiting = (text) => {
    if (signal.aborted) return;
    say("waiting-said", text);
    say("status", text);
  };
  say("answer-title", "One moment");
  showOnly("waiting");
  tellWaiting(words);
  const cold = setTimeout(
    () => tellWaiting(`${words} The first answer takes longer, while the service starts.`), COLD_AFTER_MS);
  try {
    await job(signal, (seconds, next, of) => {
      clearTimeout(cold);
      tellWaiting(`The service is not ready yet; trying again in ${seconds} s (${next} of ${of}).`);
    });
  } catch (error) {
    if (!signal.aborted) showProblem(error, true);
  } finally {
    clearTimeout(cold);
    end(signal);
  }
}

/**
 * @param {unknown} error
 * @param {boolean} again whether the same picture can be sent once more
 */
function showProblem(error, again) {
  if (!(error instanceof Problem)) console.error(error);
  const problem = error instanceof Problem ? error : new Problem("Something in this page went wrong.", { advice: "Try again." });
  say("answer-title", state.answer ? "Result" : "That did not work");
  showOnly(state.answer ? "result" : "problem");
  byId("problem").hidden = false;
  say("status", "");
  say("problem-said", problem.message);
  say("problem-advice", problem.advice);
  say("problem-id", problem.requestId ? `Request ${problem.requestId}` : "");
  byId("again").hidden = !again;
  openKeyIfAsked(problem);
}

function openKeyIfAsked(error) {
  if (error.status !== 403) return;
  /** @type {HTMLDetailsElement} */ (byId("key-box")).open = true;
  key.focus();
}

function sentenceOf(error) {
  if (error instanceof Problem) return `${error.message} ${error.advice}`.trim();
  console.error(error);
  return "Something in this page went wrong.";
}

/** Leads who works without a mouse to what is new; nobody is taken away from what he is typing. */
function moveFocusTo(id) {
  if (document.activeElement !== key) byId(id).focus({ preventScroll: innerWidth >= 896 });
}

byId("again").addEventListener("click", () => state.picture && analyze());
byId("cancel").addEventListener("click", () => {
  state.working?.abort();
  showProblem(new Problem("Cancelled.", { advice: "Your picture is still here." }), true);
});

// --- what is saved ---------------------------------------------------------------------------------------------------------

byId("save-overlay").addEventListener("click", async () => {
  save(await viewer.overlayFile(), nameFor(state.picture.name, "overlay.png"));
});
byId("save-answer").addEventListener("click", () => {
  const text = JSON.stringify(withoutBlobs(state.answer), null, 2);
  save(new Blob([text], { type: "application/json" }), nameFor(state.picture.name, "answer.json"));
});
byId("save-pdf").addEventListener("click", () => saveReport("pdf"));
byId("save-json").addEventListener("click", () => saveReport("json"));

/** @param {"pdf" | "json"} kind */
async function saveReport(kind) {
  const { picture } = state;
  const { signal } = begin();
  say("save-said", "Making the report…");
  try {
    const file = await patiently(() => service.report(kind, picture, options(), signal), {
      signal,
      tell: (seconds) => say("save-said", `The service is not ready; trying again in ${seconds} s.`),
    });
    save(file, nameFor(picture.name, `report.${kind}`));
    say("save-said", "The report is saved.");
  } catch (error) {
    if (signal.aborted) return say("save-said", "");
    const none = error.status === 404 || error.status === 405;
    say("save-said", none ? "This server makes no reports." : sentenceOf(error));
    openKeyIfAsked(error);
  } finally {
    end(signal);
  }
}

/** The pictures of an upload are files, which no JSON holds. */
function withoutBlobs(answer) {
  const text = Object.values(answer.gradcam.images).every((image) => typeof image === "string");
  return text ? answer : { ...answer, gradcam: { ...answer.gradcam, images: null } };
}

// --- the key, and the model that it opens --------------------------------------------------------------------------------

byId("key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
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
});

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

function setOpacity() {
  viewer.setStrength(Number(opacity.value) / 100);
  say("opacity-said", `${opacity.value} %`);
}
opacity.addEventListener("input", setOpacity);
layer.addEventListener("change", remap);
for (const choice of targets()) choice.addEventListener("change", remap);

byId("sample").addEventListener("click", async () => {
  try {
    await take(await service.sample(), ". Made by code: it is nobody’s neck, and its score means nothing.");
  } catch (error) {
    showProblem(error, false);
  }
});
listen(/** @type {HTMLInputElement} */ (byId("file")), (file) => take(file), (problem) => showProblem(problem, Boolean(state.picture && !state.answer)));

key.value = storedKey();
setOpacity();
learnModel();
