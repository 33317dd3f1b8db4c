/**
 * What went wrong, where it is seen.
 * @module
 */

import { byId, say, showAnswer, showOnly } from "./page.js";
import { Problem } from "./problem.js";
import { mayTryAgain, state } from "./state.js";

const OURS = "Something in this page went wrong.";
const STILL_HERE = "Your image is still here.";

/** @param {unknown} error */
export function showProblem(error) {
  if (!(error instanceof Problem)) console.error(error);
  const problem = error instanceof Problem ? error : new Problem(OURS, { advice: "Try again." });
  if (!state.working) settle(); // what is under way stays in sight
  byId("problem").hidden = false;
  say("status", "");
  say("problem-said", problem.message);
  say("problem-advice", problem.mayPass && state.image ? `${STILL_HERE} ${problem.advice}`.trim() : problem.advice);
  say("problem-id", problem.requestId ? `Request ${problem.requestId}` : "");
  byId("again").hidden = !mayTryAgain();
  showAnswer();
  openKeyIfAsked(problem);
}

/** Takes away what went wrong before; what is begun after it may go well. */
export function hideProblem() {
  byId("problem").hidden = true;
}

/** Shows what there is when nothing is waited for: the result, or none. */
function settle() {
  say("answer-title", state.answer ? "Result" : "That did not work");
  showOnly(state.answer ? "result" : "nothing");
}

/** @param {any} error */
export function openKeyIfAsked(error) {
  if (error.status !== 403) return;
  /** @type {HTMLDetailsElement} */ (byId("key-box")).open = true;
  byId("key").focus({ preventScroll: true }); // what went wrong is to be read first
}

/**
 * @param {unknown} error
 * @returns {string} what happened and what to do, for a line of text
 */
export function sentenceOf(error) {
  if (error instanceof Problem) return `${error.message} ${error.advice}`.trim();
  console.error(error);
  return OURS;
}
