/**
 * Where things are: beside this page, whatever prefix a stage or a domain puts before it.
 * @module
 */

/**
 * @param {string} path as the documentation names it, `/api/v1/health`, or a whole address
 * @returns {string}
 */
export function addressOf(path) {
  return new URL(path.replace(/^\/+/, ""), document.baseURI).href;
}
