/**
 * Tries again what a service that is only starting, or has too much to do, did not answer: later each time.
 * @module
 */

import { Problem } from "./problem.js";

const MAY_PASS = new Set([502, 503, 504]);
const TRIES = 4;
const MAX_SECONDS = 60; // whoever is told to wait longer does it without this page

/**
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {{signal: AbortSignal, tell: (seconds: number, next: number, of: number) => void}} options
 *   `tell` hears how long is waited before which try
 * @returns {Promise<T>}
 */
export async function patiently(attempt, { signal, tell }) {
  for (let next = 2; ; next++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Problem) || !MAY_PASS.has(error.status) || next > TRIES) throw error;
      if (error.retryAfter > MAX_SECONDS) throw error;
      // Never in step with others who were turned away at the same moment.
      const seconds = Math.max(error.retryAfter, 2 ** (next - 2)) + Math.random();
      tell(Math.ceil(seconds), next, TRIES);
      await pause(seconds, signal);
    }
  }
}

/**
 * @param {number} seconds
 * @param {AbortSignal} signal ends it
 * @returns {Promise<void>}
 */
export function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
