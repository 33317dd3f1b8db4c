/**
 * Which model scores, how good it is, and which layers it can explain.
 * @module
 */

import { byId, say } from "./page.js";

/** @param {object} info of model-info */
export function introduce(info) {
  say("model", `Model ${info.model.name} ${info.model.version}. ${quality(info.evaluation)}`);
  byId("model").hidden = false;

  const layers = /** @type {HTMLSelectElement} */ (byId("layer"));
  const chosen = layers.value;
  layers.replaceChildren(
    new Option(`${info.default_layer} (default)`, ""),
    ...info.conv_layers.filter((name) => name !== info.default_layer).map((name) => new Option(name, name)),
  );
  layers.value = chosen;
  if (layers.selectedIndex < 0) layers.selectedIndex = 0;
}

function quality(evaluation) {
  const auc = Number(evaluation?.auc);
  if (!auc) return "How good it is has not been measured.";
  const interval = evaluation.auc_95_interval;
  const bounds = Array.isArray(interval) ? ` (95 % interval ${interval.map((x) => x.toFixed(2)).join(" to ")})` : "";
  return `Of a suspicious and another image that it never saw, it scores the suspicious one higher in ` +
    `${Math.round(100 * auc)} of 100 cases, AUC ${auc.toFixed(2)}${bounds}. That is not good enough to decide about anyone.`;
}
