/**
 * The page's parts by name, and which of them is seen.
 * @module
 */

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no ${id}.`);
  return found;
}

/**
 * @param {string} id
 * @param {string} text
 */
export function say(id, text) {
  byId(id).textContent = text;
}

/**
 * Shows one of the states that the answer's side can be in.
 * @param {"intro" | "waiting" | "result" | "problem"} state
 */
export function showOnly(state) {
  for (const id of ["intro", "waiting", "result", "problem"]) byId(id).hidden = id !== state;
}
