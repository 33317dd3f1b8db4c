/**
 * What went wrong, as a sentence that says what happened and one that says what to do.
 * @module
 */

export const SMALLER = "Save it smaller, as a JPEG or cut to the ultrasound, and choose it again.";
const IN_A_MOMENT = "Try again in a moment.";

/** What can be done, where the service's own sentence leaves it to its reader. */
const ADVICE = {
  401: "Ask whoever runs this service for access.",
  403: "Enter your key under “API key” and try again.",
  408: "See that your connection is good, and try again.",
  413: SMALLER,
  429: "Wait a moment, then try again.",
  500: IN_A_MOMENT,
  502: IN_A_MOMENT,
  503: "The service is not ready: try again in a minute.",
  504: IN_A_MOMENT,
};

/** An error that a person can be told. */
export class Problem extends Error {
  /**
   * @param {string} sentence what happened
   * @param {{advice?: string, mayPass?: boolean, status?: number, code?: string, requestId?: string, retryAfter?: number}}
   *   [more] `mayPass` where the same image is worth another try
   */
  constructor(
    sentence,
    { advice = "", mayPass = false, status = 0, code = "", requestId = "", retryAfter = 0 } = {},
  ) {
    super(sentence);
    this.advice = advice;
    this.mayPass = mayPass;
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

/**
 * Reads an answer that is none: problem+json where the service speaks, anything where something before it does.
 * @param {Response} answer
 * @returns {Promise<Problem>}
 */
export async function problemOf(answer) {
  const told = await answer.json().catch(() => ({}));
  const sentence = told?.detail ?? `The server answered ${answer.status} and did not say why.`;
  return new Problem(inMegabytes(String(sentence)), {
    advice: ADVICE[answer.status] ?? (told?.detail ? "" : IN_A_MOMENT),
    mayPass: answer.status === 408 || answer.status === 429 || answer.status >= 500,
    status: answer.status,
    code: told?.code ?? "",
    requestId: told?.request_id ?? "",
    retryAfter: Number(answer.headers.get("Retry-After")) || 0,
  });
}

/** Nobody reads bytes by the million. They are limits, and so are cut off, not rounded up. */
function inMegabytes(sentence) {
  return sentence.replace(/\d{6,} bytes/g, (bytes) => `${(Math.floor(parseInt(bytes, 10) / 1e5) / 10).toFixed(1)} MB`);
}

/** @returns {Problem} */
export function unreachable() {
  return new Problem("The server cannot be reached.", {
    advice: "See that you are connected, and check that the server runs, then try again.",
    mayPass: true,
    code: "unreachable",
  });
}

/** @returns {Problem} for an answer of success that is none of the service's: a network that asks to sign in gives some */
export function notTheService() {
  return new Problem("Something other than the service answered.", {
    advice: "A network may want you to sign in first: see to that, then try again.",
    mayPass: true,
    code: "not_the_service",
  });
}
