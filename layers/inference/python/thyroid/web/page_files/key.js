/**
 * The API key: in this tab's session storage at most, and never anywhere else.
 * @module
 */

import { Problem } from "./problem.js";

const NAME = "thyroid-api-key";
let inMemory = "";

/** @returns {string} empty where there is none */
export function storedKey() {
  try {
    return sessionStorage.getItem(NAME) ?? inMemory;
  } catch {
    return inMemory; // storage is switched off
  }
}

/**
 * @param {string} key
 * @throws {Problem} where no header could carry it
 */
export function storeKey(key) {
  const trimmed = key.trim();
  if (!/^[\x21-\x7e]*$/.test(trimmed)) {
    throw new Problem("This is no key: it has spaces or characters that keys do not have. Copy it again.");
  }
  inMemory = trimmed;
  try {
    if (trimmed) sessionStorage.setItem(NAME, trimmed);
    else sessionStorage.removeItem(NAME);
  } catch {
    // kept in memory alone
  }
}
