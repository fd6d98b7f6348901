// SPDX-License-Identifier: Apache-2.0
import { FenceValueError } from "./fencing-errors.ts";

/**
 * The id itself, if every store can tell it from every other. A lone surrogate has no UTF-8 form:
 * encoders replace it, and two owners would become one. Postgres cannot hold U+0000. An empty id
 * would win every election.
 *
 * @throws FenceValueError `id_invalid`.
 */
export function checkId(id: string, what = "id"): string {
  if (typeof id !== "string")
    throw new FenceValueError("id_invalid", `expected ${what} to be a string, got ${typeof id}`);
  if (id === "") throw new FenceValueError("id_invalid", `expected a non-empty ${what}, got ""`);
  for (const character of id) {
    const point = character.codePointAt(0) ?? 0;
    if (point === 0 || (point >= 0xd800 && point <= 0xdfff)) {
      throw new FenceValueError(
        "id_invalid",
        `expected ${what} to be well-formed text without U+0000, got ${JSON.stringify(id)}`,
      );
    }
  }
  return id;
}

/**
 * Orders ids as their UTF-8 bytes, which is the order of their code points. The operator `<` compares
 * UTF-16 units and puts the characters above U+FFFF before those from U+E000 on.
 */
export function compareIds(left: string, right: string): number {
  const a = left[Symbol.iterator]();
  const b = right[Symbol.iterator]();
  for (;;) {
    const x = a.next();
    const y = b.next();
    if (x.done === true || y.done === true) return Number(y.done === true) - Number(x.done === true);
    const difference = (x.value.codePointAt(0) ?? 0) - (y.value.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
}
