/**
 * A response of analyze in words.
 * @module
 */

import { draw, hundredths, two } from "./gauge.js";
import { byId, say } from "./page.js";

/**
 * @param {object} response of analyze
 * @param {object | null} info of model-info, if it is known
 */
export function tell(response, info) {
  const { confidence_score: score, label } = response.prediction;
  say("label", label);
  tellScore(response, info);
  say("risk", response.risk_assessment);
  say("recommendation", response.recommendation);
  const check = response.input_check;
  byId("check").classList.toggle("doubtful", !check.looks_like_ultrasound);
  say("check", check.looks_like_ultrasound ? check.detail : `${check.detail} Do not rely on its score.`);
  say("status", `${label}, score ${two(score)}, ${response.risk_assessment}. ${check.detail}`);
}

/**
 * Shows what is told with the help of model-info, which may come later than the result, or never.
 * @param {object} response of analyze
 * @param {object | null} info of model-info, if it is known
 */
export function tellScore(response, info) {
  const score = response.prediction.confidence_score;
  draw(byId("gauge"), score, response.risk_assessment, info?.risk_bands);
  say("meaning", meaning(score, info));
}

/**
 * What a score is worth: a probability only where the model's evaluation says that it was calibrated.
 * @param {number} score
 * @param {object | null} info
 * @returns {string}
 */
function meaning(score, info) {
  if (!info) return "";
  const calibration = info.evaluation?.calibration?.meant_for;
  if (!calibration) return "This model’s scores are not calibrated: they rank images, and are no probabilities.";
  const odds = calibration.prevalence === 0.5 ? "half" : `${Math.round(100 * calibration.prevalence)} in 100`;
  return (
    `Calibrated: where ${odds} of all images are suspicious, about ${hundredths(score)} in 100 with this score are. ` +
    `Where it was measured, that was off by ${Math.round(100 * calibration.ece15)} on average.`
  );
}
