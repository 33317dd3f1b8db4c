/**
 * Work that is waited for: what is said meanwhile, and what if it fails.
 * @module
 */

import { say, showAnswer, showOnly } from "./page.js";
import { begin, end } from "./state.js";
import { hideProblem, showProblem } from "./trouble.js";

/** After so long the first answer is probably waiting for a service that is only starting. */
const COLD_AFTER_MS = 4000;

/**
 * @param {string} words
 * @param {(signal: AbortSignal, tellWait: (seconds: number, next: number, of: number) => void) => Promise<void>} job
 */
export async function work(words, job) {
  const signal = begin();
  const tellWaiting = (text) => {
    if (signal.aborted) return;
    say("waiting-said", text);
    say("status", text);
  };
  say("answer-title", "One moment");
  hideProblem();
  showOnly("waiting");
  showAnswer();
  tellWaiting(words);
  const late = `${words} The first answer takes longer, while the service starts.`;
  const cold = setTimeout(() => tellWaiting(late), COLD_AFTER_MS);
  try {
    await job(signal, (seconds, next, of) => {
      clearTimeout(cold);
      tellWaiting(`The service is not ready yet; trying again in ${seconds} s (${next} of ${of}).`);
    }).finally(() => end(signal));
  } catch (error) {
    if (!signal.aborted) showProblem(error);
  } finally {
    clearTimeout(cold);
  }
}
