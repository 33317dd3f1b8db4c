/**
 * The score on a line from 0 to 1, with the risk bands that the model reads it by.
 * @module
 */

/**
 * @typedef {object} Band as model-info returns it: scores from `minimum` up to the next band's
 * @property {string} id
 * @property {number} minimum
 * @property {string} label
 */

/**
 * @param {HTMLElement} place
 * @param {number} score
 * @param {string} risk label of the score's band, as the response has it
 * @param {Band[]} [bands] in any order; without them, a line without bands is drawn
 */
export function draw(place, score, risk, bands = []) {
  const needle = element("div", "needle", element("b", "", two(score)));
  place.replaceChildren(element("div", "bands", ...ranges(bands, risk)), needle, element("div", "pin"));
  place.style.setProperty("--at", String(score));
  place.setAttribute("aria-label", `Malignancy score ${two(score)} on a scale from 0 to 1: ${risk}.`);
}

/**
 * @param {Band[]} bands
 * @param {string} risk
 * @returns {HTMLElement[]} one a band, from the lowest on, each as wide as its part of the scale
 */
function ranges(bands, risk) {
  if (bands.length === 0) return [element("div", "band", element("div", "bar"))];
  const lowestFirst = [...bands].sort((one, other) => one.minimum - other.minimum);
  return lowestFirst.map((band, at) => {
    const name = element("span", "name", band.label.replace(" Risk", ""), element("b", "", `from ${band.minimum}`));
    const range = element("div", band.label === risk ? "band here" : "band", element("div", "bar"), name);
    range.dataset.band = band.id;
    range.style.flexGrow = String((lowestFirst[at + 1]?.minimum ?? 1) - band.minimum);
    return range;
  });
}

/**
 * Hundredths, cut off: rounded up, .7499 would be shown in the band above its own.
 * @param {number} score
 * @returns {number}
 */
export function hundredths(score) {
  return Math.floor(score * 100 + 1e-9);
}

/**
 * @param {number} score
 * @returns {string} with two decimals
 */
export function two(score) {
  return (hundredths(score) / 100).toFixed(2);
}

function element(tag, name, ...children) {
  const made = document.createElement(tag);
  made.className = name;
  made.append(...children);
  return made;
}
