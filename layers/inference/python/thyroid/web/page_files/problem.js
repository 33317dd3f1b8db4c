/**
 * What went wrong, as a sentence that says what happened and one that says what to do.
 * @module
 */

/** What can be done, where the service's own sentence leaves it to its reader. */
const ADVICE = {
  401: "Ask whoever runs this service for access.",
  403: "Enter your key under “API key” and try again.",
  429: "Your picture is still here: wait a moment, then try again.",
  500: "Your picture is still here: try again in a moment.",
  502: "Your picture is still here: try again in a moment.",
  503: "The service is not ready. Your picture is still here: try again in a minute.",
  504: "Your picture is still here: try again in a moment.",
};

/** An error that a person can be told. */
export class Problem extends Error {
  /**
   * @param {string} sentence what happened
   * @param {{advice?: string, status?: number, code?: string, requestId?: string, retryAfter?: number}} [more]
   */
  constructor(sentence, { advice = "", status = 0, code = "", requestId = "", retryAfter = 0 } = {}) {
    super(sentence);
    this.advice = advice;
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
  return new Problem(String(sentence), {
    advice: ADVICE[answer.status] ?? (told?.detail ? "" : "Try again in a moment."),
    status: answer.status,
    code: told?.code ?? "",
    requestId: told?.request_id ?? "",
    retryAfter: Number(answer.headers.get("Retry-After")) || 0,
  });
}

/** @returns {Problem} */
export function unreachable() {
  return new Problem("The server cannot be reached.", {
    advice: "Your picture is still here: check that the server runs and that you are connected, then try again.",
    code: "unreachable",
  });
}
