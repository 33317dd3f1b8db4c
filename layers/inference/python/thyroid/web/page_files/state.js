/**
 * What the page has in its hands: one picture, what came back of it, and what is under way.
 * @module
 */

/**
 * @type {{picture: import("./picture.js").Picture | null, previewed: boolean, answer: any, info: any,
 *   working: AbortController | null}}
 */
export const state = { picture: null, previewed: false, answer: null, info: null, working: null };

/**
 * Begins work, and ends what was still under way.
 * @returns {AbortSignal} that ends it in turn
 */
export function begin() {
  state.working?.abort();
  state.working = new AbortController();
  return state.working.signal;
}

/** @param {AbortSignal} signal of the work that is over */
export function end(signal) {
  if (state.working?.signal === signal) state.working = null;
}
