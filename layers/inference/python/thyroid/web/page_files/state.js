/**
 * What the page has in its hands: one image, what came back of it, and what is under way.
 * @module
 */

/**
 * @typedef {object} State
 * @property {import("./picture.js").ImageFile | null} image
 * @property {boolean | null} previewed whether the browser can show it; null until it was tried
 * @property {any} answer
 * @property {any} info about the model
 * @property {AbortController | null} working
 */

/** @type {State} */
export const state = { image: null, previewed: null, answer: null, info: null, working: null };

/**
 * Begins work, and ends what was still under way.
 * @returns {AbortSignal} that ends it in turn
 */
export function begin() {
  stop();
  state.working = new AbortController();
  return state.working.signal;
}

/** Ends what is under way. */
export function stop() {
  state.working?.abort();
  state.working = null;
}

/** @param {AbortSignal} signal of the work that is over */
export function end(signal) {
  if (state.working?.signal === signal) state.working = null;
}

/** @returns {boolean} whether there is an image that nothing came back of, and nothing will by itself */
export function mayTryAgain() {
  return Boolean(state.image && !state.answer && !state.working);
}
