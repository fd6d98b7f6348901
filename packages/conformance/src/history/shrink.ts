// SPDX-License-Identifier: Apache-2.0

/**
 * Makes a failing list shorter: leaves out ever smaller chunks as long as what remains still fails.
 * The result fails, and with enough tries no single element of it can be left out.
 */
export async function shrink<T>(
  failing: readonly T[],
  fails: (candidate: readonly T[]) => Promise<boolean>,
  maxTries: number,
): Promise<readonly T[]> {
  let smallest = failing;
  let tries = 0;
  let chunk = Math.max(1, Math.floor(failing.length / 2));
  for (;;) {
    let shorter = false;
    for (let start = 0; start < smallest.length && tries < maxTries; ) {
      const candidate = [...smallest.slice(0, start), ...smallest.slice(start + chunk)];
      tries += 1;
      if (await fails(candidate)) {
        smallest = candidate;
        shorter = true;
      } else {
        start += chunk;
      }
    }
    if (tries >= maxTries || (chunk === 1 && !shorter)) return smallest;
    chunk = Math.max(1, Math.floor(chunk / 2));
  }
}
