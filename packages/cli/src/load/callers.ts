// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@tsoracle/client";
import type { Answer, Recorder } from "./recorder.ts";

export interface CallersOptions {
  /** Shared by the callers in turn; disposed at the end. */
  readonly clients: readonly Client[];
  /** How many callers, each with one call at a time. */
  readonly callers: number;
  /** How many timestamps a caller takes with each call. */
  readonly batchOf: (caller: number) => number;
  readonly recorder: Recorder;
  readonly signal: AbortSignal;
}

const PAUSE_AFTER_ERROR_MS = 20;

function codeOf(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error) return String(error.code);
  return error instanceof Error ? error.name : "unknown";
}

async function takeOne(client: Client): Promise<Answer> {
  const { value, epoch } = await client.getTs();
  return { first: value, count: 1, epoch };
}

async function takeBatch(client: Client, count: number): Promise<Answer> {
  const { firstValue, length, epoch } = await client.getTsBatch(count);
  return { first: firstValue, count: length, epoch };
}

/** Asks for timestamps one call after the other until the signal aborts; errors are recorded and tried again. */
async function call(client: Client, id: number, options: CallersOptions): Promise<void> {
  const { recorder, signal } = options;
  const batch = options.batchOf(id);
  while (!signal.aborted) {
    const begin = performance.now();
    try {
      recorder.answered(id, begin, batch === 1 ? await takeOne(client) : await takeBatch(client, batch));
    } catch (error) {
      recorder.unanswered(id, begin, codeOf(error));
      await sleep(PAUSE_AFTER_ERROR_MS);
    }
  }
}

/** Runs all callers; resolves when the signal has aborted and each has finished its last call. */
export async function runCallers(options: CallersOptions): Promise<void> {
  const { clients } = options;
  const callers = Array.from({ length: options.callers }, (_, id) => {
    const client = clients[id % clients.length];
    if (client === undefined) throw new RangeError("expected at least one client");
    return call(client, id, options);
  });
  try {
    await Promise.all(callers);
  } finally {
    for (const client of clients) await client[Symbol.asyncDispose]();
  }
}
