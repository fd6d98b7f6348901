// SPDX-License-Identifier: Apache-2.0

const SEPARATORS = /[%|,;:=]/g;

/**
 * Percent-encodes the six characters that separate fields in the frozen strings, and nothing else, so that a
 * separator inside an id is never taken for the end of a field. Source: `fencing-quorum-sessions.md` 4.6.
 */
export function encodeField(text: string): string {
  return text.replace(SEPARATORS, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
