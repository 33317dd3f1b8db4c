/**
 * The score on a line from 0 to 1, with the bands of risk that it is read by.
 * @module
 */

/** The bands, each from its limit up to the next one's; the API's answer names the one that counts. */
export const BANDS = [
  { from: 0, label: "Low Risk" },
  { from: 0.25, label: "Borderline" },
  { from: 0.5, label: "Moderate Risk" },
  { from: 0.75, label: "High Risk" },
];

/**
 * @param {HTMLElement} place
 * @param {number} score
 * @param {string} risk the band's label, as the answer has it
 */
export function draw(place, score, risk) {
  const bands = element("div", "bands", ...BANDS.map((band) => {
    const range = element("b", "", `from ${band.from}`);
    const name = element("span", "name", band.label.replace(" Risk", ""), range);
    return element("div", band.label === risk ? "band here" : "band", element("div", "bar"), name);
  }));
  const needle = element("div", "needle", element("b", "", two(score)));
  place.replaceChildren(bands, needle, element("div", "pin"));
  place.style.setProperty("--at", String(score));
  place.setAttribute("aria-label", `Malignancy score ${two(score)} on a scale from 0 to 1: ${risk}.`);
}

/**
 * Hundredths, cut off: rounded up, .7499 would stand in the band above its own.
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
