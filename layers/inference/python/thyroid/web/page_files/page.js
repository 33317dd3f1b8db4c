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

/** What is seen in each of the states that the page can be in. */
const SEEN = {
  intro: ["intro"],
  waiting: ["waiting"],
  result: ["result", "strength", "controls"],
  nothing: [],
};

/**
 * Shows one of these states, and hides the others.
 * @param {keyof typeof SEEN} shown
 */
export function showOnly(shown) {
  for (const [name, ids] of Object.entries(SEEN)) for (const id of ids) byId(id).hidden = name !== shown;
}
