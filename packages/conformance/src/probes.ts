// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { ConsensusError, type ConsensusErrorCode } from "@tsoracle/consensus";
import { type PhysicalMs, parseSeqKey, physicalMs, type SeqKey } from "@tsoracle/core";
import type { Subject } from "./subject.ts";

/** Codes with which a driver says that an epoch is over. */
export const REFUSED: readonly ConsensusErrorCode[] = ["fenced", "not_leader"];
/** Codes with which a driver says that it does not know the outcome. */
export const UNKNOWN: readonly ConsensusErrorCode[] = ["uncertain", "transient"];

/** How a call ended, as a value. */
export type Settled<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/** Waits for a call to end either way. Attach it at once, so that no rejection goes unheard. */
export function settle<T>(call: Promise<T>): Promise<Settled<T>> {
  return call.then(
    (value) => ({ ok: true, value }),
    (error: unknown) => ({ ok: false, error }),
  );
}

/** Asserts that a call rejects with a `ConsensusError` of one of these codes. */
export async function rejectsWith(call: Promise<unknown>, codes: readonly ConsensusErrorCode[]): Promise<void> {
  const settled = await settle(call);
  const wanted = `expected the call to reject as ${codes.join(" or ")}`;
  if (settled.ok) assert.fail(`${wanted}; it resolved to ${show(settled.value)}`);
  const code = codeOf(settled.error);
  assert.ok(code !== undefined && codes.includes(code), `${wanted}; it rejected with ${show(settled.error)}`);
}

export function codeOf(error: unknown): ConsensusErrorCode | undefined {
  return error instanceof ConsensusError ? error.code : undefined;
}

export function isRefusal(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && REFUSED.includes(code);
}

/** Whether a later try may succeed, under this reign or the next. */
export function isTemporary(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && [...REFUSED, ...UNKNOWN].includes(code);
}

/** The longest that a call may take, by the subject's own word. */
export function callTimeoutMs(subject: Subject): number {
  return subject.callTimeoutMs ?? 5_000;
}

/** Fails as an assertion if `work` takes longer than any call of this subject may. */
export function inTime<T>(subject: Subject, what: string, work: Promise<T>): Promise<T> {
  return withinMs(callTimeoutMs(subject), what, work);
}

/**
 * Turns of the event loop that what is due gets beyond a limit: after a while without a processor everything that was to
 * happen within the limit is due together with the limit itself.
 */
const TURNS_OF_GRACE = 100;

/** Fails as an assertion if `work` takes longer. */
export async function withinMs<T>(limitMs: number, what: string, work: Promise<T>): Promise<T> {
  const cancel = new AbortController();
  const limit = async (): Promise<never> => {
    await delay(limitMs, undefined, { signal: cancel.signal });
    await turns(TURNS_OF_GRACE);
    assert.fail(`${what} did not happen within ${limitMs} ms`);
  };
  const late = limit().catch((error: unknown) => {
    if (!cancel.signal.aborted) throw error;
    return new Promise<never>(() => {});
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel.abort();
  }
}

/** What `work` resolves to, if it does so in time; undefined if it rejects or takes longer. */
export async function soon<T>(limitMs: number, work: Promise<T>): Promise<T | undefined> {
  const cancel = new AbortController();
  const late = delay(limitMs, undefined, { signal: cancel.signal }).catch(() => undefined);
  try {
    return await Promise.race([work.catch(() => undefined), late]);
  } finally {
    cancel.abort();
  }
}

/** Lets whatever is ready run: for what may happen late and must then do no harm. */
export async function turns(count = 5): Promise<void> {
  for (let done = 0; done < count; done += 1) await turn();
}

/** Waits until a condition holds, or the trial is over. */
export async function eventually(condition: () => boolean, signal: AbortSignal): Promise<void> {
  while (!condition()) await pause(signal);
}

/**
 * Between two tries of a call that may be refused in no time: without it such a loop would starve the timer that ends
 * the trial. Rejects when the trial is over.
 */
export async function pause(signal: AbortSignal): Promise<void> {
  await delay(5, undefined, { signal });
}

export function ms(value: number): PhysicalMs {
  return physicalMs(value);
}

/** Lets a body pass what the type system forbids, to see it refused. */
export function unchecked(value: number): PhysicalMs {
  return value as PhysicalMs;
}

export function seqKey(text: string): SeqKey {
  const parsed = parseSeqKey(text);
  if (!parsed.ok) throw new TypeError(`not a sequence key: ${text}`);
  return parsed.key;
}

function show(value: unknown): string {
  return value instanceof Error ? `${value.name}: ${value.message}` : String(value);
}
