/**
 * One request to the service, with the key where there is one; its answer, or a problem.
 * @module
 */

import { addressOf } from "./addresses.js";
import { storedKey } from "./key.js";
import { notTheService, problemOf, unreachable } from "./problem.js";

/**
 * @typedef {object} Request
 * @property {string} [method]
 * @property {BodyInit} [body]
 * @property {string} [type] of the body
 * @property {string} [accept] the one type that is wanted: a gateway gives bytes only to who names their type first
 * @property {Record<string, string>} [query] what is empty is left out
 * @property {AbortSignal} [signal]
 */

/**
 * @param {string} path
 * @param {Request} [request]
 * @returns {Promise<Response>} with a status of success
 */
export async function ask(path, { method = "GET", body, type, accept = "application/json", query = {}, signal } = {}) {
  const headers = { Accept: accept };
  if (type) headers["Content-Type"] = type;
  if (storedKey()) headers["x-api-key"] = storedKey();
  const given = String(new URLSearchParams(Object.entries(query).filter(([, value]) => value)));
  const address = addressOf(path) + (given ? `?${given}` : "");
  return sent(address, { method, body, headers, signal });
}

/**
 * @param {string} address
 * @param {RequestInit} init
 * @returns {Promise<Response>} with a status of success
 */
export async function sent(address, init) {
  let answer;
  try {
    answer = await fetch(address, { cache: "no-store", referrerPolicy: "no-referrer", ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw unreachable();
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

/**
 * @param {Response} answer
 * @returns {Promise<any>}
 */
export function jsonOf(answer) {
  return whole(answer.json());
}

/**
 * @param {Response} answer
 * @returns {Promise<Blob>}
 */
export function blobOf(answer) {
  return whole(answer.blob());
}

/** A connection may end within an answer, too. */
async function whole(body) {
  try {
    return await body;
  } catch (error) {
    throw error instanceof SyntaxError ? notTheService() : unreachable();
  }
}
