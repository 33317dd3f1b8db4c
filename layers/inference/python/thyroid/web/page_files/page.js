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
  // Whoever pressed a button that is hidden now goes on here, and not from the top of the page.
  if (document.activeElement?.closest("[hidden]")) focusAnswer();
}

/** Leads who works without a mouse to what is new; nobody is taken away from what he is typing. */
export function focusAnswer() {
  if (!typing()) byId("answer-title").focus({ preventScroll: true });
}

/** Brings the answer into sight, which is below the image on a small screen. */
export function showAnswer() {
  const title = byId("answer-title");
  const { top } = title.getBoundingClientRect();
  if (typing() || (top >= 0 && top < innerHeight / 2)) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  title.scrollIntoView({ block: "start", behavior: still ? "auto" : "smooth" });
}

function typing() {
  return document.activeElement === byId("key");
}
