/**
 * The map of an image: of which layer, for which class, how strong.
 * @module
 */

import { byId, say } from "./page.js";
import { patiently, pause } from "./patience.js";
import { gradcam } from "./service.js";
import { begin, end, state } from "./state.js";
import { hideProblem, openKeyIfAsked, sentenceOf } from "./trouble.js";
import * as viewer from "./viewer.js";

const layer = /** @type {HTMLSelectElement} */ (byId("layer"));
const opacity = /** @type {HTMLInputElement} */ (byId("opacity"));
const again = /** @type {HTMLButtonElement} */ (byId("map-again"));
const targets = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("input[name=target]")]);

/** After so long a choice is made: arrow keys pass through others on their way. */
const SETTLED_SECONDS = 0.25;

/** Listens to the controls. */
export function listenToMap() {
  opacity.addEventListener("input", setOpacity);
  layer.addEventListener("change", remap);
  for (const choice of targets) choice.addEventListener("change", remap);
  again.addEventListener("click", remap);
  setOpacity();
}

/** @returns {import("./service.js").Options} as they are chosen */
export function options() {
  return { layer: layer.value, target: targets.find((choice) => choice.checked)?.value ?? "malignant" };
}

/**
 * Lays the map of an answer over the image.
 * @param {any} map the answer's `gradcam`
 * @param {import("./viewer.js").Layers} layers its images
 * @param {boolean} only whether there will be no other map of this image
 */
export function showMap(map, layers, only) {
  viewer.layOver(layers);
  opacity.disabled = !viewer.hasHeat();
  for (const control of [layer, ...targets]) control.disabled = only;
  if (only) {
    layer.value = "";
    for (const choice of targets) choice.checked = choice.value === map.target;
  }
  tellMap(map);
}

/** Asks once more for a map that was refused. */
export async function redrawFailed() {
  if (!again.hidden) await remap();
}

/** Asks for another map of the same image; the score stays what it is. */
async function remap() {
  if (!state.answer) return;
  const signal = begin();
  hideProblem();
  say("map-said", "Drawing the map…");
  try {
    await pause(SETTLED_SECONDS, signal);
    const answer = await patiently(() => gradcam(state.image, options(), signal), {
      signal,
      tell: (seconds) => say("map-said", `The service is not ready; trying again in ${seconds} s.`),
    });
    const layers = await viewer.readLayers(answer.images, state.previewed);
    signal.throwIfAborted(); // another map, or another image, was chosen meanwhile
    viewer.layOver(layers);
    const fields = Object.keys(state.answer.gradcam).map((name) => [name, answer[name]]);
    state.answer = { ...state.answer, gradcam: Object.fromEntries(fields) };
    tellMap(state.answer.gradcam);
  } catch (error) {
    if (signal.aborted) return;
    say("map-said", `${sentenceOf(error)} The map before it is still shown.`);
    again.hidden = false;
    openKeyIfAsked(error);
  } finally {
    end(signal);
  }
}

function tellMap({ has_evidence, target, layer_used }) {
  if (document.activeElement === again) layer.focus(); // it is about to be hidden
  again.hidden = true;
  const nothing = `Nothing in layer ${layer_used} speaks for ${target}: the map is empty.`;
  say("map-said", has_evidence ? `The map of ${layer_used}, for ${target}.` : nothing);
}

function setOpacity() {
  viewer.setStrength(Number(opacity.value) / 100);
  say("opacity-said", `${opacity.value} %`);
}
