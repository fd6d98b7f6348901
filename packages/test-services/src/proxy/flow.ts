// SPDX-License-Identifier: Apache-2.0

/**
 * What happens to the bytes of one direction.
 *
 * - `pass`: they are forwarded at once.
 * - `{ delayMs }`: they are forwarded in order, each that much later.
 * - `hold`: they wait in the proxy and are forwarded when the flow changes, even if the sender has gone by then:
 *   a partition that heals.
 * - `drop`: they are acknowledged and lost. A connection that has lost bytes never carries others after them: it
 *   is reset when the flow changes.
 */
export type Flow = "pass" | "hold" | "drop" | { readonly delayMs: number };

/** `up` is from the client to the server, `down` from the server to the client. */
export type Direction = "up" | "down";

/** @throws RangeError for a delay that is no finite number from 0 up */
export function checkFlow(flow: Flow): Flow {
  if (typeof flow === "object" && !(Number.isFinite(flow.delayMs) && flow.delayMs >= 0)) {
    throw new RangeError(`delayMs must be a finite number of milliseconds from 0 up, not ${flow.delayMs}`);
  }
  return flow;
}
