/**
 * An answer in words.
 * @module
 */

import { draw, hundredths, two } from "./gauge.js";
import { byId, say } from "./page.js";

/**
 * @param {object} answer as analyze gives it
 * @param {object | null} info as model-info gives it, if it is known
 */
export function tell(answer, info) {
  const { confidence_score: score, label } = answer.prediction;
  say("label", label);
  draw(byId("gauge"), score, answer.risk_assessment);
  say("meaning", meaning(score, info));
  say("risk", answer.risk_assessment);
  say("recommendation", answer.recommendation);
  const check = answer.input_check;
  byId("check").classList.toggle("doubtful", !check.looks_like_ultrasound);
  say("check", check.looks_like_ultrasound ? check.detail : `${check.detail} Do not rely on its score.`);
  say("status", `${label}, score ${two(score)}, ${answer.risk_assessment}. ${check.detail}`);
}

/**
 * What a score is worth: a probability only where the model's evaluation says that it was calibrated.
 * @param {number} score
 * @param {object | null} info
 * @returns {string}
 */
export function meaning(score, info) {
  if (!info) return "";
  const calibration = info.evaluation?.calibration?.meant_for;
  if (!calibration) return "This model’s scores are not calibrated: they rank images, and are no probabilities.";
  const odds = calibration.prevalence === 0.5 ? "half" : `${Math.round(100 * calibration.prevalence)} in 100`;
  return (
    `Calibrated: where ${odds} of all images are suspicious, about ${hundredths(score)} in 100 with this score are. ` +
    `Where it was measured, that was off by ${Math.round(100 * calibration.ece15)} on average.`
  );
}
