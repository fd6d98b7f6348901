// SPDX-License-Identifier: Apache-2.0

const escapes = new Map<number, string>([
  [0x07, "\\a"],
  [0x08, "\\b"],
  [0x09, "\\t"],
  [0x0a, "\\n"],
  [0x0b, "\\v"],
  [0x0c, "\\f"],
  [0x0d, "\\r"],
  [0x22, '\\"'],
  [0x5c, "\\\\"],
]);
const visible = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** Bytes as quoted UTF-8 text, with escapes for what is not visible or not UTF-8: what `%q` prints in Go. */
export function quoteBytes(bytes: Uint8Array): string {
  let text = '"';
  for (let at = 0; at < bytes.length; ) {
    const { point, length } = codePoint(bytes, at);
    text += point === undefined ? `\\x${hexDigits(bytes[at] as number, 2)}` : quotePoint(point);
    at += length;
  }
  return `${text}"`;
}

function quotePoint(point: number): string {
  const short = escapes.get(point);
  if (short !== undefined) return short;
  const char = String.fromCodePoint(point);
  if (visible.test(char)) return char;
  if (point < 0x20 || point === 0x7f) return `\\x${hexDigits(point, 2)}`;
  return point < 0x10000 ? `\\u${hexDigits(point, 4)}` : `\\U${hexDigits(point, 8)}`;
}

function hexDigits(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

/** The code point that begins at `at`; none, and one byte, for what is not the shortest form of a valid one. */
function codePoint(bytes: Uint8Array, at: number): { point: number | undefined; length: number } {
  const first = bytes[at] as number;
  if (first < 0x80) return { point: first, length: 1 };
  const length = first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : 2;
  let point = first & (0xff >> (length + 1));
  for (let i = 1; i < length; i++) {
    const next = bytes[at + i];
    if (first < 0xc2 || first >= 0xf5 || next === undefined || (next & 0xc0) !== 0x80) {
      return { point: undefined, length: 1 };
    }
    point = point * 0x40 + (next & 0x3f);
  }
  const shortest = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000;
  const surrogate = point >= 0xd800 && point < 0xe000;
  if (point < shortest || point > 0x10ffff || surrogate) return { point: undefined, length: 1 };
  return { point, length };
}
